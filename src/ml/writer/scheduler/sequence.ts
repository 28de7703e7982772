import type { Clock } from '../../../lib/clock.ts';
import { TuneConstraint } from '../../../tunes/tunes.ts';
import type { FinishReason, Sampling, Token, Usage } from '../../contract.ts';
import { BannedPhrases } from '../../sampling/banned-phrases.ts';
import { BeginningConstraint } from '../../sampling/beginning.ts';
import { type Constraint, intersectionOf } from '../../sampling/constraint.ts';
import { FormatConstraint } from '../../sampling/format/format-constraint.ts';
import type { Sample, SampleContext } from '../../sampling/sampler.ts';
import { VerseConstraint } from '../../sampling/verse-constraint.ts';
import { type Shown, TextStream } from '../../text/text-stream.ts';
import type { Lexicon } from '../../text/token-texts.ts';
import type { ThreadEvent, WriterJob } from '../protocol.ts';

/** A model's tokens, and those that end an answer. */
export interface Vocabulary extends Lexicon {
  ends: ReadonlySet<number>;
  /** Whether the first word of an answer has a space before it. */
  leadsWithSpace?: boolean;
}

export interface SequenceOptions {
  job: WriterJob;
  vocabulary: Vocabulary;
  clock: Clock;
  emit: (event: ThreadEvent) => void;
}

/** One draft in the engine: its tokens, the text that was shown, and how it ends. */
export class Sequence {
  readonly job: WriterJob;
  /** The prompt and the tokens after it. The last token has not been decoded yet. */
  readonly tokens: number[];
  finished = false;
  readonly #vocabulary: Vocabulary;
  readonly #text: TextStream<Token>;
  /** Created for the first token, where an error ends this sequence and no other. */
  #constraint: { value: Constraint | null } | null = null;
  readonly #emit: (event: ThreadEvent) => void;
  readonly #meter: Meter;
  readonly #cancelled = new AbortController();
  /** Milliseconds of the engine that were spent on it alone, or are its part of what was spent on several. */
  engineMs = 0;

  constructor({ job, vocabulary, clock, emit }: SequenceOptions) {
    this.job = job;
    this.tokens = [...job.prompt];
    this.#vocabulary = vocabulary;
    this.#text = new TextStream(job.sampling.stop);
    this.#emit = emit;
    this.#meter = new Meter(clock, job.waitedMs);
  }

  get sampling(): Sampling {
    return this.job.sampling;
  }

  get listener(): number | null {
    return this.job.listener;
  }

  get priority(): number {
    return this.job.priority;
  }

  /** Aborts when the draft is no longer wanted, which ends a run for it alone. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Number of tokens after the prompt. */
  get generated(): number {
    return this.tokens.length - this.job.prompt.length;
  }

  /** Whether its time limit has passed. */
  get expired(): boolean {
    const { maxSeconds } = this.sampling;
    return maxSeconds !== null && this.#meter.elapsed >= 1000 * maxSeconds;
  }

  /** Number of tokens that it may still have. */
  get remaining(): number {
    return this.sampling.maxTokens - this.generated;
  }

  /** What the next token depends on besides the logits. @throws Error if the continued text does not keep its form */
  get context(): SampleContext {
    const { tokens: history, generated: position } = this;
    return { history, position, biases: this.job.biases, constraint: this.#constrained() };
  }

  /** The next token if it was recorded before a crash. It is decoded again and not sampled. */
  get replayed(): number | null {
    return this.job.replay[this.generated] ?? null;
  }

  cancel(): void {
    this.#cancelled.abort();
  }

  /** It has got a slot. */
  start(): void {
    this.#meter.start();
    this.#emit({ type: 'started', promptTokens: this.job.prompt.length });
  }

  /** Appends a token of a text that is scored. */
  commitScored(sample: Sample): void {
    const token = this.#describe(sample);
    this.#append(sample.id);
    this.#show(this.#text.push(token, this.#vocabulary.bytesOf(sample.id)));
    this.#endAtLimit();
  }

  /** Appends a recorded token. */
  commitReplayed(id: number): void {
    const bytes = this.#newBytesOf(id);
    this.#append(id);
    this.#text.replay({ id, text: '', logprob: 0, alternatives: [] }, bytes);
    this.#endAtLimit();
  }

  /** Appends a sampled token, and shows the text that has become safe to show. */
  commit(sample: Sample): void {
    if (this.#vocabulary.ends.has(sample.id)) {
      this.finish('STOP');
      return;
    }
    this.#meter.tick();
    const token = this.#describe(sample);
    const bytes = this.#newBytesOf(sample.id);
    this.#append(sample.id);
    this.#show(this.#text.push(token, bytes));
    this.#endAtLimit();
  }

  finish(reason: FinishReason, message?: string): void {
    if (this.finished) return;
    this.#show(this.#text.flush());
    this.finished = true;
    this.#emit({ type: 'finished', reason, usage: this.#usage(), ...(message !== undefined && { message }) });
  }

  #append(id: number): void {
    this.tokens.push(id);
    this.#constrained()?.accept(id);
  }

  /** What a token adds to the text, which may have its first space already. */
  #newBytesOf(id: number): Uint8Array {
    const bytes = this.#vocabulary.bytesOf(id);
    const { beginning } = this.job;
    const isThere = this.generated === 0 && (beginning === 'SPACED' || beginning === 'LED') && bytes[0] === 0x20;
    return isThere ? bytes.subarray(1) : bytes;
  }

  #constrained(): Constraint | null {
    this.#constraint ??= { value: constraintOf(this.job, this.#vocabulary) };
    return this.#constraint.value;
  }

  #endAtLimit(): void {
    if (this.#text.stopped) this.finish('STOP');
    else if (this.remaining <= 0) this.finish('LENGTH');
  }

  #describe({ id, logprob, alternatives }: Sample): Token {
    const textOf = (other: number) => this.#text.peek(this.#newBytesOf(other));
    const others = alternatives.map((other) => ({ text: textOf(other.id), logprob: other.logprob }));
    return { id, text: '', logprob, alternatives: others };
  }

  #show(shown: readonly Shown<Token>[]): void {
    if (shown.length === 0) return;
    const tokens = shown.map(({ item, text }) => ({ ...item, text }));
    this.#emit({ type: 'tokens', text: tokens.map(({ text }) => text).join(''), tokens });
  }

  #usage(): Usage {
    const { engineMs, generated: completionTokens } = this;
    return { promptTokens: this.job.prompt.length, completionTokens, ...this.#meter.read(), engineMs };
  }
}

/** A tune has no phrases, so none can be banned in it; in a form of answers none may be banned. */
function constraintOf(
  { sampling, continued, verse, tune, format, beginning }: WriterJob,
  vocabulary: Vocabulary,
): Constraint | null {
  if (tune) return new TuneConstraint(tune, vocabulary);
  if (format) return new FormatConstraint(format, vocabulary, sampling.maxTokens);
  const { bannedPhrases } = sampling;
  const constraints: Constraint[] = [
    ...(beginning && beginning !== 'LED' ? [new BeginningConstraint(beginning, vocabulary)] : []),
    ...(bannedPhrases.length > 0 ? [new BannedPhrases(bannedPhrases, vocabulary, continued)] : []),
    ...(verse ? [new VerseConstraint(verse, vocabulary, bannedPhrases)] : []),
  ];
  return constraints.length > 1 ? intersectionOf(constraints) : (constraints[0] ?? null);
}

/** Measures one draft's times from its request on. */
class Meter {
  readonly #clock: Clock;
  readonly #asked: number;
  #started: number | null = null;
  #first: number | null = null;
  #last = 0;
  #count = 0;

  constructor(clock: Clock, waitedMs: number) {
    this.#clock = clock;
    this.#asked = clock.monotonic() - waitedMs;
  }

  /** Milliseconds since the request. */
  get elapsed(): number {
    return this.#clock.monotonic() - this.#asked;
  }

  /** The draft has got a slot. */
  start(): void {
    this.#started = this.#clock.monotonic();
  }

  tick(): void {
    this.#last = this.#clock.monotonic();
    this.#first ??= this.#last;
    this.#count++;
  }

  read(): Pick<Usage, 'queueMs' | 'timeToFirstTokenMs' | 'tokensPerSecond'> {
    const since = (moment: number | null) => (moment === null ? null : moment - this.#asked);
    const seconds = this.#first === null ? 0 : (this.#last - this.#first) / 1000;
    const tokensPerSecond = this.#count > 1 && seconds > 0 ? (this.#count - 1) / seconds : null;
    return { queueMs: since(this.#started), timeToFirstTokenMs: since(this.#first), tokensPerSecond };
  }
}
