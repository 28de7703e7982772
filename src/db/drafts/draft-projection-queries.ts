import { and, asc, eq, inArray, lt, lte, type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { sealChanges } from '../sealing/sealed-drafts.ts';
import { drafts } from '../tables.ts';
import type { DraftRow } from './draft-columns.ts';
import type { RowChanges } from './draft-log-queries.ts';

const ended = inArray(drafts.status, ['COMPLETED', 'CANCELLED', 'FAILED']);

/** The writer of a draft whose log is stored elsewhere, and the log's position. */
interface Writer {
  draftId: string;
  epoch: number;
  sequence: number;
}

/**
 * Announces in the draft's row what is about to be appended after this position.
 * @returns false if a later epoch owns it, or it is gone
 */
export async function announceAppend(
  { db, vault }: Database,
  { draftId, epoch, sequence }: Writer,
  changes: RowChanges,
  at: Date,
): Promise<boolean> {
  const { texts, textTurns, ...set } = sealChanges(await vault.sealerOfDraft(draftId), changes, draftId);
  const rows = await db
    .update(drafts)
    .set({ ...set, ...lists({ texts, textTurns }), sequence, updatedAt: at })
    .where(and(eq(drafts.id, draftId), eq(drafts.epoch, epoch)))
    .returning({ id: drafts.id });
  return rows.length > 0;
}

/**
 * Raises the epoch of a draft that a writer has taken, to at least another one; by a random number, as always.
 * @returns the epoch; null if another writer has taken it since
 */
export async function raiseEpoch(db: Queryable, id: string, from: number, least: number): Promise<number | null> {
  const [raised] = await db
    .update(drafts)
    .set({ epoch: sql`${least}::bigint + floor(random() * 4294967296)::bigint` })
    .where(and(eq(drafts.id, id), eq(drafts.epoch, from)))
    .returning({ epoch: drafts.epoch });
  return raised?.epoch ?? null;
}

/** Says in the row that a draft is being written, for lists by status, and by what, for whoever takes it up. */
export async function markGenerating(db: Queryable, { draftId, epoch }: Writer, usage: unknown): Promise<void> {
  const going = inArray(drafts.status, ['QUEUED', 'GENERATING']);
  const mine = and(eq(drafts.id, draftId), eq(drafts.epoch, epoch), going);
  await db.update(drafts).set({ status: 'GENERATING', usage }).where(mine);
}

/** Copies the end of a draft from a log stored elsewhere. A row that is further, or of a later epoch, is not changed. */
export async function projectEnd(
  { db, vault }: Database,
  { draftId, epoch, sequence }: Writer,
  changes: RowChanges & Pick<DraftRow, 'epochs' | 'epochStarts'>,
  at: Date,
): Promise<void> {
  const sealed = sealChanges(await vault.sealerOfDraft(draftId), changes, draftId);
  const { epochs, epochStarts, texts, textTurns, ...set } = sealed;
  const history = { epochs: [...epochs], epochStarts: [...epochStarts] };
  const latest = atLeast(epochs.at(-1) ?? 0);
  await db
    .update(drafts)
    .set({ ...set, ...history, ...lists({ texts, textTurns }), epoch: latest, sequence, updatedAt: at })
    .where(and(eq(drafts.id, draftId), eq(drafts.epoch, epoch), lt(drafts.sequence, sequence)));
}

/** A draft that has ended, but not according to its log, which ended in that epoch: any node may take it and end it. */
export async function reopenDraft(db: Queryable, id: string, lastEpoch: number): Promise<void> {
  const set = { status: 'GENERATING', finishReason: null, failure: null, owner: null } as const;
  await db
    .update(drafts)
    .set({ ...set, epoch: atLeast(lastEpoch) })
    .where(and(eq(drafts.id, id), ended));
}

/** A database that was restored from a backup may know older epochs than the log. */
const atLeast = (epoch: number): SQL => sql`greatest(${drafts.epoch}, ${epoch}::bigint)`;

/** Arrays that may be written to are what the driver takes. */
const lists = ({ texts, textTurns }: { [Key in 'texts' | 'textTurns']: RowChanges[Key] | undefined }) => ({
  ...(texts && { texts: [...texts] }),
  ...(textTurns && { textTurns: [...textTurns] }),
});

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
