import { and, asc, desc, eq, gt, inArray, lt, or, sql } from 'drizzle-orm';
import type { Database, Queryable } from './client.ts';
import { countPerOwner } from './per-owner.ts';
import {
  draftEvents,
  drafts,
  type draftKind,
  type draftStatus,
  type draftVisibility,
  listeners,
  type finishReason,
} from './tables.ts';

type Values<Enum extends { enumValues: readonly string[] }> = Enum['enumValues'][number];

export interface DraftRow {
  id: string;
  listenerId: number;
  kind: Values<typeof draftKind>;
  title: string;
  prompt: string;
  visibility: Values<typeof draftVisibility>;
  status: Values<typeof draftStatus>;
  finishReason: Values<typeof finishReason> | null;
  modelId: string;
  sampling: unknown;
  turns: unknown;
  usage: unknown;
  failure: string | null;
  sequence: number;
  epoch: number;
  createdAt: Date;
  updatedAt: Date;
  /** Up to `sequence`: read in the same statement, so that the two agree. */
  text: string;
}

const text = sql<string>`coalesce((select string_agg(e.event->>'text', '' order by e.sequence)
  from draft_events e where e.draft_id = drafts.id and e.sequence <= drafts.sequence), '')`.as('text');
const columns = {
  id: drafts.id,
  listenerId: drafts.listenerId,
  kind: drafts.kind,
  title: drafts.title,
  prompt: drafts.prompt,
  visibility: drafts.visibility,
  status: drafts.status,
  finishReason: drafts.finishReason,
  modelId: drafts.modelId,
  sampling: drafts.sampling,
  turns: drafts.turns,
  usage: drafts.usage,
  failure: drafts.failure,
  sequence: drafts.sequence,
  epoch: drafts.epoch,
  createdAt: drafts.createdAt,
  updatedAt: drafts.updatedAt,
  text,
};

export interface NewDraft {
  id: string;
  listenerId: number;
  kind: DraftRow['kind'];
  title: string;
  prompt: string;
  visibility: DraftRow['visibility'];
  modelId: string;
  sampling: unknown;
  turns: unknown;
  usage: unknown;
  idempotencyKey: string | null;
  event: unknown;
  at: Date;
}

/** Draft and first event in one transaction. @returns false when the idempotency key is taken */
export function insertDraft(db: Queryable, { event, at, ...draft }: NewDraft): Promise<boolean> {
  return db.transaction(async (tx) => {
    const row = { ...draft, status: 'QUEUED' as const, sequence: 1, createdAt: at, updatedAt: at };
    const made = await tx.insert(drafts).values(row).onConflictDoNothing().returning({ id: drafts.id });
    if (made.length === 0) return false;
    await tx.insert(draftEvents).values({ draftId: draft.id, sequence: 1, event, at });
    return true;
  });
}

export function selectDrafts(db: Queryable, ids: readonly string[]): Promise<DraftRow[]> {
  return db
    .select(columns)
    .from(drafts)
    .where(inArray(drafts.id, [...ids]));
}

/** Who may read a draft and how far its log is: what a reader who comes back is asked, without the text. */
export type DraftStanding = Pick<DraftRow, 'listenerId' | 'visibility' | 'status' | 'sequence'>;

export async function selectStanding(db: Queryable, id: string): Promise<DraftStanding | null> {
  const { listenerId, visibility, status, sequence } = columns;
  const [row] = await db.select({ listenerId, visibility, status, sequence }).from(drafts).where(eq(drafts.id, id));
  return row ?? null;
}

export async function selectDraftByKey(
  db: Queryable,
  listenerId: number,
  idempotencyKey: string,
): Promise<DraftRow | null> {
  const mine = and(eq(drafts.listenerId, listenerId), eq(drafts.idempotencyKey, idempotencyKey));
  const [row] = await db.select(columns).from(drafts).where(mine);
  return row ?? null;
}

export interface DraftPage {
  sharedOnly: boolean;
  after: { createdAt: Date; id: string } | null;
  limit: number;
}

/** For each listener the first drafts after a key, newest first. */
export async function selectDraftsOfListeners(
  db: Queryable,
  listenerIds: readonly number[],
  { sharedOnly, after, limit }: DraftPage,
): Promise<DraftRow[]> {
  const beyond =
    after &&
    or(lt(drafts.createdAt, after.createdAt), and(eq(drafts.createdAt, after.createdAt), lt(drafts.id, after.id)));
  const page = db
    .select(columns)
    .from(drafts)
    .where(and(eq(drafts.listenerId, listeners.id), visible(sharedOnly), beyond ?? undefined))
    .orderBy(desc(drafts.createdAt), desc(drafts.id))
    .limit(limit)
    .as('page');
  const rows = await db
    .select()
    .from(listeners)
    .crossJoinLateral(page)
    .where(inArray(listeners.id, [...listenerIds]))
    .orderBy(desc(page.createdAt), desc(page.id));
  return rows.map((row) => row.page);
}

export const countDraftsOfListeners = (
  db: Queryable,
  listenerIds: readonly number[],
  sharedOnly: boolean,
): Promise<Map<number, number>> => countPerOwner(db, drafts.listenerId, listenerIds, visible(sharedOnly));

const visible = (sharedOnly: boolean) => (sharedOnly ? eq(drafts.visibility, 'SHARED') : undefined);

export async function selectUnfinished(db: Queryable): Promise<string[]> {
  const rows = await db
    .select({ id: drafts.id })
    .from(drafts)
    .where(inArray(drafts.status, ['QUEUED', 'GENERATING']))
    .orderBy(asc(drafts.createdAt), asc(drafts.id));
  return rows.map((row) => row.id);
}

/** Shuts out the writer before: see `appendEvents`. @returns the draft as it then is, null when it is gone */
export async function raiseEpoch(db: Queryable, id: string): Promise<DraftRow | null> {
  const raised = await db
    .update(drafts)
    .set({ epoch: sql`${drafts.epoch} + 1` })
    .where(eq(drafts.id, id))
    .returning({ id: drafts.id });
  return raised.length ? ((await selectDrafts(db, [id]))[0] ?? null) : null;
}

export interface Append {
  draftId: string;
  epoch: number;
  /** Of the first event; the draft must be just before it. */
  sequence: number;
  events: readonly unknown[];
  set: Partial<Pick<DraftRow, 'status' | 'finishReason' | 'usage' | 'failure' | 'turns'>>;
  at: Date;
}

/**
 * Appends events to any number of drafts and moves their rows, in one statement: a reader sees both or neither, and however
 * many drafts are being written, a step of theirs is one round trip and one commit.
 * @returns for each, whether it was made: false when the draft is not where the caller believes, because another writer has
 * taken it or it was deleted
 */
export async function appendEvents({ sql }: Database, appends: readonly Append[]): Promise<boolean[]> {
  // The driver would make a string of an object by itself only where it knows the parameter's type.
  const batch = JSON.stringify(appends.map((append, n) => ({ n, ...append })));
  const made = await sql<{ n: number }[]>`
    with batch as (
      select b.*, jsonb_array_length(b.events) as length
      from jsonb_to_recordset(${batch}::jsonb)
        as b (n int, "draftId" uuid, epoch int, sequence int, events jsonb, set jsonb, at timestamptz)
    ), fence as (
      update drafts d set
        sequence = b.sequence + b.length - 1,
        status = coalesce((b.set->>'status')::draft_status, d.status),
        finish_reason = case when b.set ? 'finishReason' then (b.set->>'finishReason')::finish_reason else d.finish_reason end,
        usage = coalesce(b.set->'usage', d.usage),
        failure = case when b.set ? 'failure' then b.set->>'failure' else d.failure end,
        turns = coalesce(b.set->'turns', d.turns),
        updated_at = b.at
      from batch b
      where d.id = b."draftId" and d.epoch = b.epoch and d.sequence = b.sequence - 1
      returning d.id, b.n, b.sequence, b.events, b.at
    ), events as (
      insert into draft_events (draft_id, sequence, event, at)
      select f.id, f.sequence + e.ordinality - 1, e.value, f.at
      from fence f, jsonb_array_elements(f.events) with ordinality as e
    )
    select n from fence`;
  const known = new Set(made.map(({ n }) => n));
  return appends.map((_, n) => known.has(n));
}

/** Where the log stands, for a writer that does not know whether its last append arrived. */
export async function selectPosition(db: Queryable, id: string): Promise<{ sequence: number; epoch: number } | null> {
  const [row] = await db
    .select({ sequence: drafts.sequence, epoch: drafts.epoch })
    .from(drafts)
    .where(eq(drafts.id, id));
  return row ?? null;
}

export function selectEvents(
  db: Queryable,
  id: string,
  after: number,
  limit: number,
): Promise<{ sequence: number; event: unknown }[]> {
  return db
    .select({ sequence: draftEvents.sequence, event: draftEvents.event })
    .from(draftEvents)
    .where(and(eq(draftEvents.draftId, id), gt(draftEvents.sequence, after)))
    .orderBy(asc(draftEvents.sequence))
    .limit(limit);
}

export async function updateDraft(
  db: Queryable,
  id: string,
  set: Partial<Pick<DraftRow, 'title' | 'visibility'>>,
  at: Date,
): Promise<void> {
  await db
    .update(drafts)
    .set({ ...set, updatedAt: at })
    .where(eq(drafts.id, id));
}

export async function deleteDraft(db: Queryable, id: string): Promise<void> {
  await db.delete(drafts).where(eq(drafts.id, id));
}
