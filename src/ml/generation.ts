import type { Clock } from '../lib/clock.ts';
import { BannedPhrases } from './banned-phrases.ts';
import type { Constraint } from './constraint.ts';
import type { FinishReason, GenerationEvent, GenerationRequest, Sampling, Token, Usage } from './engine.ts';
import { EventQueue } from './event-queue.ts';
import type { Sample, SampleContext } from './sampler.ts';
import { TextStream, type Shown } from './text-stream.ts';
import type { TokenBias } from './token-bias.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What the next step has to do for a generation. */
export type Phase = 'waiting' | 'prefill' | 'decode' | 'finished';

export interface GenerationOptions {
  request: GenerationRequest;
  prompt: readonly number[];
  biases: readonly TokenBias[];
  tokenizer: Tokenizer;
  signal: AbortSignal;
  clock: Clock;
  /** It has left the engine, for whatever reason. */
  onFinished: () => void;
}

/** One draft on its way through the engine: its tokens, what of its text was shown, and how it ends. */
export class Generation {
  readonly events: EventQueue;
  readonly prompt: readonly number[];
  readonly sampling: Sampling;
  /** Its own cancellation: the caller's signal, a reader who left, a ticket that was given back. */
  readonly signal: AbortSignal;
  /** Prompt, then what followed it; the last token has not been decoded yet. */
  readonly tokens: number[];
  slot = -1;
  phase: Phase = 'waiting';
  readonly #left = new AbortController();
  readonly #replay: readonly number[];
  readonly #tokenizer: Tokenizer;
  readonly #text: TextStream<Token>;
  readonly #biases: readonly TokenBias[];
  readonly #constraint: Constraint | null;
  readonly #onFinished: () => void;
  readonly #meter: Meter;

  constructor({ request, prompt, biases, tokenizer, signal, clock, onFinished }: GenerationOptions) {
    this.prompt = prompt;
    this.tokens = [...prompt];
    this.sampling = request.sampling;
    this.signal = AbortSignal.any([signal, this.#left.signal]);
    this.events = new EventQueue(() => this.cancel());
    this.#replay = request.replay ?? [];
    this.#tokenizer = tokenizer;
    this.#text = new TextStream(request.sampling.stop);
    this.#biases = biases;
    this.#constraint = constraintOf(request, tokenizer);
    this.#onFinished = onFinished;
    this.#meter = new Meter(clock);
  }

  /** How many tokens there are after the prompt. */
  get generated(): number {
    return this.tokens.length - this.prompt.length;
  }

  /** How many tokens it may still take. */
  get remaining(): number {
    return this.sampling.maxTokens - this.generated;
  }

  /** What the next token depends on besides the logits. */
  get context(): SampleContext {
    return {
      history: this.tokens,
      position: this.generated,
      biases: this.#biases,
      constraint: this.#constraint,
    };
  }

  /** The token that comes next when it was recorded before a crash: it is decoded again, and not sampled. */
  get replayed(): number | null {
    return this.#replay[this.generated] ?? null;
  }

  cancel(): void {
    this.#left.abort();
  }

  start(slot: number): void {
    this.slot = slot;
    this.phase = 'prefill';
    this.events.push({ type: 'started', promptTokens: this.prompt.length });
  }

  /** Goes on by a token that was recorded before. */
  commitReplayed(id: number): void {
    this.#append(id);
    this.#text.replay({ id, text: '', logprob: 0, alternatives: [] }, this.#tokenizer.bytesOf(id));
    this.#goOn();
  }

  /** Goes on by a sampled token, and shows what has become safe to show. */
  commit(sample: Sample): void {
    if (this.#tokenizer.ends.has(sample.id)) {
      this.finish('STOP');
      return;
    }
    this.#meter.tick();
    const token = this.#describe(sample);
    this.#append(sample.id);
    this.#show(this.#text.push(token, this.#tokenizer.bytesOf(sample.id)));
    this.#goOn();
  }

  finish(reason: FinishReason, message?: string): void {
    if (this.phase === 'finished') return;
    this.#show(this.#text.flush());
    this.#leave({ type: 'finished', reason, usage: this.#usage(), ...(message !== undefined && { message }) });
  }

  /** Ends without a result: the reader gets the error. What was recorded can be taken up again by `replay`. */
  abandon(failure: Error): void {
    if (this.phase === 'finished') return;
    this.events.fail(failure);
    this.#leave(null);
  }

  #append(id: number): void {
    this.tokens.push(id);
    this.#constraint?.accept(id);
  }

  #goOn(): void {
    if (this.#text.stopped) this.finish('STOP');
    else if (this.remaining <= 0) this.finish('LENGTH');
    else this.phase = 'decode';
  }

  #leave(last: GenerationEvent | null): void {
    this.phase = 'finished';
    if (last) this.events.push(last);
    this.#onFinished();
  }

  #describe({ id, logprob, alternatives }: Sample): Token {
    const textOf = (other: number) => this.#text.peek(this.#tokenizer.bytesOf(other));
    const others = alternatives.map((other) => ({ text: textOf(other.id), logprob: other.logprob }));
    return { id, text: '', logprob, alternatives: others };
  }

  #show(shown: readonly Shown<Token>[]): void {
    if (shown.length === 0) return;
    const tokens = shown.map(({ item, text }) => ({ ...item, text }));
    this.events.push({ type: 'tokens', text: tokens.map(({ text }) => text).join(''), tokens });
  }

  #usage(): Usage {
    return { promptTokens: this.prompt.length, completionTokens: this.generated, ...this.#meter.read() };
  }
}

function constraintOf({ sampling, messages, continueLast }: GenerationRequest, lexicon: Tokenizer): Constraint | null {
  if (sampling.bannedPhrases.length === 0) return null;
  return new BannedPhrases(sampling.bannedPhrases, lexicon, continueLast ? messages.at(-1)?.content : '');
}

/** Times the sampled tokens of one draft, from the moment it was asked for. */
class Meter {
  readonly #clock: Clock;
  readonly #start: number;
  #first: number | null = null;
  #last = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  tick(): void {
    this.#last = this.#clock.monotonic();
    this.#first ??= this.#last;
    this.#count++;
  }

  read(): Pick<Usage, 'timeToFirstTokenMs' | 'tokensPerSecond'> {
    if (this.#first === null) return { timeToFirstTokenMs: null, tokensPerSecond: null };
    const seconds = (this.#last - this.#first) / 1000;
    const tokensPerSecond = this.#count > 1 && seconds > 0 ? (this.#count - 1) / seconds : null;
    return { timeToFirstTokenMs: this.#first - this.#start, tokensPerSecond };
  }
}
