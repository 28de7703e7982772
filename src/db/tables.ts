import { type SQL, sql, type SQLWrapper } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  pgView,
  primaryKey,
  real,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { artists, genres, tracks } from './catalogue-tables.ts';
import { bytea, id, instant, ref } from './columns.ts';

export * from './catalogue-tables.ts';

export const feedbackKind = pgEnum('feedback_kind', ['PLAY', 'COMPLETE', 'LIKE', 'SAVE', 'SKIP', 'DISLIKE', 'HIDE']);
export const verdictDimension = pgEnum('verdict_dimension', ['REACTION', 'SAVED', 'HIDDEN']);
export const draftKind = pgEnum('draft_kind', ['LYRICS', 'POEM', 'STORY', 'ARTICLE', 'TUNE']);
export const draftStatus = pgEnum('draft_status', ['QUEUED', 'GENERATING', 'COMPLETED', 'CANCELLED', 'FAILED']);
export const draftVisibility = pgEnum('draft_visibility', ['PRIVATE', 'SHARED']);
export const finishReason = pgEnum('finish_reason', ['STOP', 'LENGTH', 'TIME', 'CANCELLED', 'ERROR']);
export const listSurface = pgEnum('list_surface', ['RECOMMENDATIONS', 'SIMILAR', 'PREVIEW']);

// ── Listeners ──

export const listeners = pgTable('listeners', {
  id: id(),
  externalId: text().notNull().unique(),
  displayName: text().notNull(),
  /** Whether the listener is simulated by the built-in demo. */
  simulated: boolean().notNull().default(false),
  allowExplicit: boolean().notNull().default(true),
  preferenceTags: text()
    .array()
    .notNull()
    .default(sql`'{}'`),
  preferenceText: text(),
  preferencesUpdatedAt: instant(),
  /** What their feedback may be used for, as they said. Null: they have not said, and the operator's default holds. */
  allowsTraining: boolean(),
  allowsAnalytics: boolean(),
  consentUpdatedAt: instant(),
  createdAt: instant().notNull().defaultNow(),
});

/** Keys that encrypt what a listener writes, themselves encrypted with a master key: see sealing/. */
export const dataKeys = pgTable(
  'data_keys',
  {
    id: id(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    /** The id of the master key. */
    master: text().notNull(),
    wrapped: bytea().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [index().on(t.listenerId, t.id), index().on(t.master)],
);

/**
 * Visitors that have become accounts, by the external id that they had. It stays, so that a visitor's token is good for
 * nothing afterwards.
 */
export const claimedVisitors = pgTable(
  'claimed_visitors',
  {
    externalId: text().primaryKey(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    at: instant().notNull().defaultNow(),
  },
  (t) => [index().on(t.listenerId)],
);

export const listenerGenres = pgTable(
  'listener_genres',
  {
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    genreId: ref().references(() => genres.id),
    weight: real().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.listenerId, t.genreId] }),
    check('listener_genres_weight', sql`${t.weight} between -1 and 1`),
  ],
);

export const listenerArtists = pgTable(
  'listener_artists',
  {
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    artistId: ref().references(() => artists.id),
    position: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.listenerId, t.artistId] })],
);

export const feedback = pgTable(
  'feedback',
  {
    id: id(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    trackId: ref().references(() => tracks.id, { onDelete: 'cascade' }),
    kind: feedbackKind().notNull(),
    /** Number of events. More than 1 if a source supplies counts instead of events. */
    plays: integer().notNull().default(1),
    listenedMs: integer(),
    at: instant().notNull().defaultNow(),
    requestId: uuid(),
    /** Identifies a repetition: a caller's idempotency key or an import's natural key. */
    dedupeKey: text(),
  },
  (t) => [
    // Each index adds to every reaction: what is read of one listener is found by the listener, and what is read of a
    // period by blocks, since reactions are stored nearly in the order of their times, except for imports, which are stored by
    // listener.
    uniqueIndex('feedback_key_index')
      .on(t.listenerId, t.dedupeKey)
      .where(sql`${t.dedupeKey} is not null`),
    index('feedback_listener_index').on(t.listenerId, t.at),
    index('feedback_track_id_index').on(t.trackId),
    index('feedback_at_blocks').using('brin', t.at),
    index()
      .on(t.requestId)
      .where(sql`${t.requestId} is not null`),
    check('feedback_plays', sql`${t.plays} >= 1`),
  ],
);

/**
 * What a listener last said of a track in each dimension, as an app shows it. It takes the place of all feedback of its
 * dimension that was recorded before it or is older; the log keeps that feedback all the same.
 */
export const verdicts = pgTable(
  'verdicts',
  {
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    trackId: ref().references(() => tracks.id, { onDelete: 'cascade' }),
    dimension: verdictDimension().notNull(),
    /** Null: taken back. */
    kind: feedbackKind(),
    at: instant().notNull(),
    /** Feedback up to this id was recorded before; its own is the last of it. */
    feedbackId: ref(),
    /** Goes up with each change. */
    revision: integer().notNull().default(1),
  },
  (t) => [primaryKey({ columns: [t.listenerId, t.trackId, t.dimension] }), index().on(t.trackId)],
);

/** Feedback without what verdicts took the place of, and with the verdicts: what a listener is known by and trained on. */
export const standingFeedback = pgView('standing_feedback', {
  id: bigint({ mode: 'number' }),
  listenerId: ref(),
  trackId: ref(),
  kind: feedbackKind().notNull(),
  plays: integer().notNull(),
  at: instant().notNull(),
}).as(sql`
  select f.id, f.listener_id, f.track_id, f.kind, f.plays, f.at
  from feedback f left join verdicts v on v.listener_id = f.listener_id and v.track_id = f.track_id
    and v.dimension = case f.kind when 'LIKE' then 'REACTION'::verdict_dimension when 'DISLIKE' then 'REACTION'::verdict_dimension
      when 'SAVE' then 'SAVED'::verdict_dimension when 'HIDE' then 'HIDDEN'::verdict_dimension end
  where v.listener_id is null or (f.id > v.feedback_id and f.at >= v.at)
  union all
  select null, listener_id, track_id, kind, 1, at from verdicts where kind is not null`);

// ── Recommender ──

export const recommenderVersions = pgTable('recommender_versions', {
  id: id(),
  version: text().notNull().unique(),
  trainedAt: instant().notNull().defaultNow(),
  /** Settings and counts, as reported by the training. */
  parameters: jsonb().$type<Record<string, number | string>>().notNull(),
  /** The item–item weights as serialised by `recommend/`. Null if they are not stored. */
  weights: bytea(),
  active: boolean().notNull().default(false),
  /** When it last began to serve, and who asked for that. Null if its training or a command did. */
  activatedAt: instant(),
  activatedBy: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'set null' }),
});

export const evaluations = pgTable(
  'evaluations',
  {
    id: id(),
    modelVersion: text().notNull(),
    dataset: text().notNull(),
    protocol: text().notNull(),
    metric: text().notNull(),
    value: doublePrecision().notNull(),
    at: instant().notNull().defaultNow(),
  },
  (t) => [index().on(t.at.desc(), t.id.desc())],
);

/** A served list, for attribution and, for a day, for later pages. */
export const recommendationLists = pgTable(
  'recommendation_lists',
  {
    id: uuid().primaryKey(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().defaultNow(),
    surface: listSurface().notNull().default('RECOMMENDATIONS'),
    /** The served tracks in order, the first at this rank, each with its propensity and its main reason. */
    firstRank: integer().notNull().default(1),
    modelVersion: text().notNull(),
    trackIds: bigint({ mode: 'number' })
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Null if all are 1, as they are without exploration. */
    propensities: doublePrecision().array(),
    /**
     * One line each: `h` and the id of the track that was heard, `p` and the preference, `o` for popularity, `-` for
     * none. What follows the letter is missing in older lists.
     */
    causes: text().notNull().default(''),
    /** Everything that the ranking depends on, so that a later page repeats it: see recommend/. Null when it is old. */
    state: bytea(),
  },
  (t) => [
    index().on(t.listenerId, t.createdAt),
    index().on(t.createdAt),
    index('recommendation_lists_state_index')
      .on(t.createdAt)
      .where(sql`${t.state} is not null`),
  ],
);

// ── Drafts ──

/** Written out, so that it is the condition of an index whatever is asked beside it. */
export const hasEnded = ({ status }: { status: SQLWrapper }): SQL =>
  sql`${status} in ('COMPLETED', 'CANCELLED', 'FAILED')`;

export const drafts = pgTable(
  'drafts',
  {
    id: uuid().primaryKey(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    kind: draftKind().notNull(),
    title: text().notNull(),
    prompt: text().notNull(),
    visibility: draftVisibility().notNull(),
    status: draftStatus().notNull(),
    finishReason: finishReason(),
    modelId: text().notNull(),
    /** Complete, so that no field depends on a default that may change. */
    sampling: jsonb().notNull(),
    /** One entry for the start and one for each continuation: see drafts/. */
    turns: jsonb().notNull(),
    usage: jsonb().notNull(),
    failure: text(),
    /** The last event's sequence number. */
    sequence: integer().notNull().default(0),
    /**
     * Raised when the draft is taken up, after which the previous writer can append nothing. By a random number, so that
     * an epoch that a restored backup has lost does not come again.
     */
    epoch: bigint({ mode: 'number' }).notNull().default(1),
    /** The epochs in which events were written, oldest first, and the last event before each. */
    epochs: bigint({ mode: 'number' })
      .array()
      .notNull()
      .default(sql`'{1}'`),
    epochStarts: integer()
      .array()
      .notNull()
      .default(sql`'{0}'`),
    /**
     * The node that writes it, without meaning once it has ended. If it is null, or the node is gone, any node may take
     * the draft.
     */
    owner: uuid(),
    /** The text up to the event `textsUntil`, by who wrote it. Later text is in the events. */
    texts: text().array(),
    textsUntil: integer().notNull().default(0),
    /** The turn of each of `texts`, 0 for a person. Null if each turn has one, in order. */
    textTurns: integer().array(),
    /** How many of `texts` precede the text in the events. Null: all of them. */
    textsBefore: integer(),
    /** Events up to here are no longer in the log; only their text is kept. */
    compacted: integer().notNull().default(0),
    /** The group of alternatives that it was started in, and its number in it, from 1. Null if it was started alone. */
    groupId: uuid(),
    alternative: integer(),
    /** The draft that it came from. Null if there is none, or it was deleted. */
    parentId: uuid().references((): AnyPgColumn => drafts.id, { onDelete: 'set null' }),
    /** How it came from another: see drafts/. */
    origin: jsonb(),
    /** Who answers for the latest turn, and the API key that it was asked for with. Null: the listener, with a token. */
    payerId: bigint({ mode: 'number' }),
    payerKeyId: bigint({ mode: 'number' }),
    idempotencyKey: text(),
    /** The digest of the input with this key, which a repetition shares. Null if none was stored. */
    inputDigest: text(),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex().on(t.listenerId, t.idempotencyKey),
    index().on(t.listenerId, t.createdAt.desc(), t.id.desc()),
    index().on(t.status),
    // Of what only its end changes, so that the events before it add to no index.
    index('drafts_ended_index').on(t.createdAt).where(hasEnded(t)),
    index().on(t.groupId),
    index().on(t.parentId, t.createdAt.desc(), t.id.desc()),
  ],
);

/** By what a draft is found: see draft-texts. A draft that has changed since is indexed again before it is searched. */
export const draftTexts = pgTable('draft_texts', {
  draftId: uuid()
    .primaryKey()
    .references(() => drafts.id, { onDelete: 'cascade' }),
  /** As the draft's row stores it. */
  title: text().notNull(),
  /** The last event whose text is included. */
  until: integer().notNull(),
  /** The terms, one a line, sealed. */
  terms: bytea().notNull(),
});

/** The living nodes that write or serve drafts: see drafts/nodes. */
export const nodes = pgTable('nodes', {
  id: uuid().primaryKey(),
  /** Increases with each heartbeat. Times are not stored, because clocks jump. */
  beat: bigint({ mode: 'number' }).notNull().default(0),
  /** The models of its engine, as described by the `ml` room. */
  models: jsonb().notNull(),
  /** The application_name of a connection that it keeps open. Null for builds that do not say. */
  connection: text(),
});

/** What is known of the database as a whole: one row. */
export const installation = pgTable(
  'installation',
  {
    only: boolean().primaryKey().default(true),
    /** Tells what belongs to this database apart from what belongs to others, where it is kept elsewhere. */
    id: uuid().notNull().defaultRandom(),
    /** Where the drafts' logs are; null until a node has been told. */
    draftLog: text(),
    /** Where they are being moved. Null unless a move was begun and not finished. */
    draftLogMovesTo: text(),
  },
  (t) => [check('installation_only', sql`${t.only}`)],
);

/** What one node at a time does for all, and when it was last done, by the database's clock. */
export const chores = pgTable('chores', { name: text().primaryKey(), doneAt: instant().notNull() });

/** The counts that nodes share: see transport/rates. The columns are those that rate-limiter-flexible requires. */
export const rateLimits = pgTable('rate_limits', {
  key: text().primaryKey(),
  points: integer().notNull().default(0),
  /** When the count starts over, in milliseconds since the epoch. */
  expire: bigint({ mode: 'number' }),
});

export const draftEvents = pgTable(
  'draft_events',
  {
    draftId: uuid()
      .notNull()
      .references(() => drafts.id, { onDelete: 'cascade' }),
    /** Of the row's last event: a row may hold a run of events, without gaps, of one epoch. */
    sequence: integer().notNull(),
    /** One event as JSON. Null for what the model has written, whose text and tokens are below: see drafts/log. */
    event: jsonb(),
    /** Empty for events that are sealed, which are in `tokens`: see sealed-events. */
    text: text(),
    tokens: bytea(),
    at: instant().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.draftId, t.sequence] }),
    check(
      'draft_events_form',
      sql`num_nonnulls(${t.event}, ${t.tokens}) = 1 and num_nulls(${t.text}, ${t.tokens}) in (0, 2)`,
    ),
  ],
);
