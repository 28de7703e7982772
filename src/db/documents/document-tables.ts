import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, instant, ref } from '../columns.ts';
import { listeners } from '../tables.ts';

export const memberRole = pgEnum('member_role', ['EDITOR', 'SUGGESTER', 'READER']);

/** Texts that several people edit at once: see documents/. */
export const documents = pgTable(
  'documents',
  {
    id: uuid().primaryKey(),
    /** The owner. */
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    title: text().notNull(),
    /** The last update's sequence number, and the random number that tells it from one that a restored backup has lost. */
    sequence: integer().notNull().default(0),
    mark: integer().notNull().default(0),
    /** What the updates contain of each client, as Yjs encodes it. */
    stateVector: bytea()
      .notNull()
      .default(sql`'\\x00'`),
    /** All updates up to `snapshotUntil` as one. Null before the first is made. */
    snapshot: bytea(),
    snapshotUntil: integer().notNull().default(0),
    /** Bytes of the updates that are not in the snapshot. */
    logBytes: integer().notNull().default(0),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (t) => [index().on(t.listenerId, t.createdAt.desc(), t.id.desc())],
);

export const documentUpdates = pgTable(
  'document_updates',
  {
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    sequence: integer().notNull(),
    mark: integer().notNull(),
    update: bytea().notNull(),
    /** By which a repetition is known. */
    digest: bytea().notNull(),
    /** Who sent it. Null once they are erased. */
    authorId: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'set null' }),
    at: instant().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.documentId, t.sequence] }),
    uniqueIndex('document_updates_digest_index').on(t.documentId, t.digest),
    index().on(t.authorId),
    check('document_updates_sequence', sql`${t.sequence} > 0`),
  ],
);

/** Who may read or edit a document beside its owner. */
export const documentMembers = pgTable(
  'document_members',
  {
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    role: memberRole().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.documentId, t.listenerId] }), index().on(t.listenerId)],
);

/** Links that make whoever has one a member. Their secrets are stored as digests. */
export const documentLinks = pgTable(
  'document_links',
  {
    digest: bytea().primaryKey(),
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    role: memberRole().notNull(),
    expiresAt: instant().notNull(),
  },
  (t) => [index().on(t.documentId)],
);

export const documentVersions = pgTable(
  'document_versions',
  {
    id: uuid().primaryKey(),
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    /** The whole document as one update. */
    state: bytea().notNull(),
    authorId: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'set null' }),
    createdAt: instant().notNull().defaultNow(),
  },
  (t) => [index().on(t.documentId, t.createdAt.desc(), t.id.desc()), index().on(t.authorId)],
);

/**
 * Who is in a document at the moment. The table is not logged: it is empty after a crash of the database, and nothing is
 * lost with it.
 */
export const documentPresence = pgTable(
  'document_presence',
  {
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    /** The Yjs client. */
    clientId: bigint({ mode: 'number' }).notNull(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    clock: integer().notNull(),
    /** JSON. Null once the client has left. */
    state: text(),
    at: instant().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.documentId, t.clientId] }), index().on(t.listenerId)],
);

/** What a model writes into documents, or has written: see assist/. */
export const documentAssists = pgTable(
  'document_assists',
  {
    id: uuid().primaryKey(),
    documentId: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    /** Who asked for it. */
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    /** The drafts that are written for it. */
    draftIds: uuid().array().notNull(),
    status: text().notNull().default('STARTING'),
    /** Why it has ended otherwise than written whole. */
    reason: text(),
    /** The Yjs client that writes. */
    clientId: bigint({ mode: 'number' }).notNull(),
    /** What was asked for and where, as JSON. */
    asked: jsonb().notNull(),
    /** The process that carries it out, until when, by the database's clock. */
    scribe: uuid(),
    heldUntil: instant(),
    createdAt: instant().notNull().defaultNow(),
    endedAt: instant(),
    undoneAt: instant(),
    undoneBy: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'set null' }),
  },
  (t) => [
    index().on(t.documentId, t.createdAt.desc(), t.id.desc()),
    index().on(t.listenerId),
    index().on(t.undoneBy),
    index('document_assists_drafts_index').using('gin', t.draftIds),
    index('document_assists_running_index')
      .on(t.createdAt)
      .where(sql`status in ('STARTING', 'WRITING')`),
    check('document_assists_status', sql`${t.status} in ('STARTING', 'WRITING', 'WRITTEN', 'STOPPED', 'FAILED')`),
  ],
);
