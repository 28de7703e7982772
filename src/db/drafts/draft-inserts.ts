import type { Forecast } from '../../lib/fair-share.ts';
import type { Database, Queryable } from '../client.ts';
import { sealChanges } from '../sealing/sealed-drafts.ts';
import { sealEvent, type StoredEvent } from '../sealing/sealed-events.ts';
import type { Vault } from '../sealing/vault.ts';
import { draftEvents, drafts } from '../tables.ts';
import type { DraftRow, KeptColumns } from './draft-columns.ts';
import { checkListenerHasRoom, checkQueueHasRoom, lockDraftsOf, type QueueBound } from './draft-queue.ts';

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
