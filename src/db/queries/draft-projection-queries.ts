import { and, asc, eq, inArray, lt, lte, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { drafts } from '../tables.ts';
import type { RowChanges } from './draft-log-queries.ts';

const ended = inArray(drafts.status, ['COMPLETED', 'CANCELLED', 'FAILED']);

/**
 * Starts a new turn of a draft whose log is stored elsewhere.
 * @returns false if a later epoch owns it, or it is gone
 */
export async function beginTurn(db: Queryable, id: string, epoch: number, set: RowChanges, at: Date): Promise<boolean> {
  const rows = await db
    .update(drafts)
    .set({ ...set, updatedAt: at })
    .where(and(eq(drafts.id, id), eq(drafts.epoch, epoch)))
    .returning({ id: drafts.id });
  return rows.length > 0;
}

export interface ProjectedEnd extends RowChanges {
  sequence: number;
  texts: string[];
}

/** Copies the end of a draft from a log stored elsewhere. A row that is already further is not changed. */
export async function projectEnd(
  db: Queryable,
  id: string,
  { sequence, texts, ...set }: ProjectedEnd,
  at: Date,
): Promise<void> {
  await db
    .update(drafts)
    .set({ ...set, sequence, texts, textsUntil: sequence, updatedAt: at })
    .where(and(eq(drafts.id, id), lt(drafts.sequence, sequence)));
}

/** Drafts that ended before this time and whose events are still kept, the earliest ended first. */
export async function selectFinished(
  db: Queryable,
  before: Date,
  limit: number,
): Promise<{ id: string; sequence: number }[]> {
  return db
    .select({ id: drafts.id, sequence: drafts.sequence })
    .from(drafts)
    .where(and(ended, lt(drafts.compacted, drafts.sequence), lt(drafts.updatedAt, before)))
    .orderBy(asc(drafts.updatedAt))
    .limit(limit);
}

export async function markCompacted(db: Queryable, id: string, sequence: number): Promise<void> {
  await db
    .update(drafts)
    .set({ compacted: sql`greatest(${drafts.compacted}, ${sequence}::int)` })
    .where(and(eq(drafts.id, id), lte(sql`${sequence}::int`, drafts.sequence)));
}
