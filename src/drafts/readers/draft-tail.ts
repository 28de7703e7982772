import { setMaxListeners } from 'node:events';
import type { DraftSummary } from '../../db/queries/draft-queries.ts';
import { retry } from '../../lib/async/retry.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import { noSuchDraft } from '../contract.ts';
import { eventCursors } from '../log/draft-cursor.ts';
import { COALESCED_TOKENS, isTerminal, type LogEntry, type Step, stepFrom } from '../log/log-events.ts';
import { type EntriesWanted, STORE_BACKOFF } from '../log/log-store.ts';
import { LogTail } from '../log/log-tail.ts';
import { draftKey, rightsKey } from '../wakeup-keys.ts';
import type { PolledTail, TailPoller } from './tail-poller.ts';

/**
 * Number of entries kept for followers that have not taken them yet. A follower that is further behind reads the log.
 */
const WINDOW = 128;
/** Number of entries read at once. */
const READ_BATCH = 256;
/** Never written to: new entries come with their own map. */
const NONE = new Map<number, Step>();

/** The source of a tail. */
export interface TailSource {
  /** The entries after a sequence number, in order, at most `limit`. If there are fewer, these are all. */
  read: (draftId: string, after: number, limit: number) => Promise<LogEntry[]>;
  /** For followers at the end. */
  news: TailPoller;
  /** Null if the draft is gone. */
  summaryOf: (draftId: string) => Promise<DraftSummary | null>;
  wakeups: Wakeups;
  logger: Logger;
}

/** A reader as its tail sees it. */
export interface Follower {
  /** The last entry that it has taken. */
  readonly position: number;
  mayRead(summary: DraftSummary): boolean;
  /** Call when there may be something new. */
  wake(): void;
  fail(error: unknown): void;
}

/**
 * The end of one draft's log in this process, read once for all followers. Followers at the same position get the same
 * event object, so that what is derived from it (a GraphQL result, its bytes) can be computed once.
 */
export class DraftTail implements PolledTail {
  readonly #draftId: string;
  readonly #source: TailSource;
  readonly #onEmpty: () => void;
  readonly #closing = new AbortController();
  readonly #woken: AsyncIterableIterator<void>;
  readonly #followers = new Set<Follower>();
  /**
   * The next event by the position before it, as of the current head. Each head gets a new map: a cleared map stays
   * linked to its former contents, which kept past steps of hundreds of drafts alive and took a tenth of a step's time.
   */
  #steps = new Map<number, Step>();
  readonly #reading = new Map<number, Promise<Step | null>>();
  /** Events read for followers that are behind, as long as memory is not needed for something else. */
  readonly #known = new Map<number, WeakRef<Step>>();
  readonly #cursorAt: (sequence: number) => string;
  /** The entries that followers have yet to take. Null until the first follower has reported the log's state. */
  #tail: LogTail | null = null;
  /** Whether the draft had ended with the tail's last entry. */
  #ended = false;
  /** Number of running permission checks. Until they end, nobody gets anything. */
  #checks = 0;

  constructor(draftId: string, source: TailSource, onEmpty: () => void) {
    this.#draftId = draftId;
    this.#cursorAt = eventCursors(draftId);
    this.#source = source;
    this.#onEmpty = onEmpty;
    // Each follower that waits for an unavailable database adds a listener. Many listeners are not a leak here.
    setMaxListeners(0, this.#closing.signal);
    // Watching starts before reading, so that a change in between causes a wake-up.
    void onEach(source.wakeups.changes(rightsKey(draftId), this.#closing.signal), () => this.#checkRights());
    this.#woken = source.wakeups.watch(draftKey(draftId), this.#closing.signal);
  }

  /** Whether permissions are being checked. */
  get isChecking(): boolean {
    return this.#checks > 0;
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  remove(follower: Follower): void {
    if (!this.#followers.delete(follower) || this.#followers.size > 0) return;
    this.#closing.abort();
    this.#onEmpty();
  }

  /** Starts from a follower's state of the log, unless the tail has started already. */
  begin({ sequence, status }: Pick<DraftSummary, 'sequence' | 'status'>): void {
    if (this.#tail) return;
    this.#tail = new LogTail(sequence, WINDOW);
    this.#ended = isTerminal(status);
    void onEach(this.#woken, () => this.#source.news.want(this));
  }

  /** The next event after a position if it is available, or where else to get it. */
  after(position: number): Step | 'behind' | 'later' | 'ended' {
    if (this.isChecking || !this.#tail || position > this.#tail.last) return 'later';
    if (position === this.#tail.last) return this.#ended ? 'ended' : 'later';
    const known = this.#steps.get(position);
    if (known) return known;
    const step = this.#tail.stepAfter(position, this.#cursorAt);
    if (!step) return 'behind';
    this.#steps.set(position, step);
    return step;
  }

  /**
   * The same from the log, for followers that are behind the kept entries. Null if the log no longer reaches back that
   * far. If more tokens remain than fit into one event, events end at the same positions wherever they began, so that
   * followers that are far behind soon share them.
   */
  read(position: number): Promise<Step | null> {
    const known = this.#known.get(position)?.deref();
    if (known) return Promise.resolve(known);
    const reading =
      this.#reading.get(position) ??
      this.#readStep(position).finally(() => {
        this.#reading.delete(position);
      });
    this.#reading.set(position, reading);
    return reading;
  }

  async #readStep(position: number): Promise<Step | null> {
    // One more entry than fits into an event shows whether more tokens follow.
    const entries = await this.#patiently(() => this.#source.read(this.#draftId, position, COALESCED_TOKENS + 1));
    if (entries[0]?.sequence !== position + 1) return null;
    const past = position % COALESCED_TOKENS;
    const step = stepFrom(entries, 0, this.#cursorAt);
    if (step && past === 0) this.#known.set(position, new WeakRef(step));
    const goesOn = step && entries[step.sequence - position]?.event.type === 'tokens';
    return past > 0 && goesOn ? stepFrom(entries.slice(0, COALESCED_TOKENS - past), 0, this.#cursorAt) : step;
  }

  get wanted(): EntriesWanted {
    return { draftId: this.#draftId, after: this.#tail?.last ?? 0, limit: READ_BATCH };
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  take(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (!last || !this.#tail || this.isClosed) return;
    if (entries.length === READ_BATCH) this.#source.news.want(this);
    // Entries that were compacted meanwhile leave a gap.
    this.#tail.add(entries);
    this.#ended = last.event.type === 'status' && isTerminal(last.event.status);
    this.#steps = new Map();
    this.#wakeAll();
    this.#forgetTaken(this.#tail);
  }

  fail(error: unknown): void {
    for (const follower of [...this.#followers]) follower.fail(error);
  }

  /**
   * With hundreds of drafts, entries that everybody has taken must become garbage at once, because collecting aged
   * objects costs most of a step's time.
   */
  #forgetTaken(tail: LogTail): void {
    let least = Infinity;
    for (const { position } of this.#followers) least = Math.min(least, position);
    tail.drop(least);
    if (tail.isEmpty) this.#steps = NONE;
  }

  /** While the database is unavailable, readers wait as the draft does ([LOG4]). */
  #patiently(read: () => Promise<LogEntry[]>): Promise<LogEntry[]> {
    const onFailure = (error: unknown): void => {
      if (error instanceof StoredDataError) throw error;
      this.#source.logger.warn({ err: error, draft: this.#draftId }, 'a draft log cannot be read; trying again');
    };
    return retry(read, { backoff: STORE_BACKOFF, signal: this.#closing.signal, onFailure });
  }

  /** Ends the followers that may no longer read, or all of them if that cannot be determined ([DRAFT4]). */
  async #checkRights(): Promise<void> {
    this.#checks++;
    try {
      const summary = await this.#source.summaryOf(this.#draftId);
      for (const follower of [...this.#followers]) {
        if (!summary || !follower.mayRead(summary)) follower.fail(noSuchDraft(this.#draftId));
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#checks--;
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const follower of this.#followers) follower.wake();
  }
}
