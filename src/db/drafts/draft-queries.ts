import { and, count, desc, eq, gte, inArray, lt, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Database, Queryable } from '../client.ts';
import { countPerOwner, olderThan } from '../queries/per-owner.ts';
import { openDigest, openDrafts, sealChanges } from '../sealing/sealed-drafts.ts';
import { drafts, hasEnded, listeners } from '../tables.ts';
import { columns, type DraftRow, lastEpoch } from './draft-columns.ts';

export async function selectDrafts({ db, vault }: Database, ids: readonly string[]): Promise<DraftRow[]> {
  const rows = await db
    .select(columns)
    .from(drafts)
    .where(inArray(drafts.id, [...ids]));
  return openDrafts(vault, rows);
}

/** The drafts that are left of groups, in the order of their numbers. */
export async function selectDraftsOfGroups({ db, vault }: Database, groupIds: readonly string[]): Promise<DraftRow[]> {
  const rows = await db
    .select(columns)
    .from(drafts)
    .where(inArray(drafts.groupId, [...groupIds]))
    .orderBy(drafts.alternative);
  return openDrafts(vault, rows);
}

/**
 * Deletes the other drafts of a draft's group, at once. Of several such calls for one group the first decides.
 * @returns their ids; null if the draft is gone
 */
export function deleteAlternatives(
  db: Queryable,
  { id, groupId }: { id: string; groupId: string },
): Promise<string[] | null> {
  return db.transaction(async (tx) => {
    const ofGroup = eq(drafts.groupId, groupId);
    const rows = await tx.select({ id: drafts.id }).from(drafts).where(ofGroup).orderBy(drafts.id).for('update');
    const others = rows.map((row) => row.id).filter((other) => other !== id);
    if (others.length === rows.length) return null;
    if (others.length > 0) await tx.delete(drafts).where(inArray(drafts.id, others));
    return others;
  });
}

/**
 * What is needed to let a reader resume without loading the text: who may read the draft, and its position in the log.
 */
export type DraftSummary = Pick<DraftRow, 'listenerId' | 'visibility' | 'status' | 'sequence' | 'lastEpoch'>;

/** False while the row announces a person's change that it does not include yet. */
const isSettled = sql<boolean>`coalesce(drafts.turns->-1->>'type' <> 'typed'
  or (drafts.turns->-1->>'from')::int < drafts.sequence, true)`.as('is_settled');

export async function selectSummary(
  db: Queryable,
  id: string,
): Promise<(DraftSummary & { isSettled: boolean }) | null> {
  const { listenerId, visibility, status, sequence } = columns;
  const summary = { listenerId, visibility, status, sequence, lastEpoch, isSettled };
  const [row] = await db.select(summary).from(drafts).where(eq(drafts.id, id));
  return row ?? null;
}

export async function selectDraftByKey(
  { db, vault }: Database,
  listenerId: number,
  idempotencyKey: string,
): Promise<{ id: string; inputDigest: string | null } | null> {
  const mine = and(eq(drafts.listenerId, listenerId), eq(drafts.idempotencyKey, idempotencyKey));
  const [row] = await db.select({ id: drafts.id, inputDigest: drafts.inputDigest }).from(drafts).where(mine);
  if (!row) return null;
  const { id, inputDigest } = row;
  return { id, inputDigest: inputDigest && (await openDigest(vault, inputDigest, id)) };
}

/** Which of a listener's drafts. Empty lists exclude all. */
export interface DraftSelection {
  sharedOnly: boolean;
  kinds: readonly DraftRow['kind'][] | null;
  statuses: readonly DraftRow['status'][] | null;
  updatedSince: Date | null;
  /** Only these, which a search has found. */
  ids: readonly string[] | null;
}

export interface DraftPage extends DraftSelection {
  after: { createdAt: Date; id: string } | null;
  limit: number;
}

/** For each listener the first drafts after a key, newest first. */
export async function selectDraftsOfListeners(
  { db, vault }: Database,
  listenerIds: readonly number[],
  { after, limit, ...selection }: DraftPage,
): Promise<DraftRow[]> {
  const beyond = after && olderThan(drafts.createdAt, drafts.id, { at: after.createdAt, id: after.id });
  const page = db
    .select(columns)
    .from(drafts)
    .where(and(eq(drafts.listenerId, listeners.id), selected(selection), beyond ?? undefined))
    .orderBy(desc(drafts.createdAt), desc(drafts.id))
    .limit(limit)
    .as('page');
  const rows = await db
    .select()
    .from(listeners)
    .crossJoinLateral(page)
    .where(inArray(listeners.id, [...listenerIds]))
    .orderBy(desc(page.createdAt), desc(page.id));
  return openDrafts(
    vault,
    rows.map((row) => row.page),
  );
}

export const countDraftsOfListeners = (
  db: Queryable,
  listenerIds: readonly number[],
  selection: DraftSelection,
): Promise<Map<number, number>> => countPerOwner(db, drafts.listenerId, listenerIds, selected(selection));

export const selected = ({ sharedOnly, kinds, statuses, updatedSince, ids }: DraftSelection) =>
  and(
    sharedOnly ? eq(drafts.visibility, 'SHARED') : undefined,
    kinds ? inArray(drafts.kind, [...kinds]) : undefined,
    statuses ? inArray(drafts.status, [...statuses]) : undefined,
    updatedSince ? gte(drafts.updatedAt, updatedSince) : undefined,
    ids ? inArray(drafts.id, [...ids]) : undefined,
  );

export interface ChildrenPage {
  /** The listener who sees their own and SHARED drafts. Null sees all. */
  viewer: number | null;
  after: { createdAt: Date; id: string } | null;
  limit: number;
}

const visibleTo = (viewer: number | null) =>
  viewer === null ? undefined : or(eq(drafts.listenerId, viewer), eq(drafts.visibility, 'SHARED'));

/** For each draft the first of those that came from it after a key, newest first. */
export async function selectDraftsOfParents(
  { db, vault }: Database,
  parentIds: readonly string[],
  { viewer, after, limit }: ChildrenPage,
): Promise<DraftRow[]> {
  const others = alias(drafts, 'others');
  const parents = db
    .select({ id: others.id })
    .from(others)
    .where(inArray(others.id, [...parentIds]))
    .as('parents');
  const beyond = after && olderThan(drafts.createdAt, drafts.id, { at: after.createdAt, id: after.id });
  const page = db
    .select(columns)
    .from(drafts)
    .where(and(eq(drafts.parentId, parents.id), visibleTo(viewer), beyond ?? undefined))
    .orderBy(desc(drafts.createdAt), desc(drafts.id))
    .limit(limit)
    .as('page');
  const rows = await db.select().from(parents).crossJoinLateral(page).orderBy(desc(page.createdAt), desc(page.id));
  return openDrafts(
    vault,
    rows.map((row) => row.page),
  );
}

export async function countDraftsOfParents(
  db: Queryable,
  parentIds: readonly string[],
  viewer: number | null,
): Promise<Map<string, number>> {
  const rows = await db
    .select({ parent: sql<string>`${drafts.parentId}`, total: count() })
    .from(drafts)
    .where(and(inArray(drafts.parentId, [...parentIds]), visibleTo(viewer)))
    .groupBy(drafts.parentId);
  return new Map(rows.map(({ parent, total }) => [parent, total]));
}

export async function updateDraftRow(
  { db, vault }: Database,
  id: string,
  set: Partial<Pick<DraftRow, 'title' | 'visibility'>>,
  at: Date,
): Promise<void> {
  const sealed = sealChanges(set.title === undefined ? null : await vault.sealerOfDraft(id), set, id);
  await db
    .update(drafts)
    .set({ ...sealed, updatedAt: at })
    .where(eq(drafts.id, id));
}

export function selectStatusesOf(
  db: Queryable,
  listenerId: number,
  limit: number,
): Promise<Pick<DraftRow, 'id' | 'status'>[]> {
  return db
    .select({ id: drafts.id, status: drafts.status })
    .from(drafts)
    .where(eq(drafts.listenerId, listenerId))
    .limit(limit);
}

/**
 * Drafts that ended, and were last changed, before this time, the earliest begun first: they are found by when they were
 * begun, which is earlier, because an index on a time that each event changes would have an entry for each event.
 */
export function selectEndedBefore(db: Queryable, before: Date, limit: number): Promise<Pick<DraftRow, 'id'>[]> {
  const old = and(endedBefore(before), lt(drafts.createdAt, before));
  return db.select({ id: drafts.id }).from(drafts).where(old).orderBy(drafts.createdAt).limit(limit);
}

/** @param before only if it ended, and was last changed, before this time. @returns whether it was there */
export async function deleteDraftRow(db: Queryable, id: string, before: Date | null = null): Promise<boolean> {
  const condition = and(eq(drafts.id, id), before ? endedBefore(before) : undefined);
  const deleted = await db.delete(drafts).where(condition).returning({ id: drafts.id });
  return deleted.length > 0;
}

const endedBefore = (before: Date) => and(hasEnded(drafts), lt(drafts.updatedAt, before));
