import type { NewDraft } from '../../db/drafts/draft-inserts.ts';
import type { DraftSummary } from '../../db/drafts/draft-queries.ts';
import type { Backoff } from '../../lib/async/retry.ts';
import type { KeptText } from '../text/passages.ts';
import type { EditEvent, LogEntry, LogEvent } from './log-events.ts';
import type { DraftRecord, TurnHistory } from './stored.ts';

/** Waits between attempts while the store is unavailable ([LOG4]). */
export const STORE_BACKOFF: Backoff = { firstMs: 100, longestMs: 500 };

/** A writer's claim on a draft: only the holder of the latest epoch may append, and only right after the last entry. */
export interface Fence {
  draftId: string;
  epoch: number;
  /** The last entry's sequence number. */
  sequence: number;
}

/** A request for a draft's entries after a position. */
export interface EntriesWanted {
  draftId: string;
  after: number;
  /** The epoch of the entry `after` as its reader knows it. Null if it is not to be compared. */
  epoch: number | null;
  limit: number;
}

/** A new draft and its log's first events. */
export interface NewLog {
  draft: NewDraft;
  events: readonly LogEvent[];
}

/** What may be appended to a log. */
export type Addition =
  /** Events of the turn that is being written. */
  | { type: 'progress'; events: readonly LogEvent[] }
  /** The beginning of another turn, all turns of the draft from then on, and the text that it continues. */
  | { type: 'turn'; events: readonly LogEvent[]; turns: TurnHistory; kept: KeptText }
  /** A person's change of a draft that has ended, as it is before the change. */
  | { type: 'edit'; events: readonly [EditEvent]; before: DraftRecord };

export type LogAppend = Addition & { fence: Fence; at: Date };

/**
 * The storage of the drafts' logs: PostgreSQL or NATS JetStream. One contract suite covers both. Drafts, their owners
 * and their latest epochs are in PostgreSQL in either case.
 */
export interface LogStore {
  /**
   * Stores new drafts and their logs' first events: all of them or none.
   * @returns false if the idempotency key of one is taken
   * @throws OverloadedError
   */
  create(started: readonly NewLog[]): Promise<boolean>;
  /**
   * Attempts an append: all of its events or none, durable when it resolves with true. The same append again returns
   * true and changes nothing. After any failure except a `RefusedError` it is unknown whether it arrived, so try again.
   * @returns false if a later epoch owns the draft, the log does not end right before it, or the draft is gone
   * @throws RefusedError if these events will never be accepted
   */
  append(append: LogAppend): Promise<boolean>;
  /**
   * Fences off every writer of an earlier epoch, before this one writes anything.
   * @returns the end of the log, with a later epoch if the log knows a later one; null if a later epoch owns the draft, it is gone, or its end is already in the log
   */
  take(draftId: string, epoch: number): Promise<Fence | null>;
  /** Brings the row of a draft that has ended up to date with its log, if the log is stored elsewhere. */
  settle(draftId: string): Promise<void>;
  /**
   * The entries after a sequence number, in order and without gaps, at most `limit`. If the next ones were compacted,
   * the entries begin after those.
   * @param epoch of the entry `after`, if it is to be compared
   * @throws StoredDataError if they are not log entries; DivergedError if the log does not have that entry
   */
  read(draftId: string, after: number, limit: number, epoch?: number | null): Promise<LogEntry[]>;
  /**
   * The same for several readers at the ends of their logs. An entry may not have arrived here yet; a reader that gets
   * nothing is woken when it has. Only `read` states that there is nothing.
   * @returns for each the entries, or why they are unavailable now
   */
  news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]>;
  /** The state of a draft according to its log. Null if it is gone. */
  summaryOf(draftId: string): Promise<DraftSummary | null>;
  /** The same drafts, updated from their logs. */
  refresh(drafts: readonly DraftRecord[]): Promise<DraftRecord[]>;
  /**
   * Removes a draft and its log.
   * @param endedBefore only if it ended, and was last changed, before this time
   * @returns false if it is kept
   */
  remove(draftId: string, endedBefore?: Date): Promise<boolean>;
  /** Reduces drafts that ended before this time to their text, at most `limit`. @returns their number */
  compact(before: Date, limit: number): Promise<number>;
}

/**
 * The log does not have the entry that a reader has: it has lost its end in a restore, and may have grown again in
 * another way ([LOG13]).
 */
export class DivergedError extends Error {}

/** The store rejected the events themselves, so the same append will always fail. */
export class RefusedError extends Error {}
