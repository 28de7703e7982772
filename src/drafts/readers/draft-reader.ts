import type { DraftStanding } from '../../db/queries/draft-queries.ts';
import { Semaphore } from '../../lib/async/semaphore.ts';
import { LATER, OVER, type PollableIterator, type Polled } from '../../lib/async/streams.ts';
import type { Draft, DraftEvent } from '../contract.ts';
import { noSuchDraft } from '../contract.ts';
import { eventCursor, positionOf } from '../log/draft-cursor.ts';
import type { Step } from '../log/log-events.ts';
import { DraftTail, type Follower, type TailSource } from './draft-tail.ts';

/**
 * Events at a time that are fetched for readers who are behind. Each is hundreds of tokens to read, answer and send, between
 * which those who are not behind get theirs.
 */
const CATCHING_UP = 4;

export interface FollowOptions {
  draftId: string;
  /** Cursor to go on after; null begins with a snapshot. */
  after: string | null;
  mayRead: (standing: DraftStanding) => boolean;
  /** The draft as this viewer may read it. @throws NotFoundError when they may not, or no longer */
  load: () => Promise<Draft>;
  signal?: AbortSignal | undefined;
}

/** Everybody who follows a draft in this process, on one tail a draft. */
export class DraftTails {
  readonly #source: TailSource;
  readonly #tails = new Map<string, DraftTail>();

  constructor(source: TailSource) {
    const lanes = new Semaphore(CATCHING_UP);
    const read: TailSource['read'] = (...wanted) => lanes.run(() => source.read(...wanted));
    this.#source = { ...source, read };
  }

  /** Replays the log after a position and then stays with it until the draft has ended ([LOG2], [LOG3]). */
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
 * One reader: a cursor, and whoever waits for what comes after it. It asks for its next event when the one before was taken,
 * so that one who does not read holds nothing but the cursor ([SERVE6]).
 */
class DraftReader implements PollableIterator<DraftEvent>, Follower {
  readonly #options: FollowOptions;
  readonly #source: TailSource;
  readonly #enter: () => DraftTail;
  readonly #leave = (): void => this.#close();
  /** Busy: what comes next is being fetched, and settles whoever waits. */
  #state: 'outside' | 'busy' | 'following' | 'closed' = 'outside';
  #tail: DraftTail | null = null;
  #position = 0;
  /** A snapshot is to come first, or in place of what the log has no more. */
  #owesSnapshot: boolean;
  /**
   * Fetched for who asks at once. One who has no room for it comes later and has it fetched anew: held for each who does not
   * read, it would be most of what they cost ([SERVE6]).
   */
  #fetched: WeakRef<Step> | null = null;
  #failure: Error | null = null;
  /** Called when it is worth asking again. */
  #ready: (() => void) | null = null;

  constructor(options: FollowOptions, source: TailSource, enter: () => DraftTail) {
    this.#options = options;
    this.#source = source;
    this.#enter = enter;
    this.#owesSnapshot = options.after === null;
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

  mayRead(standing: DraftStanding): boolean {
    return this.#options.mayRead(standing);
  }

  wake(): void {
    if (this.#state === 'following') this.#tellReady();
  }

  fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#close();
  }

  /** Whoever waits asks again, and is told what there is by then. */
  #tellReady(): void {
    const ready = this.#ready;
    this.#ready = null;
    ready?.();
  }

  get position(): number {
    return this.#position;
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** The next event when it is at hand; otherwise sees to it that it will be. */
  #look(): DraftEvent | null {
    // Until it is known whether it still may it is told nothing, not even what was fetched before; it is woken then ([DRAFT4]).
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
    if (this.#owesSnapshot) return this.#fetch(() => this.#snapshot());
    const next = this.#tail?.after(this.#position) ?? 'ended';
    switch (next) {
      case 'later':
        return null;
      case 'ended':
        this.#close();
        return null;
      case 'behind':
        return this.#fetch(() => this.#catchUp());
      default:
        return this.#take(next);
    }
  }

  #take({ event, sequence }: Step): DraftEvent {
    this.#position = sequence;
    this.#owesSnapshot = false;
    return event;
  }

  /** Runs aside, since leaving must not have to wait for the database. */
  #fetch(next: () => Promise<Step | null>): null {
    this.#state = 'busy';
    next().then(
      (step) => {
        if (this.#isClosed) return;
        this.#state = 'following';
        this.#fetched = step && new WeakRef(step);
        this.#tellReady();
      },
      (error: unknown) => this.fail(error),
    );
    return null;
  }

  /** @returns the snapshot, when one was asked for */
  async #join(): Promise<Step | null> {
    const { draftId, after, load, signal } = this.#options;
    signal?.addEventListener('abort', this.#leave, { once: true });
    if (signal?.aborted) this.#close();
    if (this.#isClosed) return null;
    const tail = this.#enter();
    this.#tail = tail;
    tail.add(this);
    const draft = after === null ? await load() : null;
    const standing = draft ?? (await this.#standing());
    tail.begin(standing);
    this.#position = after === null ? standing.sequence : positionOf(after, draftId, standing.sequence);
    return draft && snapshotOf(draft);
  }

  /** Leave to read, without the text that a snapshot has. */
  async #standing(): Promise<DraftStanding> {
    const standing = await this.#source.standingOf(this.#options.draftId);
    if (standing && this.#options.mayRead(standing)) return standing;
    throw noSuchDraft(this.#options.draftId);
  }

  /** A log that does not reach back so far any more has a snapshot in place of the events: never a hole. */
  async #catchUp(): Promise<Step> {
    return (await this.#tail?.read(this.#position)) ?? this.#snapshot();
  }

  async #snapshot(): Promise<Step> {
    this.#owesSnapshot = true;
    return snapshotOf(await this.#options.load());
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

function snapshotOf(draft: Draft): Step {
  const { id, sequence } = draft;
  return { event: { type: 'snapshot', cursor: eventCursor(id, sequence), draft }, sequence };
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
