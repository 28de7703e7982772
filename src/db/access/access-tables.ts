import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, id, instant, ref } from '../columns.ts';
import { listeners } from '../tables.ts';

/** API keys. The keys themselves are not stored, only their digests. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: id(),
    /** The part of the key that is no secret, by which it is found and named. */
    prefix: text().notNull().unique(),
    digest: bytea().notNull(),
    /** The digest before the last rotation, which is accepted until then. */
    previousDigest: bytea(),
    previousUntil: instant(),
    name: text().notNull(),
    ownerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    /** The only listener that it acts for. Null: its owner and, with the role SERVICE, whoever is named. */
    listenerId: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'cascade' }),
    roles: text().array().notNull(),
    /** Origins of the pages that may use it. Empty: all, and callers that are no pages. */
    origins: text().array().notNull(),
    /** Limits for each day and month: see access/. */
    quota: jsonb().notNull(),
    createdAt: instant().notNull().defaultNow(),
    /** Null if a command created it, or the listener has been erased. */
    createdBy: bigint({ mode: 'number' }).references(() => listeners.id, { onDelete: 'set null' }),
    expiresAt: instant(),
    rotatedAt: instant(),
    revokedAt: instant(),
  },
  (t) => [
    index().on(t.ownerId, t.id),
    index().on(t.listenerId),
    check('api_keys_roles', sql`${t.roles} <@ array['LISTENER', 'SERVICE', 'ANALYST', 'ADMIN'] and ${t.roles} <> '{}'`),
  ],
);

/** What was done that matters to others. A trigger refuses every change, and removals before their time. */
export const auditEntries = pgTable(
  'audit_entries',
  {
    id: id(),
    at: instant().notNull().defaultNow(),
    /** Who did it, or tried; null for a command. No reference, because the entry outlives its listener. */
    listenerId: bigint({ mode: 'number' }),
    /** The prefix of the API key that it was done with. */
    keyPrefix: text(),
    action: text().notNull(),
    /** Whom it was done to, if a listener. */
    subjectId: bigint({ mode: 'number' }),
    /** What it was done to, if no listener: nothing that people wrote. */
    object: text(),
    address: text(),
    requestId: text(),
    outcome: text().notNull(),
  },
  (t) => [index().on(t.at)],
);

/**
 * What was used, as it is noted: by nodes for requests and drafts, by a trigger on drafts for tokens and the engine's
 * time, in the transaction that ends them. Added to `usageDays` soon after. No references, so that a note needs no lock.
 */
export const usageEntries = pgTable('usage_entries', {
  id: id(),
  /** Of UTC. */
  day: date({ mode: 'string' }).notNull(),
  /** Who answers for it. */
  listenerId: ref(),
  /** The API key that it was used with. Null for a token. */
  keyId: bigint({ mode: 'number' }),
  requests: integer().notNull().default(0),
  drafts: integer().notNull().default(0),
  tokensIn: integer().notNull().default(0),
  tokensOut: integer().notNull().default(0),
  engineMs: doublePrecision().notNull().default(0),
});

/** What was used on a day, by the one who answers for it and API key. */
export const usageDays = pgTable(
  'usage_days',
  {
    id: id(),
    day: date({ mode: 'string' }).notNull(),
    listenerId: ref().references(() => listeners.id, { onDelete: 'cascade' }),
    keyId: bigint({ mode: 'number' }).references(() => apiKeys.id, { onDelete: 'cascade' }),
    requests: bigint({ mode: 'number' }).notNull().default(0),
    drafts: bigint({ mode: 'number' }).notNull().default(0),
    tokensIn: bigint({ mode: 'number' }).notNull().default(0),
    tokensOut: bigint({ mode: 'number' }).notNull().default(0),
    engineMs: doublePrecision().notNull().default(0),
    /** As last measured on that day. */
    storedBytes: bigint({ mode: 'number' }).notNull().default(0),
  },
  (t) => [
    unique('usage_days_of').on(t.day, t.listenerId, t.keyId).nullsNotDistinct(),
    index().on(t.listenerId, t.id),
    index().on(t.keyId, t.day),
  ],
);

/** The nodes' last portions of counts, so that one whose answer was lost is not added twice. */
export const usageWriters = pgTable('usage_writers', {
  id: uuid().primaryKey(),
  portion: bigint({ mode: 'number' }).notNull(),
  at: instant().notNull().defaultNow(),
});

/** GraphQL documents that clients name in place of sending them, by the SHA-256 of their text in hexadecimal. */
export const trustedDocuments = pgTable('trusted_documents', {
  id: text().primaryKey(),
  text: text().notNull(),
  /** Whose they are, for people. */
  client: text().notNull(),
  createdAt: instant().notNull().defaultNow(),
});
