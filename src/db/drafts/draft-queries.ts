import { and, count, desc, eq, gte, inArray, lt, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Forecast } from '../../lib/fair-share.ts';
import type { Database, Queryable } from '../client.ts';
import { countPerOwner, olderThan } from '../queries/per-owner.ts';
import { openDigest, openDrafts, sealChanges } from '../sealing/sealed-drafts.ts';
import { sealEvent, type StoredEvent } from '../sealing/sealed-events.ts';
import type { Vault } from '../sealing/vault.ts';
import {
  draftEvents,
  type draftKind,
  drafts,
  type draftStatus,
  type draftVisibility,
  type finishReason,
  hasEnded,
  listeners,
} from '../tables.ts';
import { checkListenerHasRoom, checkQueueHasRoom, lockDraftsOf, type QueueBound } from './draft-queue.ts';

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
  /** The group of alternatives that it was started in, and its number in it, from 1. Null if it was started alone. */
  groupId: string | null;
  alternative: number | null;
  /** The draft that it came from. Null if there is none, or it was deleted. */
  parentId: string | null;
  /** How it came from another. */
  origin: unknown;
  createdAt: Date;
  updatedAt: Date;
  /** The text up to `sequence`, from the same statement, so that the two agree. */
  text: string;
}

const written =
  sql<Buffer | null>`(select string_agg(int4send(e.sequence) || int4send(own.is_text) || int4send(length(own.bytes)) || own.bytes,
    ''::bytea order by e.sequence)
  from draft_events e cross join lateral (
    select case when get_byte(e.tokens, 0) = 2 then 0 else 1 end as is_text,
      case when get_byte(e.tokens, 0) = 2 then e.tokens else convert_to(coalesce(e.text, e.event->>'text'), 'UTF8') end as bytes
  ) own
  where e.draft_id = drafts.id and e.sequence > drafts.texts_until and e.sequence <= drafts.sequence)`.as('written');
/**
 * While a turn is being written, its tokens are counted from the log, because the model reports its usage at the end.
 */
const usage =
  sql<unknown>`case when drafts.status in ('QUEUED', 'GENERATING') then jsonb_set(drafts.usage, '{completionTokens}',
  to_jsonb(coalesce((drafts.turns->-1->'before'->>'completionTokens')::int, 0) + (
    select coalesce(sum(coalesce(jsonb_array_length(e.event->'tokens'), get_byte(e.tokens, 1) + 256 * get_byte(e.tokens, 2))), 0)::int
    from draft_events e
    where e.draft_id = drafts.id and e.sequence > (drafts.turns->-1->>'from')::int and e.sequence <= drafts.sequence
      and (e.tokens is not null or e.event ? 'tokens')))) else drafts.usage end`
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
  groupId: drafts.groupId,
  alternative: drafts.alternative,
  parentId: drafts.parentId,
  origin: drafts.origin,
  createdAt: drafts.createdAt,
  updatedAt: drafts.updatedAt,
  written,
};

/** Who answers for the latest turn; null: the draft's listener. And the API key; null: a token. */
export interface PayerColumns {
  payerId: number | null;
  payerKeyId: number | null;
}

export interface NewDraft extends KeptColumns, Partial<PayerColumns> {
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
  groupId: string | null;
  alternative: number | null;
  parentId: string | null;
  origin: unknown;
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

/** A new draft and its log's first events: none if its log is stored elsewhere. */
export interface StartedDraft {
  draft: NewDraft;
  events: readonly StoredEvent[];
}

/**
 * Inserts drafts of one listener and their first events in one transaction.
 * @returns false if the idempotency key of one is taken; then nothing is inserted
 * @throws OverloadedError
 */
export async function insertDrafts({ db, vault }: Database, started: readonly StartedDraft[]): Promise<boolean> {
  // Before the transaction, which locks what a new data key needs.
  const sealed = await Promise.all(started.map((one) => sealStarted(vault, one)));
  try {
    await db.transaction(async (tx) => {
      for (const one of sealed) await insertDraft(tx, one);
    });
    return true;
  } catch (error) {
    if (error instanceof KeyIsTaken) return false;
    throw error;
  }
}

async function sealStarted(vault: Vault, { draft, events }: StartedDraft): Promise<StartedDraft> {
  const { id, listenerId } = draft;
  const sealer = await vault.sealerOf(listenerId);
  return {
    draft: sealChanges(sealer, draft, id),
    events: events.map((event, i) => sealEvent(sealer, event, id, i + 1)),
  };
}

/** Undoes the transaction. */
class KeyIsTaken extends Error {}

async function insertDraft(
  tx: Queryable,
  { draft: { at, queue, mostAtOnce, forecast, ...draft }, events }: StartedDraft,
): Promise<void> {
  if (queue !== null) await checkQueueHasRoom(tx, draft.listenerId, queue);
  await lockDraftsOf(tx, draft.listenerId);
  const { texts, textTurns } = draft;
  const lists = { texts: texts && [...texts], textTurns: textTurns && [...textTurns] };
  const state = { status: 'QUEUED' as const, sequence: events.length, createdAt: at, updatedAt: at };
  const row = { ...draft, ...lists, ...state };
  const made = await tx.insert(drafts).values(row).onConflictDoNothing().returning({ id: drafts.id });
  if (made.length === 0) throw new KeyIsTaken();
  await checkListenerHasRoom(tx, draft.listenerId, mostAtOnce, forecast);
  const rows = events.map((event, i) => ({ draftId: draft.id, sequence: i + 1, ...event, at }));
  if (rows.length > 0) await tx.insert(draftEvents).values(rows);
}

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
