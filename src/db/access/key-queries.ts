import { and, asc, count, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import { parseStored } from '../../lib/stored-data.ts';
import type { Queryable } from '../client.ts';
import type { ListenerRow } from '../queries/listener-queries.ts';
import { listeners } from '../tables.ts';
import { apiKeys } from './access-tables.ts';

const owners = alias(listeners, 'owners');
const creators = alias(listeners, 'creators');

const listenerColumns = {
  id: listeners.id,
  externalId: listeners.externalId,
  displayName: listeners.displayName,
  simulated: listeners.simulated,
};

const ownerColumns = {
  id: owners.id,
  externalId: owners.externalId,
  displayName: owners.displayName,
  simulated: owners.simulated,
};

const texts = (value: unknown) => parseStored(z.array(z.string()), value, 'a list of an API key');

const columns = {
  id: apiKeys.id,
  prefix: apiKeys.prefix,
  digest: apiKeys.digest,
  previousDigest: apiKeys.previousDigest,
  previousUntil: apiKeys.previousUntil,
  name: apiKeys.name,
  roles: sql`to_jsonb(${apiKeys.roles})`.mapWith(texts),
  origins: sql`to_jsonb(${apiKeys.origins})`.mapWith(texts),
  quota: apiKeys.quota,
  createdAt: apiKeys.createdAt,
  createdBy: creators.externalId,
  expiresAt: apiKeys.expiresAt,
  rotatedAt: apiKeys.rotatedAt,
  revokedAt: apiKeys.revokedAt,
  owner: ownerColumns,
  listener: listenerColumns,
};

export interface ApiKeyRow {
  id: number;
  prefix: string;
  digest: Buffer;
  previousDigest: Buffer | null;
  previousUntil: Date | null;
  name: string;
  roles: string[];
  origins: string[];
  quota: unknown;
  createdAt: Date;
  /** The external id. */
  createdBy: string | null;
  expiresAt: Date | null;
  rotatedAt: Date | null;
  revokedAt: Date | null;
  owner: ListenerRow;
  listener: ListenerRow | null;
}

const selectKeys = (db: Queryable) =>
  db
    .select(columns)
    .from(apiKeys)
    .innerJoin(owners, eq(owners.id, apiKeys.ownerId))
    .leftJoin(listeners, eq(listeners.id, apiKeys.listenerId))
    .leftJoin(creators, eq(creators.id, apiKeys.createdBy));

export async function selectKeyByPrefix(db: Queryable, prefix: string): Promise<ApiKeyRow | null> {
  const [row] = await selectKeys(db).where(eq(apiKeys.prefix, prefix));
  return row ?? null;
}

export function selectKeysByIds(db: Queryable, ids: readonly number[]): Promise<ApiKeyRow[]> {
  return selectKeys(db).where(inArray(apiKeys.id, [...ids]));
}

/** In the order in which they were created. @param ownerId null: of all owners */
export function selectKeysAfter(
  db: Queryable,
  ownerId: number | null,
  after: number,
  limit: number,
): Promise<ApiKeyRow[]> {
  return selectKeys(db)
    .where(and(gt(apiKeys.id, after), ownerId === null ? undefined : eq(apiKeys.ownerId, ownerId)))
    .orderBy(asc(apiKeys.id))
    .limit(limit);
}

export async function countKeys(db: Queryable, ownerId: number | null): Promise<number> {
  const [row] = await db
    .select({ total: count() })
    .from(apiKeys)
    .where(ownerId === null ? undefined : eq(apiKeys.ownerId, ownerId));
  return row?.total ?? 0;
}

export type NewKeyRow = typeof apiKeys.$inferInsert;

/** @returns the key's id; null if the owner has as many keys that are not revoked as it may */
export async function insertKey(db: Queryable, row: NewKeyRow, mostOfOwner: number): Promise<number | null> {
  return db.transaction(async (tx) => {
    // Two keys of one owner are counted one after the other.
    await tx.select({ id: listeners.id }).from(listeners).where(eq(listeners.id, row.ownerId)).for('update');
    const usable = and(eq(apiKeys.ownerId, row.ownerId), isNull(apiKeys.revokedAt));
    const [held] = await tx.select({ total: count() }).from(apiKeys).where(usable);
    if (held && held.total >= mostOfOwner) return null;
    const [made] = await tx.insert(apiKeys).values(row).returning({ id: apiKeys.id });
    return made?.id ?? null;
  });
}

export interface Rotation {
  digest: Buffer;
  /** Until when the key before is accepted. */
  previousUntil: Date;
  at: Date;
}

/** @returns whether there is such a key that is not revoked */
export async function rotateKey(db: Queryable, id: number, { digest, previousUntil, at }: Rotation): Promise<boolean> {
  const rotated = await db
    .update(apiKeys)
    .set({ digest, previousDigest: sql`${apiKeys.digest}`, previousUntil, rotatedAt: at })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning({ id: apiKeys.id });
  return rotated.length > 0;
}

/** A key that was revoked before keeps its time. */
export async function revokeKey(db: Queryable, id: number, at: Date): Promise<void> {
  await db
    .update(apiKeys)
    .set({ revokedAt: at })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)));
}
