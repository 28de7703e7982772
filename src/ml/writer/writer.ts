import { FormatError } from '../../formats/formats.ts';
import { asError, InvalidInputError, OverloadedError, ServiceUnavailableError } from '../../lib/errors.ts';
import { type Forecast, mayTake, retryAfter, whenMayTake } from '../../lib/fair-share.ts';
import { TuneConstraint, type TunePlan } from '../../tunes/tunes.ts';
import type {
  FormatRequest,
  GenerationRequest,
  ModelKernels,
  ModelLoad,
  Sampling,
  Ticket,
  WriterState,
} from '../contract.ts';
import { FormatConstraint } from '../sampling/format/format-constraint.ts';
import { checkSampling } from '../sampling/sampling-limits.ts';
import { resolveBiases } from '../sampling/token-bias.ts';
import { withBeginning } from '../sampling/with-beginning.ts';
import type { ChatFormat } from '../text/chat-format.ts';
import { EventQueue } from './event-queue.ts';
import { type DraftEnd, forecastEnds } from './forecast.ts';
import { type Asked, NOTHING, Opening, type OpeningOptions, type Place } from './opening.ts';
import { ASSUMED } from './scheduler/pace.ts';
import type { Vocabulary } from './scheduler/sequence.ts';

export interface WriterOptions extends Omit<OpeningOptions, 'onClosing' | 'onVacated'> {
  chat: ChatFormat;
  tokens: Vocabulary;
  kernels: ModelKernels | null;
  /** Maximum number of tokens of a draft, prompt included. */
  capacity: number;
  /** Number of drafts that may wait in addition to those being written. */
  queue: number;
}

/** Number of ends that other nodes are told. Only the earliest matter to a draft that waits for a place. */
const FORESEEN = 32;

/** The most tokens of a text that is scored. */
const MOST_SCORED = 2_048;

/** The characters that verse is spelled with: each must be a token, so that every word can be finished. */
const SPELLED = Array.from("abcdefghijklmnopqrstuvwxyz' \n");

/**
 * The main thread's side of a model. It encodes messages, limits the number of drafts, and hands each draft to an
 * opening of the model, which it creates if there is none.
 */
export class Writer implements AsyncDisposable {
  readonly #options: WriterOptions;
  /** The opening that accepts drafts. Others stay in `#openings` until their memory is free. */
  #opening: Opening | null = null;
  readonly #openings = new Set<Opening>();
  #closed: Error | null = null;
  #onVacated: () => void = () => undefined;
  /** Of the thread that was opened last: another processor takes another process. */
  fingerprint: string | null = null;
  #nextId = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** The thread's state. Null while it has written nothing since it was opened. */
  get state(): WriterState | null {
    return this.#inMemory?.state ?? null;
  }

  /** Slots of the opening that has memory. 0 if none has. */
  get slots(): number {
    return this.#inMemory?.slots ?? 0;
  }

  /** Its state while it is in memory. */
  get kernels(): ModelKernels | null {
    return this.#options.kernels;
  }

  get load(): ModelLoad | null {
    if (this.slots === 0) return null;
    const { state, slots, forecast } = this;
    const memoryBytes = [...this.#openings].reduce((sum, opening) => sum + opening.memoryBytes, 0);
    const capacityTokens = slots * this.#options.capacity;
    return { modelId: this.#options.id, slots, memoryBytes, capacityTokens, writer: state, forecast };
  }

  /** Opens the model if it is not open. @throws Error with the reason if it does not open */
  async wake(): Promise<void> {
    const opening = this.#awake();
    const { leave } = opening.occupy();
    await opening.opened.finally(leave);
  }

  /** Reserves a place. @throws OverloadedError if all are taken, or the free ones are reserved for others ([FAIR1]) */
  admit(request?: GenerationRequest): Ticket {
    if (this.#closed) throw this.#closed;
    const asked = request ? askedBy(request) : NOTHING;
    const { listener } = asked;
    const free = Math.max(1, this.slots) + this.#options.queue - this.#places.length;
    const held = listener === null ? 0 : this.#places.filter((place) => place.asked.listener === listener).length;
    if (!mayTake(held, free)) throw this.#refusal(listener, held, free);
    return this.#ticketFor(this.#awake(), asked);
  }

  /** When its slots become free. */
  get forecast(): Forecast {
    const idle = Array.from({ length: Math.max(0, this.slots - this.#places.length) }, () => 0);
    const endsMs = [...idle, ...this.#ends().map(({ ms }) => ms)].slice(0, FORESEEN);
    return { stepMs: this.#pace.stepMs, endsMs };
  }

  /** @throws InvalidInputError if prompt and `maxTokens` together exceed a slot's capacity */
  checkFits(request: GenerationRequest): void {
    this.#encode(request);
  }

  /** Accepts nothing new. Resolves when the accepted drafts have been written. */
  async retire(): Promise<void> {
    while (this.#places.length > 0) await new Promise<void>((resolve) => (this.#onVacated = resolve));
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

  get #places(): Place[] {
    return [...this.#openings].flatMap(({ places }) => [...places]);
  }

  get #pace() {
    return this.state?.pace ?? ASSUMED;
  }

  #ends(): DraftEnd[] {
    const remaining = [...this.#openings].flatMap((opening) => opening.remaining);
    return forecastEnds(remaining, this.slots, this.#pace);
  }

  /** The reason for a refusal, and when this listener can get a place at the latest, as far as that is known. */
  #refusal(listener: number | null, held: number, free: number): OverloadedError {
    const { queue, name } = this.#options;
    const ends = this.#ends().map((end) => ({ own: listener !== null && end.listener === listener, ms: end.ms }));
    const ms = whenMayTake(held, free, ends) ?? ends.at(-1)?.ms ?? this.#pace.stepMs;
    if (free > 0)
      return new OverloadedError(
        `you already have ${held} drafts waiting or being written; the remaining capacity is reserved for other listeners`,
        retryAfter(ms),
      );
    return new OverloadedError(`${name} is busy and its queue of ${queue} drafts is full`, retryAfter(ms));
  }

  #awake(): Opening {
    if (this.#closed) throw this.#closed;
    if (this.#opening) return this.#opening;
    const opening: Opening = new Opening({
      ...this.#options,
      open: async (slots, listener) => {
        const thread = await this.#options.open(slots, listener);
        this.fingerprint = thread.fingerprint;
        return thread;
      },
      onClosing: () => {
        if (this.#opening === opening) this.#opening = null;
      },
      onVacated: () => this.#onVacated(),
    });
    this.#openings.add(opening);
    void opening.gone.then(() => this.#openings.delete(opening));
    return (this.#opening = opening);
  }

  #ticketFor(opening: Opening, asked: Asked): Ticket {
    const place = opening.occupy(asked);
    let used = false;
    let cancel = place.leave;
    return {
      generate: (request, signal) => {
        if (used) throw new Error('a ticket can be used for one generation only');
        const draft = this.#write(opening, request, signal, place.leave);
        place.asked = askedBy(request);
        place.written = true;
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
    const { beginning, request: begun } = withBeginning(request, this.#options.tokens.leadsWithSpace);
    const prompt = this.#encode(begun);
    const id = this.#nextId++;
    const cancel = () => opening.cancel(id);
    const events = new EventQueue(cancel);
    const job = { id, prompt, beginning, ...this.#jobOf(begun) };
    opening.write(job, events, () => {
      signal.removeEventListener('abort', cancel);
      free();
    });
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    return { events, cancel };
  }

  #jobOf(request: GenerationRequest) {
    const { sampling, messages, continueLast, verse = null, tune = null, format = null } = request;
    const { scored = null, listener = null, priority = 0 } = request;
    const isScored = scored !== null;
    const replay = isScored ? this.#tokensOf(scored) : (request.replay ?? []);
    const biases = resolveBiases(sampling.logitBias, (text) => this.#options.chat.encodeText(text));
    const continued = continueLast ? (messages.at(-1)?.content ?? '') : '';
    const limited = isScored ? { ...sampling, maxTokens: replay.length } : sampling;
    return { sampling: limited, biases, verse, tune, format, continued, replay, isScored, listener, priority };
  }

  #encode(request: GenerationRequest): number[] {
    const { messages, continueLast = false, sampling, verse = null, tune = null, scored = null } = request;
    const { chat, capacity, name } = this.#options;
    if (verse && !SPELLED.every((character) => chat.encodeText(character).length === 1)) {
      throw new InvalidInputError(`${name} has no tokens for single letters, so it cannot keep a form`, 'form');
    }
    if (tune) this.#checkPlan(tune);
    if (request.format) this.#checkFormat(request.format, sampling);
    const prompt = chat.encode(messages, continueLast);
    if (prompt.length === 0) throw new InvalidInputError('the prompt is empty', 'prompt');
    if (scored !== null) this.#checkScored(prompt.length, scored);
    else if (prompt.length + sampling.maxTokens > capacity) {
      const message = `the prompt is ${prompt.length} tokens long and maxTokens is ${sampling.maxTokens}, but the model's context has ${capacity} tokens`;
      throw new InvalidInputError(message, 'prompt');
    }
    return prompt;
  }

  #checkScored(before: number, text: string): void {
    const { length } = this.#tokensOf(text);
    const most = Math.min(MOST_SCORED, this.#options.capacity - before);
    if (length > most)
      throw new InvalidInputError(`text has ${length} tokens; ${this.#options.name} reads at most ${most}`, 'text');
  }

  #tokensOf(text: string): number[] {
    return this.#options.chat.encodeText(text);
  }

  #checkFormat(format: FormatRequest, { bannedPhrases, stop, maxTokens }: Sampling): void {
    if (bannedPhrases.length + stop.length > 0)
      throw new InvalidInputError('a format excludes banned phrases and stop strings', 'format');
    try {
      new FormatConstraint(format, this.#options.tokens, maxTokens);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new InvalidInputError(`${this.#options.name} cannot keep the format: it ${error.message}`, 'input.format');
    }
  }

  #checkPlan(tune: TunePlan): void {
    try {
      new TuneConstraint(tune, this.#options.tokens);
    } catch (error) {
      throw new InvalidInputError(
        `${this.#options.name} cannot write this tune: ${asError(error).message}`,
        'input.tune',
      );
    }
  }
}

const askedBy = ({ listener = null, sampling }: GenerationRequest): Asked => ({ listener, tokens: sampling.maxTokens });
