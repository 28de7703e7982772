import type { Clock } from '../../lib/clock.ts';
import { ModelUnavailableError } from '../../lib/errors.ts';
import type { GenerationEvent, Usage, WriterState } from '../contract.ts';
import type { EventQueue } from './event-queue.ts';
import type { Remaining } from './forecast.ts';
import type { Demand, MemoryBudget, Tenant } from './memory-budget.ts';
import type { WriterJob } from './protocol.ts';
import type { ThreadListener, WriterThread } from './writer-thread.ts';

export interface OpeningOptions {
  id: string;
  name: string;
  memory: MemoryBudget;
  demand: Demand;
  /** Time after which an idle model is unloaded. */
  sleepAfterMs: number;
  clock: Clock;
  /** Opens the model with this number of slots. */
  open: (slots: number, listener: ThreadListener) => Promise<WriterThread>;
  /** It accepts no more drafts from now on. */
  onClosing: () => void;
  /** A place has become free. */
  onVacated: () => void;
}

/** The listener for whom a place is taken, and the maximum number of tokens, if known. */
export interface Asked {
  listener: number | null;
  tokens: number;
}

/** A place of the model: a slot or a position in the queue. */
export interface Place {
  asked: Asked;
  /** Whether the opening has received its draft. */
  written: boolean;
  /** Gives the place back. Further calls do nothing. */
  leave: () => void;
}

/** For a place whose listener is unknown or does not exist. */
export const NOTHING: Asked = { listener: null, tokens: 0 };

interface Draft {
  job: Omit<WriterJob, 'waitedMs'>;
  events: EventQueue;
  askedAt: number;
  running: boolean;
  /** Number of tokens that were shown. */
  shown: number;
  /** The time limit of a draft that waits for the thread. */
  timer: NodeJS.Timeout | null;
  leave: () => void;
}

const UNUSED = { completionTokens: 0, timeToFirstTokenMs: null, tokensPerSecond: null };

/**
 * One opening of a model, from requesting memory until all of it has been released. Drafts belong to the opening that
 * accepted them, so its failure affects only its own drafts.
 */
export class Opening implements Tenant {
  readonly #options: OpeningOptions;
  readonly #drafts = new Map<number, Draft>();
  readonly #opened = new Deferred<WriterThread>();
  /** Settles when the opening must end. Rejects with the failure that ended it. */
  readonly #end = new Deferred<null>();
  #thread: WriterThread | null = null;
  #closing = false;
  #ended: Error | null = null;
  readonly #places = new Set<Place>();
  #sleepTimer: NodeJS.Timeout | null = null;
  /** Number of granted slots. 0 while it waits for memory. */
  slots = 0;
  /** The thread's state. Null while it has written nothing. */
  state: WriterState | null = null;
  usedAt: number;
  /** Resolves when its memory is free again. */
  readonly gone: Promise<void>;

  constructor(options: OpeningOptions) {
    this.#options = options;
    this.usedAt = options.clock.monotonic();
    this.gone = this.#live();
  }

  /** Rejects with the reason if the model does not open. */
  get opened(): Promise<unknown> {
    return this.#opened.promise;
  }

  get idle(): boolean {
    return this.#places.size === 0;
  }

  get places(): ReadonlySet<Place> {
    return this.#places;
  }

  /** The drafts that are being written, wait or are about to arrive. */
  get remaining(): Remaining[] {
    const coming = [...this.#places].filter(({ written }) => !written);
    return [
      ...[...this.#drafts.values()].map((draft) => this.#remainingOf(draft)),
      ...coming.map(({ asked }) => ({ ...asked, running: false, promptTokens: 0, limitMs: null })),
    ];
  }

  get memoryBytes(): number {
    return this.#options.memory.bytesOf(this);
  }

  occupy(asked: Asked = NOTHING): Place {
    const place: Place = { asked, written: false, leave: () => this.#vacate(place) };
    this.#places.add(place);
    this.#keepAwake();
    return place;
  }

  write(job: Draft['job'], events: EventQueue, leave: () => void): void {
    const askedAt = this.#options.clock.monotonic();
    const draft: Draft = { job, events, askedAt, running: false, shown: 0, timer: null, leave };
    this.#drafts.set(job.id, draft);
    if (this.#ended) this.#failAll(this.#ended);
    else if (this.#thread) this.#send(this.#thread, draft);
    else if (job.sampling.maxSeconds !== null)
      draft.timer = setTimeout(() => this.#endWaiting(job.id, 'TIME'), 1000 * job.sampling.maxSeconds).unref();
  }

  cancel(id: number): void {
    if (this.#thread) this.#thread.cancel(id);
    else this.#endWaiting(id, 'CANCELLED');
  }

  makeWay(): void {
    this.#closing = true;
    this.#options.onClosing();
    if (this.idle) this.#end.resolve(null);
  }

  /** Ends at once. Its drafts fail with this reason. */
  async close(reason: Error): Promise<void> {
    this.#failAll(reason);
    this.#closing = true;
    this.#end.resolve(null);
    await this.gone;
  }

  #failAll(reason: Error): void {
    // The first reason counts.
    this.#ended ??= reason;
    for (const [id, { events, leave, timer }] of [...this.#drafts]) {
      this.#drafts.delete(id);
      if (timer) clearTimeout(timer);
      events.fail(reason);
      leave();
    }
  }

  async #live(): Promise<void> {
    const { memory, open } = this.#options;
    try {
      if ((await Promise.race([this.#memory(), this.#end.promise])) === null) throw new Error('it is no longer needed');
      await using thread = await open(this.slots, this.#listener());
      this.#begin(thread);
      await this.#end.promise;
    } catch (error) {
      this.#die(error);
    } finally {
      this.#thread = null;
      this.#keepAwake();
      memory.release(this);
    }
  }

  #memory(): Promise<number> {
    const { memory, demand } = this.#options;
    return new Promise((resolve) => {
      memory.claim(this, demand, (slots) => {
        this.slots = slots;
        resolve(slots);
      });
    });
  }

  #begin(thread: WriterThread): void {
    this.#thread = thread;
    this.#opened.resolve(thread);
    for (const draft of this.#drafts.values()) this.#send(thread, draft);
    if (this.idle) this.#sleepLater();
  }

  #send(thread: WriterThread, draft: Draft): void {
    if (draft.timer) clearTimeout(draft.timer);
    thread.write({ ...draft.job, waitedMs: this.#options.clock.monotonic() - draft.askedAt });
  }

  #listener(): ThreadListener {
    return {
      onEvent: (id, event) => this.#take(id, event),
      onState: (state) => (this.state = state),
      onDeath: (reason) => {
        this.#leave();
        this.#end.reject(reason);
      },
    };
  }

  #take(id: number, event: GenerationEvent): void {
    const draft = this.#drafts.get(id);
    if (!draft) return;
    if (event.type === 'started') draft.running = true;
    if (event.type === 'tokens') draft.shown += event.tokens.length;
    if (event.type === 'finished') this.#drafts.delete(id);
    draft.events.push(event);
    if (event.type === 'finished') draft.leave();
  }

  /** Recorded tokens are decoded again. Progress is visible only from the first new token on. */
  #remainingOf({ job, askedAt, running, shown }: Draft): Remaining {
    const { prompt, replay, listener } = job;
    const { maxTokens, maxSeconds } = job.sampling;
    const passed = this.#options.clock.monotonic() - askedAt;
    return {
      ...{ listener, running },
      promptTokens: shown > 0 ? 0 : prompt.length,
      tokens: Math.max(0, maxTokens - (shown > 0 ? replay.length + shown : 0)),
      limitMs: maxSeconds === null ? null : Math.max(0, 1000 * maxSeconds - passed),
    };
  }

  /** Ends a draft that the thread has not received. */
  #endWaiting(id: number, reason: 'CANCELLED' | 'TIME'): void {
    const draft = this.#drafts.get(id);
    if (!draft) return;
    if (draft.timer) clearTimeout(draft.timer);
    const usage: Usage = { promptTokens: draft.job.prompt.length, queueMs: null, ...UNUSED };
    this.#take(id, { type: 'finished', reason, usage });
  }

  /**
   * The model did not open, or its thread died. All its drafts get the reason, and the next draft opens the model
   * again.
   */
  #die(error: unknown): void {
    this.#leave();
    this.#opened.reject(error);
    const { id, name } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    this.#failAll(new ModelUnavailableError(`${name} cannot be used: ${reason}`, id));
  }

  #leave(): void {
    this.#closing = true;
    this.#options.onClosing();
  }

  #vacate(place: Place): void {
    const { clock, memory, onVacated } = this.#options;
    if (!this.#places.delete(place)) return;
    this.usedAt = clock.monotonic();
    if (this.idle) {
      // An opening that waits for memory but has no drafts needs none.
      if (this.#closing || this.slots === 0) this.makeWay();
      else this.#sleepLater();
      memory.serve();
    }
    onVacated();
  }

  #keepAwake(): void {
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
    this.#sleepTimer = null;
  }

  #sleepLater(): void {
    this.#keepAwake();
    this.#sleepTimer = setTimeout(() => this.makeWay(), this.#options.sleepAfterMs).unref();
  }
}

/** A promise that is settled from outside. Its rejection need not be handled. */
class Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve: (value: Value) => void = () => undefined;
  reject: (reason: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}
