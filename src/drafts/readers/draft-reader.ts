import type { DraftSummary } from '../../db/drafts/draft-queries.ts';
import { Semaphore } from '../../lib/async/semaphore.ts';
import { LATER, OVER, type PollableIterator, type Polled } from '../../lib/async/streams.ts';
import { asError } from '../../lib/errors.ts';
import type { Draft, DraftEvent, FollowTime, SnapshotReason } from '../contract.ts';
import { noSuchDraft } from '../contract.ts';
import { eventCursor, positionOf } from '../log/draft-cursor.ts';
import type { LogPosition, Step } from '../log/log-events.ts';
import { DivergedError } from '../log/log-store.ts';
import { DraftTail, type Follower, type TailSource } from './draft-tail.ts';

/**
 * Number of events fetched at a time for readers that are behind. Each is hundreds of tokens to read, execute and send,
 * and in between the other readers get their events.
 */
const CATCHING_UP = 4;

export interface FollowOptions extends FollowTime {
  draftId: string;
  /** The cursor to resume after. Null begins with a snapshot. */
  after: string | null;
  mayRead: (summary: DraftSummary) => boolean;
  /** Loads the draft for this viewer. @throws NotFoundError if they may not, or may no longer, read it */
  load: () => Promise<Draft>;
}

/** All readers of drafts in this process, with one tail per draft. */
export class DraftTails {
  readonly #source: TailSource;
  readonly #tails = new Map<string, DraftTail>();

  constructor(source: TailSource) {
    const lanes = new Semaphore(CATCHING_UP);
    const read: TailSource['read'] = (...wanted) => lanes.run(() => source.read(...wanted));
    this.#source = { ...source, read };
  }

  /** Replays the log after a position and follows it, usually until the draft has ended ([LOG2], [LOG3]). */
  follow(options: FollowOptions): PollableIterator<DraftEvent> {
    return new DraftReader(options, this.#source, () => this.#tailOf(options.draftId));
  }

  #tailOf(draftId: string): DraftTail {
    const known = this.#tails.get(draftId);
    if (known) return known;
    const tail = new DraftTail(draftId, this.#source, () => this.#tails.delete(draftId));
    this.#tails.set(draftId, tail);
    return tail;
  }
}

/**
 * One reader: a cursor and a pending request for the next event. It asks for the next event when the previous one was
 * taken, so that a reader that does not read holds only its cursor ([SERVE6]).
 */
class DraftReader implements PollableIterator<DraftEvent>, Follower {
  readonly #options: FollowOptions;
  readonly #source: TailSource;
  readonly #enter: () => DraftTail;
  readonly #leave = (): void => this.#close();
  /** `busy`: the next event is being fetched. */
  #state: 'outside' | 'busy' | 'following' | 'closed' = 'outside';
  #tail: DraftTail | null = null;
  #position: LogPosition = { sequence: 0, epoch: 0 };
  /** Why a snapshot is due; null if none is. */
  #owed: SnapshotReason | null;
  /**
   * An event that was fetched for the next request. A reader without room for it asks later and has it fetched again:
   * keeping it for every reader that does not read would be most of their cost ([SERVE6]).
   */
  #fetched: WeakRef<Step> | null = null;
  #failure: Error | null = null;
  /** Called when another poll is worthwhile. */
  #ready: (() => void) | null = null;

  constructor(options: FollowOptions, source: TailSource, enter: () => DraftTail) {
    this.#options = options;
    this.#source = source;
    this.#enter = enter;
    this.#owed = options.after === null ? 'START' : null;
  }

  poll(ready: () => void): Polled<DraftEvent> {
    const event = this.#look();
    if (event) return event;
    if (this.#isClosed) return OVER;
    this.#ready = ready;
    return LATER;
  }

  async next(): Promise<IteratorResult<DraftEvent>> {
    for (;;) {
      const event = this.#look();
      if (event) return { done: false, value: event };
      if (this.#isClosed) break;
      await new Promise<void>((resolve) => (this.#ready = resolve));
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    return DONE;
  }

  return(): Promise<IteratorResult<DraftEvent>> {
    this.#close();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  mayRead(summary: DraftSummary): boolean {
    return this.#options.mayRead(summary);
  }

  wake(): void {
    if (this.#state === 'following') this.#tellReady();
  }

  diverge(): void {
    this.#owed = 'DIVERGED';
    this.#fetched = null;
  }

  fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#failure = asError(error);
    this.#close();
  }

  /** The waiting request polls again. */
  #tellReady(): void {
    const ready = this.#ready;
    this.#ready = null;
    ready?.();
  }

  get position(): LogPosition {
    return this.#position;
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** The next event if it is available; otherwise arranges for it. */
  #look(): DraftEvent | null {
    // While its permission is being checked it gets nothing, not even what was fetched before. It is woken afterwards
    // ([DRAFT4]).
    if (this.#tail?.isChecking) return null;
    const fetched = this.#fetched?.deref();
    this.#fetched = null;
    if (fetched) return this.#take(fetched);
    switch (this.#state) {
      case 'outside':
        return this.#fetch(() => this.#join());
      case 'following':
        return this.#lookAtTail();
      case 'busy':
      case 'closed':
        return null;
    }
  }

  #lookAtTail(): DraftEvent | null {
    const owed = this.#owed;
    if (owed) return this.#fetch(() => this.#snapshot(owed));
    const next = this.#tail?.after(this.#position) ?? 'ended';
    switch (next) {
      case 'later':
        return null;
      case 'ended':
        if (!this.#options.keepOpen) this.#close();
        return null;
      case 'behind':
        return this.#fetch(() => this.#catchUp());
      default:
        return this.#take(next);
    }
  }

  #take({ event, sequence, epoch }: Step): DraftEvent {
    this.#position = { sequence, epoch };
    this.#owed = null;
    return event;
  }

  /** Runs in the background, because leaving must not wait for the database. */
  #fetch(next: () => Promise<Step | null>): null {
    this.#state = 'busy';
    const owed = this.#owed;
    next().then(
      (step) => {
        if (this.#isClosed) return;
        this.#state = 'following';
        // What was fetched while the log turned out to have lost its end may be of what was lost.
        const isCurrent = this.#owed === owed;
        this.#fetched = step && isCurrent ? new WeakRef(step) : null;
        this.#tellReady();
      },
      (error: unknown) => this.fail(error),
    );
    return null;
  }

  /** @returns the snapshot, if one is due */
  async #join(): Promise<Step | null> {
    const { draftId, after, load, signal } = this.#options;
    signal?.addEventListener('abort', this.#leave, { once: true });
    if (signal?.aborted) this.#close();
    if (this.#isClosed) return null;
    const tail = this.#enter();
    this.#tail = tail;
    tail.add(this);
    const draft = after === null ? await load() : null;
    const summary = draft ?? (await this.#summary());
    tail.begin(summary);
    if (after === null) return draft && snapshotOf(draft, 'START');
    const position = positionOf(after, draftId);
    this.#position = position;
    if (!isWithin(summary, position)) this.#owed = 'DIVERGED';
    return null;
  }

  /** Checks the permission to read, without loading the text. */
  async #summary(): Promise<DraftSummary> {
    const summary = await this.#source.summaryOf(this.#options.draftId);
    if (summary && this.#options.mayRead(summary)) return summary;
    throw noSuchDraft(this.#options.draftId);
  }

  /** If the log no longer reaches back far enough, a snapshot replaces the events, so that there is no gap. */
  async #catchUp(): Promise<Step> {
    try {
      return (await this.#tail?.read(this.#position)) ?? (await this.#snapshot('COMPACTED'));
    } catch (error) {
      if (error instanceof DivergedError) return await this.#snapshot('DIVERGED');
      throw error;
    }
  }

  async #snapshot(reason: SnapshotReason): Promise<Step> {
    return snapshotOf(await this.#options.load(), reason);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#state = 'closed';
    this.#fetched = null;
    this.#options.signal?.removeEventListener('abort', this.#leave);
    this.#tail?.remove(this);
    this.#tail = null;
    this.#tellReady();
  }
}

function snapshotOf(draft: Draft, reason: SnapshotReason): Step {
  const { id, sequence, lastEpoch: epoch } = draft;
  return { event: { type: 'snapshot', cursor: eventCursor(id, { sequence, epoch }), reason, draft }, sequence, epoch };
}

/** Whether a log that ends like this may have that position. Reading it shows whether it does. */
function isWithin({ sequence, lastEpoch }: DraftSummary, position: LogPosition): boolean {
  return position.sequence < sequence || (position.sequence === sequence && position.epoch === lastEpoch);
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
