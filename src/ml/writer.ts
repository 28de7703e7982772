import type { Clock } from '../lib/clock.ts';
import { InvalidInputError, OverloadedError, ServiceUnavailableError } from '../lib/errors.ts';
import type { ChatFormat } from './chat.ts';
import type { Decoder } from './decoder.ts';
import type { GenerationRequest, Ticket } from './engine.ts';
import { Generation } from './generation.ts';
import { Sampler } from './sampler.ts';
import { checkSampling } from './sampling.ts';
import { resolveBiases } from './token-bias.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What a step does: takes one prompt in, or one more token of every draft that is being written. */
type Plan =
  | { type: 'idle' }
  | { type: 'prefill'; generation: Generation }
  | { type: 'decode'; generations: readonly Generation[] };

export interface WriterOptions {
  name: string;
  decoder: Decoder;
  tokenizer: Tokenizer;
  chat: ChatFormat;
  /** How many drafts may wait. */
  queue: number;
  clock: Clock;
}

/** Before anything was measured; the slowest machines we know of are about this fast. */
const ASSUMED_TOKENS_PER_SECOND = 10;
const LEAST_RETRY_MS = 250;

/** A loaded model at work: as many drafts at a time as the decoder has slots, the others first come, first served. */
export class Writer implements AsyncDisposable {
  readonly #options: WriterOptions;
  readonly #sampler: Sampler;
  readonly #closing = new AbortController();
  readonly #running: Generation[] = [];
  readonly #waiting: Generation[] = [];
  readonly #freeSlots: number[];
  readonly #pace = new Pace();
  #places = 0;
  #working = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: WriterOptions) {
    const { decoder, tokenizer } = options;
    this.#options = options;
    this.#sampler = new Sampler(decoder.shape.vocabulary, new Set(tokenizer.controls.values()));
    this.#freeSlots = Array.from({ length: decoder.slots }, (_, slot) => slot);
  }

  /** Reserves a place. @throws OverloadedError when all are taken */
  admit(): Ticket {
    const { decoder, queue, name } = this.#options;
    this.#closing.signal.throwIfAborted();
    if (this.#places >= decoder.slots + queue) {
      throw new OverloadedError(`${name} is busy and ${queue} drafts are waiting already`, this.#retryAfterMs());
    }
    this.#places++;
    return this.#ticket();
  }

  /** @throws InvalidInputError when prompt and `maxTokens` together are more than a slot holds */
  checkFits(request: GenerationRequest): void {
    this.#encode(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new ServiceUnavailableError('the server is shutting down');
    this.#closing.abort(closed);
    for (const generation of [...this.#waiting, ...this.#running]) generation.abandon(closed);
    await this.#work;
    await this.#options.decoder[Symbol.asyncDispose]();
  }

  #ticket(): Ticket {
    let generation: Generation | null = null;
    let freed = false;
    const free = (): void => {
      if (!freed) this.#places--;
      freed = true;
    };
    return {
      generate: (request, signal) => {
        if (freed || generation) throw new Error('a ticket is good for one generation');
        generation = this.#enqueue(request, signal, free);
        return generation.events;
      },
      [Symbol.dispose]: () => (generation ? generation.cancel() : free()),
    };
  }

  #enqueue(request: GenerationRequest, signal: AbortSignal, onFinished: () => void): Generation {
    checkSampling(request.sampling);
    const { chat, tokenizer, clock } = this.#options;
    const prompt = this.#encode(request);
    const biases = resolveBiases(request.sampling.logitBias, (text) => chat.encodeText(text));
    const generation = new Generation({ request, prompt, biases, tokenizer, signal, clock, onFinished });
    // One that waits ends at once; one that runs ends at the next step.
    generation.signal.addEventListener('abort', () => this.#dropIfWaiting(generation), { once: true });
    this.#waiting.push(generation);
    if (generation.signal.aborted) this.#dropIfWaiting(generation);
    this.#wake();
    return generation;
  }

  #dropIfWaiting(generation: Generation): void {
    const place = this.#waiting.indexOf(generation);
    if (place === -1) return;
    this.#waiting.splice(place, 1);
    generation.finish('CANCELLED');
  }

  #encode({ messages, continueLast = false, sampling }: GenerationRequest): number[] {
    const prompt = this.#options.chat.encode(messages, continueLast);
    const { capacity } = this.#options.decoder;
    if (prompt.length + sampling.maxTokens <= capacity) return prompt;
    const message = `the prompt is ${prompt.length} tokens long and maxTokens is ${sampling.maxTokens}: together the model takes ${capacity}`;
    throw new InvalidInputError(message, 'prompt');
  }

  #wake(): void {
    if (this.#working) return;
    this.#working = true;
    this.#work = this.#stepUntilIdle();
  }

  async #stepUntilIdle(): Promise<void> {
    while (!this.#closing.signal.aborted && this.#running.length + this.#waiting.length > 0) await this.#step();
    this.#working = false;
  }

  async #step(): Promise<void> {
    this.#endCancelled();
    this.#startWaiting();
    const plan = planStep(this.#running);
    try {
      await this.#execute(plan);
    } catch (error) {
      this.#endFailed(plan, error);
    }
    this.#retireFinished();
  }

  async #execute(plan: Plan): Promise<void> {
    switch (plan.type) {
      case 'idle':
        return;
      case 'prefill':
        return this.#prefill(plan.generation);
      case 'decode':
        return this.#decode(plan.generations);
    }
  }

  async #prefill(generation: Generation): Promise<void> {
    const signal = AbortSignal.any([generation.signal, this.#closing.signal]);
    const logits = await this.#options.decoder.prefill(generation.slot, generation.prompt, 0, signal);
    this.#advance(generation, logits);
  }

  async #decode(generations: readonly Generation[]): Promise<void> {
    const { clock, decoder } = this.#options;
    const { vocabulary } = decoder.shape;
    const before = clock.monotonic();
    const rows = generations.map(({ slot, tokens }) => ({
      slot,
      token: tokens.at(-1) ?? 0,
      position: tokens.length - 1,
    }));
    const logits = await decoder.decode(rows, this.#closing.signal); // [rows, vocab]
    generations.forEach((generation, row) => {
      this.#advance(generation, logits.subarray(row * vocabulary, (row + 1) * vocabulary));
    });
    this.#pace.record(clock.monotonic() - before);
  }

  /** Chooses the next token and records it; a failure is this generation's own. */
  #advance(generation: Generation, logits: Float32Array): void {
    if (generation.signal.aborted || generation.phase === 'finished') return;
    try {
      const { sampling, context, replayed } = generation;
      if (replayed !== null) generation.commitReplayed(replayed);
      else generation.commit(this.#sampler.sample(logits, sampling, context));
    } catch (error) {
      generation.finish('ERROR', describe(error));
    }
  }

  #endCancelled(): void {
    for (const generation of this.#running) if (generation.signal.aborted) generation.finish('CANCELLED');
    this.#retireFinished();
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#freeSlots.shift();
      if (slot === undefined) return;
      const generation = this.#waiting.shift();
      if (!generation) return;
      generation.start(slot);
      this.#running.push(generation);
    }
  }

  /** A prefill that was cancelled, or a model that failed: whoever was in the step ends with it. */
  #endFailed(plan: Plan, error: unknown): void {
    const involved = plan.type === 'prefill' ? [plan.generation] : this.#running;
    for (const generation of involved) {
      if (generation.signal.aborted) generation.finish('CANCELLED');
      else generation.finish('ERROR', describe(error));
    }
  }

  #retireFinished(): void {
    for (const generation of this.#running.filter(({ phase }) => phase === 'finished')) {
      this.#running.splice(this.#running.indexOf(generation), 1);
      this.#freeSlots.push(generation.slot);
    }
  }

  /** A place is free at the latest when the draft nearest to its limit has been written. */
  #retryAfterMs(): number {
    const nearest = Math.min(...this.#running.map(({ remaining }) => remaining), Infinity);
    const tokens = Number.isFinite(nearest) ? nearest : 1;
    return Math.max(LEAST_RETRY_MS, Math.ceil((tokens * 1000) / this.#pace.tokensPerSecond));
  }
}

/** Prompts first: a new reader sees its first token soon, and the others lose one step. */
function planStep(running: readonly Generation[]): Plan {
  const next = running.find(({ phase }) => phase === 'prefill');
  if (next) return { type: 'prefill', generation: next };
  const generations = running.filter(({ phase }) => phase === 'decode');
  return generations.length > 0 ? { type: 'decode', generations } : { type: 'idle' };
}

function describe(error: unknown): string {
  return `the model failed: ${error instanceof Error ? error.message : String(error)}`;
}

/** How fast one draft grows lately: an exponential mean over about the last 50 steps. */
class Pace {
  #stepMs: number | null = null;

  record(stepMs: number): void {
    this.#stepMs = this.#stepMs === null ? stepMs : this.#stepMs + (stepMs - this.#stepMs) / 50;
  }

  get tokensPerSecond(): number {
    return this.#stepMs ? 1000 / this.#stepMs : ASSUMED_TOKENS_PER_SECOND;
  }
}
