import type { NewDraft } from '../../db/drafts/draft-inserts.ts';
import type { DraftSummary } from '../../db/drafts/draft-queries.ts';
import { retry } from '../../lib/async/retry.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { type Clock, type Sleep, systemSleep } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import type { KeptText } from '../text/passages.ts';
import { draftKey } from '../wakeup-keys.ts';
import { leavesTextInLog, textInLog } from './edits.ts';
import type { LogEntry, LogEvent } from './log-events.ts';
import {
  type Addition,
  type EntriesWanted,
  type Fence,
  type LogStore,
  RefusedError,
  STORE_BACKOFF,
} from './log-store.ts';
import { LogTail } from './log-tail.ts';
import type { DraftRecord } from './stored.ts';

/**
 * Number of a draft's entries that stay in memory after they were written, so that live readers do not each query the
 * database.
 */
const TAIL = 512;
const justAppend: AroundAppend = (_, append) => append();
const READ_BATCH = 256;

/** Runs an append of so many events, and may measure it. */
export type AroundAppend = <Answer>(events: number, append: () => Promise<Answer>) => Promise<Answer>;

export interface DraftLogOptions {
  store: LogStore;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  sleep?: Sleep;
  aroundAppend?: AroundAppend;
}

/** A new draft, which begins now, and its log's first events. */
export interface BegunDraft {
  draft: Omit<NewDraft, 'at'>;
  events: readonly LogEvent[];
}

/**
 * The logs of all drafts. Each has one writer and any number of readers, and an entry is durable before anyone sees it
 * ([LOG1]).
 */
export class DraftLog {
  readonly #store: LogStore;
  readonly #wakeups: Wakeups;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sleep: Sleep;
  readonly #aroundAppend: AroundAppend;
  readonly #tails = new Map<string, LogTail>();

  constructor({ store, wakeups, clock, log, sleep = systemSleep, aroundAppend = justAppend }: DraftLogOptions) {
    this.#aroundAppend = aroundAppend;
    this.#store = store;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#log = log;
    this.#sleep = sleep;
  }

  create(started: readonly BegunDraft[]): Promise<boolean> {
    const at = new Date(this.#clock.now());
    return this.#store.create(started.map(({ draft, events }) => ({ draft: { ...draft, at }, events })));
  }

  /**
   * Appends events, however long the store is unavailable: no sampled token is lost, and an append that did arrive is
   * not repeated ([LOG4]).
   * @returns the advanced fence, or null if another writer has taken the draft or it was deleted
   * @throws RefusedError if the store will never accept these events
   */
  async append(fence: Fence, addition: Addition, signal: AbortSignal): Promise<Fence | null> {
    const at = new Date(this.#clock.now());
    const { events } = addition;
    const append = () => this.#store.append({ ...addition, fence, at });
    const made = await this.#persist(fence.draftId, signal, () => this.#aroundAppend(events.length, append));
    if (!made) return null;
    this.#remember(fence, events);
    this.#wakeups.wake(draftKey(fence.draftId));
    return { ...fence, sequence: fence.sequence + events.length };
  }

  /** Like `LogStore.take`, however long the store is unavailable. */
  take(draftId: string, epoch: number, signal: AbortSignal): Promise<Fence | null> {
    return this.#persist(draftId, signal, () => this.#store.take(draftId, epoch));
  }

  /** Brings the row of a draft that has ended up to date with its log. */
  settle(draftId: string, signal: AbortSignal): Promise<void> {
    return this.#persist(draftId, signal, () => this.#store.settle(draftId));
  }

  #persist<Result>(draft: string, signal: AbortSignal, attempt: () => Promise<Result>): Promise<Result> {
    const onFailure = (error: unknown): void => {
      if (error instanceof RefusedError || error instanceof StoredDataError) throw error;
      this.#log.warn({ err: error, draft }, 'the draft log cannot be written; trying again');
    };
    return retry(attempt, { backoff: STORE_BACKOFF, signal, sleep: this.#sleep, onFailure });
  }

  #remember({ draftId, epoch, sequence }: Fence, events: readonly LogEvent[]): void {
    const tail = this.#tails.get(draftId) ?? new LogTail({ sequence, epoch: null }, TAIL);
    tail.add(events.map((event, i) => ({ sequence: sequence + i + 1, epoch, event })));
    this.#tails.set(draftId, tail);
  }

  /**
   * The entries after a sequence number, at most one batch, from memory if they are there.
   * @param epoch of the entry `after`, if it is to be compared
   * @throws DivergedError if the log does not have that entry
   */
  async read(draftId: string, after: number, limit = READ_BATCH, epoch: number | null = null): Promise<LogEntry[]> {
    const wanted = { draftId, after, limit, epoch };
    return this.#recent(wanted) ?? this.#store.read(draftId, after, limit, epoch);
  }

  /** For readers at the end of the log: see `LogStore.news`. */
  async news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]> {
    const recent = wanted.map((one) => this.#recent(one));
    const others = wanted.filter((_, i) => !recent[i]);
    const stored = others.length > 0 ? await this.#store.news(others) : [];
    let next = 0;
    return recent.map((entries) => entries ?? stored[next++] ?? []);
  }

  #recent({ draftId, after, epoch, limit }: EntriesWanted): LogEntry[] | null {
    const entries = this.#tails.get(draftId)?.after(after, epoch, limit);
    // Somebody else may have written on.
    return entries?.length ? entries : null;
  }

  /** The whole log after a sequence number. */
  async readAll(draftId: string, after: number): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (;;) {
      const batch = await this.read(draftId, entries.at(-1)?.sequence ?? after);
      if (batch.length === 0) return entries;
      entries.push(...batch);
    }
  }

  /** Like `readAll`, however long the store is unavailable. @throws StoredDataError */
  recall(draftId: string, after: number, signal: AbortSignal): Promise<LogEntry[]> {
    return this.#persist(draftId, signal, () => this.readAll(draftId, after));
  }

  /** The text before the draft's last turn. */
  async textBeforeTurn(draft: DraftRecord): Promise<KeptText> {
    return leavesTextInLog(draft) ? textInLog(draft, await this.readAll(draft.id, draft.textsUntil)) : draft;
  }

  summaryOf(draftId: string): Promise<DraftSummary | null> {
    return this.#store.summaryOf(draftId);
  }

  /** The same drafts, updated from their logs. */
  refresh(drafts: readonly DraftRecord[]): Promise<DraftRecord[]> {
    return this.#store.refresh(drafts);
  }

  /** Like `LogStore.remove`. */
  async remove(draftId: string, endedBefore?: Date): Promise<boolean> {
    const isRemoved = await this.#store.remove(draftId, endedBefore);
    if (isRemoved) this.forget(draftId);
    return isRemoved;
  }

  compact(before: Date, limit: number): Promise<number> {
    return this.#store.compact(before, limit);
  }

  /** Discards a draft's tail when nothing more is written to it. */
  forget(draftId: string): void {
    this.#tails.delete(draftId);
  }
}
