import { InvalidInputError, OverloadedError, ServiceUnavailableError } from '../lib/errors.ts';
import type { ChatFormat } from './chat.ts';
import type { GenerationRequest, Ticket } from './engine.ts';
import { EventQueue } from './event-queue.ts';
import { checkSampling } from './sampling.ts';
import { resolveBiases } from './token-bias.ts';
import { Opening, type OpeningOptions } from './writer/opening.ts';
import type { WriterState } from './writer/protocol.ts';

export interface WriterOptions extends Omit<OpeningOptions, 'onClosing' | 'onVacated'> {
  chat: ChatFormat;
  /** Tokens a draft may reach, prompt included. */
  capacity: number;
  /** How many drafts may wait besides those that are being written. */
  queue: number;
}

const LEAST_RETRY_MS = 250;

/**
 * The near side of a model: turns messages into tokens, bounds how many drafts there are and hands each to an opening of the
 * model, which it asks for when there is none.
 */
export class Writer implements AsyncDisposable {
  readonly #options: WriterOptions;
  /** The one that takes drafts; those that do not any more are among `#openings` until their memory is free. */
  #opening: Opening | null = null;
  readonly #openings = new Set<Opening>();
  #closed: Error | null = null;
  #onVacated: () => void = () => undefined;
  #nextId = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** What it is doing; null while it has written nothing since it was opened. */
  get state(): WriterState | null {
    return this.#inMemory?.state ?? null;
  }

  /** Of the opening that has memory; 0 when none has. */
  get slots(): number {
    return this.#inMemory?.slots ?? 0;
  }

  get memoryBytes(): number {
    return [...this.#openings].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** Opens the model if it is not. @throws Error with the reason when it does not open */
  async wake(): Promise<void> {
    const opening = this.#awake();
    const leave = opening.occupy();
    await opening.opened.finally(leave);
  }

  /** Reserves a place. @throws OverloadedError when all are taken */
  admit(): Ticket {
    if (this.#closed) throw this.#closed;
    const { queue, name } = this.#options;
    if (this.#places >= Math.max(1, this.slots) + queue) {
      const wait = Math.max(LEAST_RETRY_MS, Math.ceil(this.state?.nextFreeMs ?? 0));
      throw new OverloadedError(`${name} is busy and ${queue} drafts are waiting already`, wait);
    }
    return this.#ticketFor(this.#awake());
  }

  /** @throws InvalidInputError when prompt and `maxTokens` together are more than a slot holds */
  checkFits(request: GenerationRequest): void {
    this.#encode(request);
  }

  /** Takes nothing new; ends when what it has taken is written. Resolves then. */
  async retire(): Promise<void> {
    while (this.#places > 0) await new Promise<void>((resolve) => (this.#onVacated = resolve));
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = (this.#closed = new ServiceUnavailableError('the server is shutting down'));
    this.#opening = null;
    await Promise.all([...this.#openings].map((opening) => opening.close(reason)));
  }

  get #inMemory(): Opening | undefined {
    return [...this.#openings].findLast(({ slots }) => slots > 0);
  }

  get #places(): number {
    return [...this.#openings].reduce((sum, { places }) => sum + places, 0);
  }

  #awake(): Opening {
    if (this.#closed) throw this.#closed;
    if (this.#opening) return this.#opening;
    const opening: Opening = new Opening({
      ...this.#options,
      onClosing: () => {
        if (this.#opening === opening) this.#opening = null;
      },
      onVacated: () => this.#onVacated(),
    });
    this.#openings.add(opening);
    void opening.gone.then(() => this.#openings.delete(opening));
    return (this.#opening = opening);
  }

  #ticketFor(opening: Opening): Ticket {
    const free = opening.occupy();
    let used = false;
    let cancel = free;
    return {
      generate: (request, signal) => {
        if (used) throw new Error('a ticket is good for one generation');
        const draft = this.#write(opening, request, signal, free);
        used = true;
        cancel = draft.cancel;
        return draft.events;
      },
      [Symbol.dispose]: () => {
        used = true;
        cancel();
      },
    };
  }

  #write(opening: Opening, request: GenerationRequest, signal: AbortSignal, free: () => void) {
    checkSampling(request.sampling);
    const prompt = this.#encode(request);
    const id = this.#nextId++;
    const cancel = () => opening.cancel(id);
    const events = new EventQueue(cancel);
    const job = { id, prompt, ...this.#jobOf(request) };
    opening.write(job, events, () => {
      signal.removeEventListener('abort', cancel);
      free();
    });
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
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
}
