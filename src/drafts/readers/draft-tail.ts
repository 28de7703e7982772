import { setMaxListeners } from 'node:events';
import type { DraftSummary } from '../../db/drafts/draft-queries.ts';
import { retry } from '../../lib/async/retry.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import { noSuchDraft } from '../contract.ts';
import { eventCursors } from '../log/draft-cursor.ts';
import {
  COALESCED_TOKENS,
  isTerminal,
  isWritten,
  leavesEnded,
  type LogEntry,
  type LogPosition,
  type Step,
  stepFrom,
} from '../log/log-events.ts';
import { DivergedError, type EntriesWanted, STORE_BACKOFF } from '../log/log-store.ts';
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
  /** The entries after a position, in order, at most `limit`. If there are fewer, these are all. @throws DivergedError */
  read: (wanted: EntriesWanted) => Promise<LogEntry[]>;
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
  readonly position: LogPosition;
  mayRead(summary: DraftSummary): boolean;
  /** Call when there may be something new. */
  wake(): void;
  /** The log no longer has what it has taken: it needs a snapshot. */
  diverge(): void;
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
  /** By the cursor of the position before it. */
  readonly #reading = new Map<string, Promise<Step | null>>();
  /** Events read for followers that are behind, as long as memory is not needed for something else. */
  readonly #known = new Map<string, WeakRef<Step>>();
  readonly #cursorAt: (position: LogPosition) => string;
  /** The entries that followers have yet to take. Null until the first follower has reported the log's state. */
  #tail: LogTail | null = null;
  /** Whether the draft had ended with the tail's last entry. */
  #ended = false;
  #isRestarting = false;
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
  begin(summary: Pick<DraftSummary, 'sequence' | 'lastEpoch' | 'status'>): void {
    if (this.#tail) return;
    this.#startAt(summary);
    void onEach(this.#woken, () => this.#source.news.want(this));
  }

  #startAt({ sequence, lastEpoch, status }: Pick<DraftSummary, 'sequence' | 'lastEpoch' | 'status'>): void {
    this.#tail = new LogTail({ sequence, epoch: lastEpoch }, WINDOW);
    this.#ended = isTerminal(status);
    this.#steps = new Map();
  }

  /** The next event after a position if it is available, or where else to get it. */
  after(position: LogPosition): Step | 'behind' | 'later' | 'ended' {
    const { sequence } = position;
    if (this.isChecking || !this.#tail || sequence > this.#tail.last) return 'later';
    if (sequence === this.#tail.last) return this.#ended ? 'ended' : 'later';
    const known = this.#steps.get(sequence);
    if (known) return known;
    const step = this.#tail.stepAfter(position, this.#cursorAt);
    if (!step) return 'behind';
    this.#steps.set(sequence, step);
    return step;
  }

  /**
   * The same from the log, for followers that are behind the kept entries. Null if the log no longer reaches back that
   * far. If more tokens remain than fit into one event, events end at the same positions wherever they began, so that
   * followers that are far behind soon share them.
   * @throws DivergedError if the log does not have that position
   */
  read(position: LogPosition): Promise<Step | null> {
    const key = this.#cursorAt(position);
    const known = this.#known.get(key)?.deref();
    if (known) return Promise.resolve(known);
    const reading =
      this.#reading.get(key) ??
      this.#readStep(position).finally(() => {
        this.#reading.delete(key);
      });
    this.#reading.set(key, reading);
    return reading;
  }

  async #readStep(position: LogPosition): Promise<Step | null> {
    const { sequence: after, epoch } = position;
    // One more entry than fits into an event shows whether more tokens follow.
    const wanted = { draftId: this.#draftId, after, epoch, limit: COALESCED_TOKENS + 1 };
    const entries = await this.#patiently(() => this.#source.read(wanted));
    if (entries[0]?.sequence !== after + 1) return null;
    const past = after % COALESCED_TOKENS;
    const step = stepFrom(entries, 0, this.#cursorAt);
    if (step && past === 0) this.#known.set(this.#cursorAt(position), new WeakRef(step));
    const following = step && entries[step.sequence - after]?.event;
    const goesOn = following && isWritten(following);
    return past > 0 && goesOn ? stepFrom(entries.slice(0, COALESCED_TOKENS - past), 0, this.#cursorAt) : step;
  }

  get wanted(): EntriesWanted {
    const { last: after = 0, lastEpoch: epoch = null } = this.#tail ?? {};
    return { draftId: this.#draftId, after, epoch, limit: READ_BATCH };
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
    this.#ended = leavesEnded(last.event);
    this.#steps = new Map();
    if (this.#ended) this.#turnBack(this.#tail);
    this.#wakeAll();
    this.#forgetTaken(this.#tail);
  }

  /** The log has lost its end, and what was read here with it: begins again at the end that it has now ([LOG13]). */
  diverge({ after, epoch }: EntriesWanted): void {
    const isOld = after !== this.#tail?.last || epoch !== this.#tail.lastEpoch;
    if (this.#isRestarting || isOld) return;
    this.#isRestarting = true;
    this.#restart()
      .catch((error: unknown) => this.fail(error))
      .finally(() => (this.#isRestarting = false));
  }

  async #restart(): Promise<void> {
    const summary = await this.#patiently(() => this.#source.summaryOf(this.#draftId));
    if (!summary) throw noSuchDraft(this.#draftId);
    this.#known.clear();
    this.#startAt(summary);
    if (this.#tail) this.#turnBack(this.#tail);
    this.#wakeAll();
    // What was written since is news.
    this.#source.news.want(this);
  }

  /** Followers whose entries the log does not have get a snapshot. Those that are behind notice it when they read. */
  #turnBack({ last, lastEpoch }: LogTail): void {
    for (const follower of this.#followers) {
      const { sequence, epoch } = follower.position;
      if (sequence > last || (sequence === last && epoch !== lastEpoch)) follower.diverge();
    }
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
    for (const { position } of this.#followers) least = Math.min(least, position.sequence);
    tail.drop(least);
    if (tail.isEmpty) this.#steps = NONE;
  }

  /** While the database is unavailable, readers wait as the draft does ([LOG4]). */
  #patiently<Found>(read: () => Promise<Found>): Promise<Found> {
    const onFailure = (error: unknown): void => {
      if (error instanceof StoredDataError || error instanceof DivergedError) throw error;
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
