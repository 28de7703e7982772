import type { RowChanges } from '../../db/queries/draft-log-queries.ts';
import type { DraftRow, DraftStanding, NewDraft } from '../../db/queries/draft-queries.ts';
import type { Backoff } from '../../lib/async/retry.ts';
import type { LogEntry, LogEvent } from './log-events.ts';

/** Waits between attempts while the store is away ([LOG4]). */
export const STORE_BACKOFF: Backoff = { firstMs: 100, longestMs: 2_000 };

/** A writer's hold on a draft: only the holder of the latest epoch may append, and only right after the last entry. */
export interface Fence {
  draftId: string;
  epoch: number;
  /** The last entry's sequence number. */
  sequence: number;
}

/** The entries of a draft after a position, at most so many. */
export interface EntriesWanted {
  draftId: string;
  after: number;
  limit: number;
}

export interface LogAppend {
  fence: Fence;
  events: readonly LogEvent[];
  /** What the events change of the draft's row. */
  set: RowChanges;
  at: Date;
}

/**
 * Where the drafts' logs are kept: in PostgreSQL beside the drafts, or in NATS JetStream. One contract suite holds for both.
 * What a draft is, who owns it and which epoch is the latest is in PostgreSQL either way.
 */
export interface LogStore {
  /** A new draft and its log's first events. @returns false when its idempotency key is taken @throws OverloadedError */
  create(draft: NewDraft, events: readonly LogEvent[]): Promise<boolean>;
  /**
   * One try at an append: all of its events or none, in the log for good when it resolves with true. The same append again is
   * true and changes nothing. After any failure but a `RefusedError` nobody knows whether it arrived: try again.
   * @returns false when a later epoch has the draft, the log does not end right before, or the draft is gone
   * @throws RefusedError when these events will never be taken
   */
  append(append: LogAppend): Promise<boolean>;
  /**
   * Shuts out every writer of an earlier epoch, before anything of this one is written.
   * @returns where the log ends; null when a later epoch has the draft, it is gone, or its end is in the log already
   */
  take(draftId: string, epoch: number): Promise<Fence | null>;
  /**
   * The entries after a sequence number, in order and without a gap, at most so many. Where what comes next was compacted, they
   * begin after that.
   */
  read(draftId: string, after: number, limit: number): Promise<LogEntry[]>;
  /**
   * The same for those who wait at the end, together: it may not have got here yet, and who is told nothing is woken once it has.
   * Only `read` says that there is nothing.
   * @returns for each the entries, or why they cannot be had now
   */
  news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]>;
  /** Where its log has a draft; null when it is gone. */
  standingOf(draftId: string): Promise<DraftStanding | null>;
  /** The same drafts as their logs have them now. */
  refresh(rows: readonly DraftRow[]): Promise<DraftRow[]>;
  /** Removes a draft and its log. */
  remove(draftId: string): Promise<void>;
  /** Leaves of drafts that ended before then only their text: at most so many. @returns how many */
  compact(before: Date, limit: number): Promise<number>;
}

/** The store took offence at the events themselves: the same append fails for ever. */
export class RefusedError extends Error {}
