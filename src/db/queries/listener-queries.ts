import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { parseStored } from '../../lib/stored-data.ts';
import type { Database, Queryable } from '../client.ts';
import { openListeners, openPreferences, sealName, sealPreferences } from '../sealing/sealed-listeners.ts';
import type { Sealer } from '../sealing/vault.ts';
import {
  artists,
  feedback,
  type feedbackKind,
  genres,
  listenerArtists,
  listenerGenres,
  listeners,
  tracks,
} from '../tables.ts';
import { countPerOwner, olderThan } from './per-owner.ts';

export type FeedbackKindColumn = (typeof feedbackKind.enumValues)[number];

const listenerColumns = {
  id: listeners.id,
  externalId: listeners.externalId,
  displayName: listeners.displayName,
  simulated: listeners.simulated,
};

export interface ListenerRow {
  id: number;
  externalId: string;
  displayName: string;
  simulated: boolean;
}

/**
 * The listener with this external id, inserted if there is none: one statement, unless two callers insert at once.
 * @param displayName what they are called, which is private
 * @param nameless what they are called without such a name
 */
export async function upsertListener(
  database: Database,
  externalId: string,
  displayName: string | null,
  nameless: string = externalId,
): Promise<ListenerRow> {
  const [made] = await database.db
    .insert(listeners)
    .values({ externalId, displayName: nameless })
    .onConflictDoNothing()
    .returning(listenerColumns);
  const row = made ?? (await selectListenerByExternalId(database, externalId));
  if (!row) throw new Error(`listener ${externalId} vanished between insert and select`);
  if (!made || displayName === null || displayName === nameless) return row;
  await writeName(database, row.id, displayName);
  return { ...row, displayName };
}

/** The key that seals it belongs to the listener, who is therefore stored before. */
async function writeName({ db, vault }: Database, id: number, name: string): Promise<void> {
  const displayName = sealName(await vault.sealerOf(id), name, id);
  await db.update(listeners).set({ displayName }).where(eq(listeners.id, id));
}

export async function selectListenerByExternalId(
  { db, vault }: Database,
  externalId: string,
): Promise<ListenerRow | null> {
  const rows = await db.select(listenerColumns).from(listeners).where(eq(listeners.externalId, externalId));
  const [row] = await openListeners(vault, rows);
  return row ?? null;
}

export async function selectListeners({ db, vault }: Database, ids: readonly number[]): Promise<ListenerRow[]> {
  const rows = await db
    .select(listenerColumns)
    .from(listeners)
    .where(inArray(listeners.id, [...ids]));
  return openListeners(vault, rows);
}

export interface PreferenceRow {
  listenerId: number;
  genres: { genreId: number; slug: string; name: string; weight: number }[];
  artistIds: number[];
  tags: string[];
  text: string | null;
  allowExplicit: boolean;
  updatedAt: Date | null;
}

const genresShape = z.array(z.object({ genreId: z.int(), slug: z.string(), name: z.string(), weight: z.number() }));
const statedGenres = sql<PreferenceRow['genres']>`coalesce((
  select jsonb_agg(jsonb_build_object('genreId', g.id, 'slug', g.slug, 'name', g.name, 'weight', l.weight) order by l.weight desc, g.name)
  from ${listenerGenres} l join ${genres} g on g.id = l.genre_id where l.listener_id = listeners.id), '[]')`;
const statedArtists = sql<number[]>`coalesce((
  select jsonb_agg(l.artist_id order by l.position) from ${listenerArtists} l where l.listener_id = listeners.id), '[]')`;
// As JSON, because Drizzle drops the backslashes of an array's text.
const statedTags = sql<string[]>`to_jsonb(${listeners.preferenceTags})`;

export async function selectPreferences({ db, vault }: Database, ids: readonly number[]): Promise<PreferenceRow[]> {
  return openPreferences(vault, await selectStoredPreferences(db, ids));
}

/** Preferences whose words are as they are stored. */
function selectStoredPreferences(db: Queryable, ids: readonly number[]): Promise<PreferenceRow[]> {
  return db
    .select({
      listenerId: listeners.id,
      genres: statedGenres.mapWith(jsonOf(genresShape, 'the genres of a listener')),
      artistIds: statedArtists.mapWith(jsonOf(z.array(z.int()), 'the artists of a listener')),
      tags: statedTags.mapWith(jsonOf(z.array(z.string()), 'the tags of a listener')),
      text: listeners.preferenceText,
      allowExplicit: listeners.allowExplicit,
      updatedAt: listeners.preferencesUpdatedAt,
    })
    .from(listeners)
    .where(inArray(listeners.id, [...ids]));
}

const jsonOf =
  <Data>(shape: z.ZodType<Data>, what: string) =>
  (value: unknown) =>
    parseStored(shape, value, what);

export interface PreferenceChange {
  genres?: readonly { genreId: number; weight: number }[];
  artistIds?: readonly number[];
  tags?: readonly string[];
  text?: string | null;
  allowExplicit?: boolean;
  at: Date;
}

/** @param sealer of the listener, made before the transaction, which locks what a new data key needs */
export async function writePreferences(
  db: Queryable,
  listenerId: number,
  change: PreferenceChange,
  sealer: Sealer | null,
): Promise<void> {
  const { allowExplicit, at } = change;
  await db
    .update(listeners)
    .set({
      preferencesUpdatedAt: at,
      ...sealPreferences(sealer, change, listenerId),
      ...(allowExplicit !== undefined && { allowExplicit }),
    })
    .where(eq(listeners.id, listenerId));
  if (change.genres) {
    await db.delete(listenerGenres).where(eq(listenerGenres.listenerId, listenerId));
    const rows = change.genres.map((genre) => ({ listenerId, ...genre }));
    if (rows.length) await db.insert(listenerGenres).values(rows);
  }
  if (change.artistIds) {
    await db.delete(listenerArtists).where(eq(listenerArtists.listenerId, listenerId));
    const rows = change.artistIds.map((artistId, position) => ({ listenerId, artistId, position }));
    if (rows.length) await db.insert(listenerArtists).values(rows);
  }
}

export async function lockListener(db: Queryable, listenerId: number): Promise<boolean> {
  const rows = await db.select({ id: listeners.id }).from(listeners).where(eq(listeners.id, listenerId)).for('update');
  return rows.length === 1;
}

export async function genreIdsBySlug(db: Queryable, slugs: readonly string[]): Promise<Map<string, number>> {
  if (slugs.length === 0) return new Map();
  const rows = await db
    .select({ id: genres.id, slug: genres.slug })
    .from(genres)
    .where(inArray(genres.slug, [...slugs]));
  return new Map(rows.map((row) => [row.slug, row.id]));
}

/** The ids among these that exist. */
export async function existingIds(
  db: Queryable,
  table: 'artists' | 'tracks' | 'listeners',
  ids: readonly number[],
): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const { id } = { artists, tracks, listeners }[table];
  const rows = await db
    .select({ id })
    .from(id.table)
    .where(inArray(id, [...new Set(ids)]));
  return new Set(rows.map((row) => row.id));
}

const feedbackColumns = {
  id: feedback.id,
  listenerId: feedback.listenerId,
  trackId: feedback.trackId,
  kind: feedback.kind,
  plays: feedback.plays,
  listenedMs: feedback.listenedMs,
  at: feedback.at,
  requestId: feedback.requestId,
};

export interface FeedbackRow {
  id: number;
  listenerId: number;
  trackId: number;
  kind: FeedbackKindColumn;
  plays: number;
  listenedMs: number | null;
  at: Date;
  requestId: string | null;
}

export interface NewFeedback {
  listenerId: number;
  trackId: number;
  kind: FeedbackKindColumn;
  listenedMs: number | null;
  at: Date;
  requestId: string | null;
  dedupeKey: string | null;
}

export type KeyedFeedbackRow = FeedbackRow & { dedupeKey: string | null };
const keyedColumns = { ...feedbackColumns, dedupeKey: feedback.dedupeKey };

/** Inserts new rows. Rows whose (listener, dedupe key) exists are left out of the result. */
export function insertFeedback(db: Queryable, rows: readonly NewFeedback[]): Promise<KeyedFeedbackRow[]> {
  return db
    .insert(feedback)
    .values([...rows])
    .onConflictDoNothing()
    .returning(keyedColumns);
}

/** The rows with these listeners and keys, and possibly the same keys of other listeners among them. */
export function selectFeedbackByKeys(
  db: Queryable,
  rows: readonly Pick<NewFeedback, 'listenerId' | 'dedupeKey'>[],
): Promise<KeyedFeedbackRow[]> {
  const listenerIds = [...new Set(rows.map(({ listenerId }) => listenerId))];
  const keys = [...new Set(rows.flatMap(({ dedupeKey }) => dedupeKey ?? []))];
  return db
    .select(keyedColumns)
    .from(feedback)
    .where(and(inArray(feedback.listenerId, listenerIds), inArray(feedback.dedupeKey, keys)));
}

export function selectFeedbackByIds(db: Queryable, ids: readonly number[]): Promise<FeedbackRow[]> {
  return db
    .select(feedbackColumns)
    .from(feedback)
    .where(inArray(feedback.id, [...ids]));
}

export interface FeedbackPage {
  kinds: readonly FeedbackKindColumn[] | null;
  /** The key of the previous page's last row. */
  after: { at: Date; id: number } | null;
  limit: number;
}

/** For each listener the first rows after a key, newest first. */
export async function selectFeedbackOfListeners(
  db: Queryable,
  listenerIds: readonly number[],
  { kinds, after, limit }: FeedbackPage,
): Promise<FeedbackRow[]> {
  const beyond = after && olderThan(feedback.at, feedback.id, after);
  const page = db
    .select(feedbackColumns)
    .from(feedback)
    .where(and(eq(feedback.listenerId, listeners.id), ofKinds(kinds), beyond ?? undefined))
    .orderBy(desc(feedback.at), desc(feedback.id))
    .limit(limit)
    .as('page');
  const rows = await db
    .select()
    .from(listeners)
    .crossJoinLateral(page)
    .where(inArray(listeners.id, [...listenerIds]))
    .orderBy(desc(page.at), desc(page.id));
  return rows.map((row) => row.page);
}

export const countFeedbackOfListeners = (
  db: Queryable,
  listenerIds: readonly number[],
  kinds: readonly FeedbackKindColumn[] | null,
): Promise<Map<number, number>> => countPerOwner(db, feedback.listenerId, listenerIds, ofKinds(kinds));

const ofKinds = (kinds: readonly FeedbackKindColumn[] | null) =>
  kinds ? inArray(feedback.kind, [...kinds]) : undefined;
