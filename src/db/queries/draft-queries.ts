import { and, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import type { Forecast } from '../../lib/fair-share.ts';
import type { TermQuery } from '../../lib/text/search-terms.ts';
import type { Queryable } from '../client.ts';
import { foundBy } from '../draft-texts.ts';
import {
  draftEvents,
  type draftKind,
  drafts,
  type draftStatus,
  type draftVisibility,
  type finishReason,
  listeners,
} from '../tables.ts';
import { checkListenerHasRoom, checkQueueHasRoom, lockDraftsOf, type QueueBound } from './draft-queue.ts';
import { countPerOwner, olderThan } from './per-owner.ts';

type Values<Enum extends { enumValues: readonly string[] }> = Enum['enumValues'][number];

/** The text that the row keeps. They change together. */
export interface KeptColumns {
  texts: readonly string[] | null;
  textTurns: readonly number[] | null;
  textsBefore: number | null;
  textsUntil: number;
}

/** Number of the latest epochs that a row keeps. Earlier events count as of epoch 0. */
export const KEPT_EPOCHS = 1_000;

export interface DraftRow extends KeptColumns {
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
  /** The epochs in which events were written, oldest first, and the last event before each. */
  epochs: readonly number[];
  epochStarts: readonly number[];
  /** The epoch in which the last event was written; 0 if there is none. */
  lastEpoch: number;
  owner: string | null;
  compacted: number;
  createdAt: Date;
  updatedAt: Date;
  /** The text up to `sequence`, from the same statement, so that the two agree. */
  text: string;
}

const text = sql<string>`concat(
  array_to_string(drafts.texts[:coalesce(drafts.texts_before, cardinality(drafts.texts))], ''),
  (select string_agg(e.event->>'text', '' order by e.sequence) from draft_events e
    where e.draft_id = drafts.id and e.sequence > drafts.texts_until and e.sequence <= drafts.sequence),
  array_to_string(drafts.texts[drafts.texts_before + 1:], ''))`.as('text');
/**
 * While a turn is being written, its tokens are counted from the log, because the model reports its usage at the end.
 */
const usage =
  sql<unknown>`case when drafts.status in ('QUEUED', 'GENERATING') then jsonb_set(drafts.usage, '{completionTokens}',
  to_jsonb(coalesce((drafts.turns->-1->'before'->>'completionTokens')::int, 0) + (
    select coalesce(sum(jsonb_array_length(e.event->'tokens')), 0)::int from draft_events e
    where e.draft_id = drafts.id and e.sequence > (drafts.turns->-1->>'from')::int and e.sequence <= drafts.sequence
      and e.event ? 'tokens'))) else drafts.usage end`
    .mapWith(drafts.usage)
    .as('usage');
const lastEpoch = sql<number>`coalesce(drafts.epochs[width_bucket(drafts.sequence - 1, drafts.epoch_starts)], 0)`
  .mapWith(Number)
  .as('last_epoch');
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
  usage,
  failure: drafts.failure,
  sequence: drafts.sequence,
  epoch: drafts.epoch,
  epochs: drafts.epochs,
  epochStarts: drafts.epochStarts,
  lastEpoch,
  owner: drafts.owner,
  texts: drafts.texts,
  textTurns: drafts.textTurns,
  textsBefore: drafts.textsBefore,
  textsUntil: drafts.textsUntil,
  compacted: drafts.compacted,
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
  /** The digest of the input with this key. Null without a key. */
  inputDigest: string | null;
  /** Null for any node with a free place. */
  owner: string | null;
  /** The limit on drafts without an owner, if this is one of them. */
  queue: QueueBound | null;
  /** Maximum number of this listener's drafts that wait or are being written. */
  mostAtOnce: number;
  /** When slots become free. Null if unknown. */
  forecast: Forecast | null;
  at: Date;
}

/**
 * Inserts a draft and its first events in one transaction, without events if its log is stored elsewhere.
 * @returns false if the idempotency key is taken
 * @throws OverloadedError
 */
export function insertDraft(
  db: Queryable,
  { at, queue, mostAtOnce, forecast, ...draft }: NewDraft,
  events: readonly unknown[],
): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (queue !== null) await checkQueueHasRoom(tx, draft.listenerId, queue);
    await lockDraftsOf(tx, draft.listenerId);
    const row = { ...draft, status: 'QUEUED' as const, sequence: events.length, createdAt: at, updatedAt: at };
    const made = await tx.insert(drafts).values(row).onConflictDoNothing().returning({ id: drafts.id });
    if (made.length === 0) return false;
    await checkListenerHasRoom(tx, draft.listenerId, mostAtOnce, forecast);
    const rows = events.map((event, i) => ({ draftId: draft.id, sequence: i + 1, event, at }));
    if (rows.length > 0) await tx.insert(draftEvents).values(rows);
    return true;
  });
}

export function selectDrafts(db: Queryable, ids: readonly string[]): Promise<DraftRow[]> {
  return db
    .select(columns)
    .from(drafts)
    .where(inArray(drafts.id, [...ids]));
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
  db: Queryable,
  listenerId: number,
  idempotencyKey: string,
): Promise<{ id: string; inputDigest: string | null } | null> {
  const mine = and(eq(drafts.listenerId, listenerId), eq(drafts.idempotencyKey, idempotencyKey));
  const [row] = await db.select({ id: drafts.id, inputDigest: drafts.inputDigest }).from(drafts).where(mine);
  return row ?? null;
}

/** Which of a listener's drafts. Empty lists exclude all. */
export interface DraftSelection {
  sharedOnly: boolean;
  kinds: readonly DraftRow['kind'][] | null;
  statuses: readonly DraftRow['status'][] | null;
  updatedSince: Date | null;
  /** The words of a search, for drafts that are indexed. */
  terms: TermQuery;
}

export interface DraftPage extends DraftSelection {
  after: { createdAt: Date; id: string } | null;
  limit: number;
}

/** For each listener the first drafts after a key, newest first. */
export async function selectDraftsOfListeners(
  db: Queryable,
  listenerIds: readonly number[],
  { after, limit, ...selection }: DraftPage,
): Promise<DraftRow[]> {
  const beyond = after && olderThan(drafts.createdAt, drafts.id, { at: after.createdAt, id: after.id });
  const page = db
    .select(columns)
    .from(drafts)
    .where(and(eq(drafts.listenerId, listeners.id), selected(db, selection), beyond ?? undefined))
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
  selection: DraftSelection,
): Promise<Map<number, number>> => countPerOwner(db, drafts.listenerId, listenerIds, selected(db, selection));

const selected = (db: Queryable, { sharedOnly, kinds, statuses, updatedSince, terms }: DraftSelection) =>
  and(
    sharedOnly ? eq(drafts.visibility, 'SHARED') : undefined,
    kinds ? inArray(drafts.kind, [...kinds]) : undefined,
    statuses ? inArray(drafts.status, [...statuses]) : undefined,
    updatedSince ? gte(drafts.updatedAt, updatedSince) : undefined,
    terms.length > 0 ? foundBy(db, terms) : undefined,
  );

export async function updateDraftRow(
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

export async function deleteDraftRow(db: Queryable, id: string): Promise<void> {
  await db.delete(drafts).where(eq(drafts.id, id));
}
