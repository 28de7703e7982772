import type { Clock } from '../lib/clock.ts';
import { InvalidInputError, ModelUnavailableError, OverloadedError, ServiceUnavailableError } from '../lib/errors.ts';
import type { ChatFormat } from './chat.ts';
import type { GenerationEvent, GenerationRequest, Ticket } from './engine.ts';
import { EventQueue } from './event-queue.ts';
import type { Demand, ModelMemory, Tenant } from './model-memory.ts';
import { checkSampling } from './sampling.ts';
import { resolveBiases } from './token-bias.ts';
import type { WriterState } from './writer/protocol.ts';
import type { ThreadListener, WriterThread } from './writer/writer-thread.ts';

export interface WriterOptions {
  id: string;
  name: string;
  chat: ChatFormat;
  /** Tokens a draft may reach, prompt included. */
  capacity: number;
  /** How many drafts may wait besides those that are being written. */
  queue: number;
  memory: ModelMemory;
  demand: Demand;
  /** Nobody has needed the model for so long: its memory is given back. */
  sleepAfterMs: number;
  clock: Clock;
  /** Opens the model with so many slots. */
  open: (slots: number, listener: ThreadListener) => Promise<WriterThread>;
}

type Life =
  | { type: 'asleep'; left: Promise<unknown> }
  | { type: 'awake'; slots: number; thread: Promise<WriterThread> }
  | { type: 'closed'; reason: Error };

interface Entry {
  events: EventQueue;
  leave: () => void;
}

const LEAST_RETRY_MS = 250;
const UNUSED = { completionTokens: 0, queueMs: null, timeToFirstTokenMs: null, tokensPerSecond: null };

/**
 * The near side of a model's thread: turns messages into tokens, bounds how many drafts there are, wakes the model and
 * lets it sleep, and hands each draft's events to its reader.
 */
export class Writer implements Tenant, AsyncDisposable {
  readonly #options: WriterOptions;
  readonly #entries = new Map<number, Entry>();
  #life: Life = { type: 'asleep', left: Promise.resolve() };
  #state: WriterState | null = null;
  #sleepTimer: NodeJS.Timeout | null = null;
  #onIdle: (() => void) | null = null;
  #places = 0;
  #nextId = 0;
  usedAt = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get idle(): boolean {
    return this.#places === 0;
  }

  /** What it is doing; null while it has written nothing since it was opened. */
  get state(): WriterState | null {
    return this.#state;
  }

  get slots(): number {
    return this.#life.type === 'awake' ? this.#life.slots : 0;
  }

  /** Opens the model if it is not. @throws OverloadedError, Error with the reason when it does not open */
  async wake(): Promise<void> {
    await this.#awake();
  }

  /** Reserves a place. @throws OverloadedError when all are taken, or there is no memory for the model */
  admit(): Ticket {
    if (this.#life.type === 'closed') throw this.#life.reason;
    const { queue, name } = this.#options;
    // Memory is claimed now, so that a ticket is never refused later; a failure to open is the draft's.
    this.#awake().catch(() => undefined);
    if (this.#places >= this.slots + queue) {
      const wait = Math.max(LEAST_RETRY_MS, Math.ceil(this.#state?.nextFreeMs ?? 0));
      throw new OverloadedError(`${name} is busy and ${queue} drafts are waiting already`, wait);
    }
    this.#occupy();
    return this.#ticket();
  }

  /** @throws InvalidInputError when prompt and `maxTokens` together are more than a slot holds */
  checkFits(request: GenerationRequest): void {
    this.#encode(request);
  }

  async sleep(): Promise<void> {
    const { thread } = this.#leave({ type: 'asleep', left: Promise.resolve() });
    const left = thread?.then((opened) => opened[Symbol.asyncDispose]()).catch(() => undefined);
    this.#life = { type: 'asleep', left: left ?? Promise.resolve() };
    await left;
  }

  /** Takes nothing new; ends when what it has taken is written. Resolves then. */
  async retire(): Promise<void> {
    while (!this.idle) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new ServiceUnavailableError('the server is shutting down');
    const { thread } = this.#leave({ type: 'closed', reason });
    this.#failAll(reason);
    await (await thread?.catch(() => null))?.[Symbol.asyncDispose]();
  }

  #ticket(): Ticket {
    let draft: { events: EventQueue; cancel: () => void } | null = null;
    let freed = false;
    const free = (): void => {
      if (!freed) this.#vacate();
      freed = true;
    };
    return {
      generate: (request, signal) => {
        if (freed || draft) throw new Error('a ticket is good for one generation');
        draft = this.#write(request, signal, free);
        return draft.events;
      },
      [Symbol.dispose]: () => (draft ? draft.cancel() : free()),
    };
  }

  #write(request: GenerationRequest, signal: AbortSignal, free: () => void) {
    checkSampling(request.sampling);
    const prompt = this.#encode(request);
    const id = this.#nextId++;
    const cancel = () => this.#tell((thread) => thread.cancel(id));
    const events = new EventQueue(cancel);
    const leave = () => {
      signal.removeEventListener('abort', cancel);
      free();
    };
    this.#entries.set(id, { events, leave });
    if (signal.aborted) {
      const usage = { promptTokens: prompt.length, ...UNUSED };
      this.#take(id, { type: 'finished', reason: 'CANCELLED', usage });
    } else {
      const job = { id, prompt, ...this.#jobOf(request) };
      this.#tell((thread) => thread.write(job));
      signal.addEventListener('abort', cancel, { once: true });
    }
    return { events, cancel };
  }

  #jobOf({ sampling, messages, continueLast, replay = [], listener = null, priority = 0 }: GenerationRequest) {
    const biases = resolveBiases(sampling.logitBias, (text) => this.#options.chat.encodeText(text));
    const continued = continueLast ? (messages.at(-1)?.content ?? '') : '';
    return { sampling, biases, continued, replay, listener, priority };
  }

  #encode({ messages, continueLast = false, sampling }: GenerationRequest): number[] {
    const { chat, capacity } = this.#options;
    const prompt = chat.encode(messages, continueLast);
    if (prompt.length === 0) throw new InvalidInputError('the prompt is empty', 'prompt');
    if (prompt.length + sampling.maxTokens <= capacity) return prompt;
    const message = `the prompt is ${prompt.length} tokens long and maxTokens is ${sampling.maxTokens}: together the model takes ${capacity}`;
    throw new InvalidInputError(message, 'prompt');
  }

  #take(id: number, event: GenerationEvent): void {
    const entry = this.#entries.get(id);
    if (event.type === 'finished') this.#entries.delete(id);
    entry?.events.push(event);
    if (event.type === 'finished') entry?.leave();
  }

  /** In order, once the model is open; when it does not open, its drafts fail with the reason. */
  #tell(use: (thread: WriterThread) => void): void {
    if (this.#life.type === 'awake') this.#life.thread.then(use).catch(() => undefined);
  }

  #awake(): Promise<WriterThread> {
    const life = this.#life;
    if (life.type === 'closed') return Promise.reject(life.reason);
    if (life.type === 'awake') return life.thread;
    const { slots, free } = this.#options.memory.claim(this, this.#options.demand);
    const thread = Promise.all([life.left, free]).then(() => this.#options.open(slots, this.#listener()));
    this.#life = { type: 'awake', slots, thread };
    thread.catch((error: unknown) => this.#onDeath(thread, error));
    if (this.idle) this.#sleepLater();
    return thread;
  }

  #listener(): ThreadListener {
    const { thread } = this.#life.type === 'awake' ? this.#life : { thread: null };
    return {
      onEvent: (id, event) => this.#take(id, event),
      onState: (state) => (this.#state = state),
      onDeath: (reason) => this.#onDeath(thread, reason),
    };
  }

  /** The thread did not open, or died: whoever was in it hears why, and the next draft opens it anew. */
  #onDeath(thread: Promise<WriterThread> | null, error: unknown): void {
    if (this.#life.type !== 'awake' || this.#life.thread !== thread) return;
    this.#leave({ type: 'asleep', left: Promise.resolve() });
    const reason = error instanceof Error ? error.message : String(error);
    this.#failAll(new ModelUnavailableError(`${this.name} cannot be used: ${reason}`, this.#options.id));
  }

  #leave(next: Life): { thread: Promise<WriterThread> | null } {
    const { thread } = this.#life.type === 'awake' ? this.#life : { thread: null };
    this.#life = next;
    this.#state = null;
    this.#options.memory.release(this);
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
    return { thread };
  }

  #failAll(reason: Error): void {
    for (const [id, { events, leave }] of [...this.#entries]) {
      this.#entries.delete(id);
      events.fail(reason);
      leave();
    }
  }

  #occupy(): void {
    this.#places++;
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
  }

  #vacate(): void {
    this.#places--;
    this.usedAt = this.#options.clock.monotonic();
    if (!this.idle) return;
    this.#onIdle?.();
    this.#sleepLater();
  }

  #sleepLater(): void {
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
    if (this.#life.type === 'awake')
      this.#sleepTimer = setTimeout(() => void this.sleep(), this.#options.sleepAfterMs).unref();
  }
}
