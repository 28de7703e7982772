import { setMaxListeners } from 'node:events';
import type { DraftStanding } from '../../db/queries/draft-queries.ts';
import { retry } from '../../lib/async/retry.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { noSuchDraft } from '../contract.ts';
import { eventCursors } from '../log/draft-cursor.ts';
import { COALESCED_TOKENS, isTerminal, type LogEntry, type Step, stepFrom } from '../log/log-events.ts';
import { type EntriesWanted, STORE_BACKOFF } from '../log/log-store.ts';
import { draftKey, rightsKey } from '../wakeup-keys.ts';
import type { PolledTail, TailPoller } from './tail-poller.ts';

/** Entries kept for followers who have yet to take them; who is further behind reads the log. */
const WINDOW = 128;
/** Entries of a log that are taken at once. */
const READ_BATCH = 256;
/** Nothing is written to it: with entries comes a map of their own. */
const NONE = new Map<number, Step>();

/** What tails read from. */
export interface TailSource {
  /** The entries after a sequence number, in order, at most `limit` of them; fewer are all there are. */
  read: (draftId: string, after: number, limit: number) => Promise<LogEntry[]>;
  /** For who waits at the end. */
  news: TailPoller;
  /** Null when the draft is gone. */
  standingOf: (draftId: string) => Promise<DraftStanding | null>;
  wakeups: Wakeups;
  logger: Logger;
}

/** A reader as its tail knows it. */
export interface Follower {
  /** The last entry that it has taken. */
  readonly position: number;
  mayRead(standing: DraftStanding): boolean;
  /** There may be something new for it. */
  wake(): void;
  fail(error: unknown): void;
}

/**
 * The end of one draft's log in this process: read once, however many follow it. Followers at the same place are handed the
 * very same event, so that whatever is made of it (a GraphQL result, its bytes) can be made once.
 */
export class DraftTail implements PolledTail {
  readonly #draftId: string;
  readonly #source: TailSource;
  readonly #onEmpty: () => void;
  readonly #closing = new AbortController();
  readonly #woken: AsyncIterableIterator<void>;
  readonly #followers = new Set<Follower>();
  /**
   * The next event by the position before it, as of the current head. With each head it is a new map: one that is cleared is
   * linked to what it was before, which keeps hundreds of drafts' past steps alive, and was a tenth of what a step took.
   */
  #steps = new Map<number, Step>();
  readonly #reading = new Map<number, Promise<Step | null>>();
  /** What was read for those who are behind, as long as memory is not needed for something else. */
  readonly #known = new Map<number, WeakRef<Step>>();
  readonly #cursorAt: (sequence: number) => string;
  #entries: LogEntry[] = [];
  /** The last entry that is known here; null until the first follower has said where the log is. */
  #head: number | null = null;
  /** Whether the draft had ended when `#head` was its last entry. */
  #ended = false;
  /** Rights are being looked up: until they are known nobody is told anything. */
  #checks = 0;

  constructor(draftId: string, source: TailSource, onEmpty: () => void) {
    this.#draftId = draftId;
    this.#cursorAt = eventCursors(draftId);
    this.#source = source;
    this.#onEmpty = onEmpty;
    // Whoever is behind while the database is away waits with it: however many they are, none is a leak.
    setMaxListeners(0, this.#closing.signal);
    // Watching comes before looking: what changes in between wakes us.
    void this.#watchRights();
    this.#woken = source.wakeups.watch(draftKey(draftId), this.#closing.signal);
  }

  /** Whether it is being looked up who may read. */
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

  /** Goes on from where a follower found the log, unless another has found it already. */
  begin({ sequence, status }: Pick<DraftStanding, 'sequence' | 'status'>): void {
    if (this.#head !== null) return;
    this.#head = sequence;
    this.#ended = isTerminal(status);
    void this.#follow();
  }

  /** What comes after a position: an event that is at hand, or where else to look. */
  after(position: number): Step | 'behind' | 'later' | 'ended' {
    if (this.isChecking || this.#head === null || position > this.#head) return 'later';
    if (position === this.#head) return this.#ended ? 'ended' : 'later';
    const known = this.#steps.get(position);
    if (known) return known;
    const first = this.#entries[0]?.sequence ?? Infinity;
    const step = position >= first - 1 ? stepFrom(this.#entries, position - first + 1, this.#cursorAt) : null;
    if (!step) return 'behind';
    this.#steps.set(position, step);
    return step;
  }

  /**
   * The same for who is behind what is kept here, from the log; null when the log does not go back so far any more. Where more
   * tokens than one event's are left, events end at the same places wherever they began, so that those who are far behind are
   * soon handed the same ones.
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
    // One more than an event carries tells whether tokens go on behind it.
    const entries = await this.#patiently(() => this.#source.read(this.#draftId, position, COALESCED_TOKENS + 1));
    if (entries[0]?.sequence !== position + 1) return null;
    const past = position % COALESCED_TOKENS;
    const step = stepFrom(entries, 0, this.#cursorAt);
    if (step && past === 0) this.#known.set(position, new WeakRef(step));
    const goesOn = step && entries[step.sequence - position]?.event.type === 'tokens';
    return past > 0 && goesOn ? stepFrom(entries.slice(0, COALESCED_TOKENS - past), 0, this.#cursorAt) : step;
  }

  async #follow(): Promise<void> {
    for await (const _ of this.#woken) this.#source.news.want(this);
  }

  get wanted(): EntriesWanted {
    return { draftId: this.#draftId, after: this.#head ?? 0, limit: READ_BATCH };
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  take(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (!last || this.isClosed) return;
    if (entries.length === READ_BATCH) this.#source.news.want(this);
    // What was compacted meanwhile is a gap that nobody may step over.
    const isNext = entries[0]?.sequence === (this.#head ?? 0) + 1;
    this.#forgetTaken();
    this.#entries = isNext ? [...this.#entries, ...entries] : [...entries];
    this.#head = last.sequence;
    this.#ended = last.event.type === 'status' && isTerminal(last.event.status);
    this.#steps = new Map();
    this.#wakeAll();
    this.#forgetTaken();
  }

  /** Of hundreds of drafts, what everybody has taken must be garbage at once: to collect what has aged costs most of what a step does. */
  #forgetTaken(): void {
    if (this.#entries.length === 0) return;
    let least = Infinity;
    for (const { position } of this.#followers) least = Math.min(least, position);
    this.#entries = this.#entries.filter(({ sequence }) => sequence > least).slice(-WINDOW);
    if (this.#entries.length === 0) this.#steps = NONE;
  }

  /** While the database is away the readers wait, as the draft does ([LOG4]). */
  #patiently(read: () => Promise<LogEntry[]>): Promise<LogEntry[]> {
    const onFailure = (error: unknown): void =>
      this.#source.logger.warn({ err: error, draft: this.#draftId }, 'a draft log cannot be read; trying again');
    return retry(read, { backoff: STORE_BACKOFF, signal: this.#closing.signal, onFailure });
  }

  async #watchRights(): Promise<void> {
    const changes = this.#source.wakeups.watch(rightsKey(this.#draftId), this.#closing.signal);
    await changes.next();
    for await (const _ of changes) await this.#checkRights();
  }

  /** Ends those who may no longer read; all of them when that cannot be found out ([DRAFT4]). */
  async #checkRights(): Promise<void> {
    this.#checks++;
    try {
      const standing = await this.#source.standingOf(this.#draftId);
      for (const follower of [...this.#followers]) {
        if (!standing || !follower.mayRead(standing)) follower.fail(noSuchDraft(this.#draftId));
      }
    } catch (error) {
      for (const follower of [...this.#followers]) follower.fail(error);
    } finally {
      this.#checks--;
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const follower of this.#followers) follower.wake();
  }
}
