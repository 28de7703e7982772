import type { Clock } from '../../lib/clock.ts';
import type { WriterState } from '../contract.ts';
import type { Decoder, Prediction } from '../decoder/decoder.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { checkInvariants } from './invariants.ts';
import { Pace } from './pace.ts';
import type { Running } from './plan.ts';
import { type Move, nextToStart, type Piece, planStep, type StepPlan } from './plan.ts';
import type { PrefixCache } from './prefix-cache.ts';
import type { JobEvent, WriterJob } from './protocol.ts';
import { Sequence, type Vocabulary } from './sequence.ts';
import { Tally } from './tally.ts';

export interface SchedulerOptions {
  decoder: Decoder;
  sampler: Sampler;
  vocabulary: Vocabulary;
  prefixes: PrefixCache;
  clock: Clock;
  /** Passes a step's events to the reader, which answers with `taken`. */
  publish: (events: readonly JobEvent[], state: WriterState) => void;
  checked?: boolean;
}

/** The result of a run for one draft, from which its next token is chosen. */
type Outcome = { type: 'predicted'; prediction: Prediction } | { type: 'failed'; error: unknown };

/**
 * Continuous batching (Yu et al. 2022, Orca): drafts join and leave between steps, and a step processes one token of
 * each and pieces of prompts. A draft's text depends on none of this ([GEN1], [GEN14]).
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #pace = new Pace();
  readonly #tally = new Tally();
  readonly #closing = new AbortController();
  readonly #waiting: Sequence[] = [];
  /** In the order in which they got their slots. */
  readonly #running: Running[] = [];
  #events: JobEvent[] = [];
  /** Whether the reader has not yet confirmed the last step's events. */
  #untaken = false;
  #onTaken: () => void = () => undefined;
  #work: Promise<void> | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  write(job: WriterJob): void {
    const { vocabulary, clock } = this.#options;
    const emit = (event: JobEvent['event']) => this.#events.push({ id: job.id, event });
    this.#waiting.push(new Sequence({ job, vocabulary, clock, emit }));
    this.#wake();
  }

  /** A waiting draft ends at once, a running one before its next token. */
  cancel(id: number): void {
    const waiting = this.#waiting.find(({ job }) => job.id === id);
    const running = this.#running.find(({ generation }) => generation.job.id === id)?.generation;
    (waiting ?? running)?.cancel();
    if (waiting) this.#wake();
  }

  /** The reader has received the last step's events. */
  taken(): void {
    this.#untaken = false;
    this.#onTaken();
  }

  /** Aborts the current run and ends. Drafts are left as they are and can be resumed. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const { generation } of this.#running) generation.cancel();
    this.#onTaken();
    await this.#work;
  }

  #wake(): void {
    this.#work ??= this.#stepWhileBusy().finally(() => (this.#work = null));
  }

  async #stepWhileBusy(): Promise<void> {
    // Commands that arrived together are handled together, so a draft that is cancelled at once never starts.
    await new Promise(setImmediate);
    while (!this.#closing.signal.aborted && this.#running.length + this.#waiting.length > 0) await this.#step();
  }

  async #step(): Promise<void> {
    const begun = this.#options.clock.monotonic();
    this.#endUnwanted();
    this.#startWaiting();
    const plan = planStep(this.#running, this.#pace);
    for (const move of plan.moves) this.#move(move);
    if (this.#options.checked) checkInvariants(this.#running, this.#waiting, plan, this.#options.decoder);
    const outcomes = await this.#run(plan);
    // The scheduler is at most one step ahead of the reader, so a cancellation takes effect within the current token.
    await this.#untilTaken();
    if (this.#closing.signal.aborted) return;
    this.#advance(outcomes);
    if (plan.decode.length > 0) this.#pace.recordStep(this.#options.clock.monotonic() - begun);
    this.#publish();
  }

  #endUnwanted(): void {
    for (const generation of [...this.#waiting, ...this.#running.map(({ generation }) => generation)]) {
      if (generation.cancelled.aborted) generation.finish('CANCELLED');
      else if (generation.expired) generation.finish('TIME');
    }
    this.#retireFinished();
  }

  #startWaiting(): void {
    const running = () => this.#running.map(({ generation }) => generation);
    while (this.#running.length < this.#options.decoder.slots) {
      const next = nextToStart(this.#waiting, running());
      if (!next) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#start(next);
    }
  }

  #start(generation: Sequence): void {
    const { prompt } = generation.job;
    const taken = new Set(this.#running.map(({ slot }) => slot));
    const slot = Array.from({ length: this.#options.decoder.slots }, (_, i) => i).find((i) => !taken.has(i)) ?? 0;
    const known = prompt.length > 1 ? this.#restorePrefix(slot, prompt) : 0;
    const work = prompt.length > 1 ? { type: 'prefill', done: known, total: prompt.length } : decodeLast(generation);
    this.#running.push({ generation, slot, work } as Running);
    generation.start();
  }

  #restorePrefix(slot: number, prompt: readonly number[]): number {
    const { decoder, prefixes } = this.#options;
    const found = prefixes.find(prompt);
    if (!found) return 0;
    decoder.restore(found.prefix, slot, found.length);
    return found.length;
  }

  #move({ from, to }: Move): void {
    const moved = this.#running.find(({ slot }) => slot === from);
    if (!moved) return;
    this.#options.decoder.copy(from, to, moved.work.type === 'prefill' ? moved.work.done : moved.work.position);
    moved.slot = to;
  }

  /** The drafts that get a token in this step, each with the model's prediction. */
  async #run(plan: StepPlan<Running>): Promise<Map<Running, Outcome>> {
    const times = [this.#options.clock.monotonic()];
    const lap = () => times.push(this.#options.clock.monotonic());
    const outcomes = await this.#decode(plan.decode);
    lap();
    for (const piece of plan.prefill) await this.#prefill(piece, outcomes);
    lap();
    this.#measure(plan, times as [number, number, number]);
    return outcomes;
  }

  #measure({ decode, prefill }: StepPlan<Running>, [begun, decoded, ended]: [number, number, number]): void {
    const prefilled = prefill.reduce((sum, { from, to }) => sum + to - from, 0);
    if (decode.length > 0) this.#pace.recordDecode(decoded - begun);
    if (prefilled > 0) this.#pace.recordPrefill(prefilled, ended - decoded);
    this.#tally.countRuns(decode.length, decoded - begun, prefilled, ended - decoded);
  }

  async #decode(rows: readonly Running[]): Promise<Map<Running, Outcome>> {
    if (rows.length === 0) return new Map();
    try {
      const predictions = await this.#options.decoder.decode(rows.map(toRow), this.#closing.signal);
      return new Map(rows.map((row, i) => [row, { type: 'predicted', prediction: predictions[i] as Prediction }]));
    } catch (error) {
      return new Map(rows.map((row) => [row, { type: 'failed', error }]));
    }
  }

  async #prefill({ draft, from, to }: Piece<Running>, outcomes: Map<Running, Outcome>): Promise<void> {
    const { decoder, prefixes } = this.#options;
    const { prompt } = draft.generation.job;
    try {
      const prediction = await decoder.prefill(draft.slot, prompt.slice(from, to), from, draft.generation.cancelled);
      draft.work = { type: 'prefill', done: to, total: prompt.length };
      if (to < prompt.length) return;
      prefixes.add(prompt, decoder.bytesPerToken, () => decoder.save(draft.slot, to));
      outcomes.set(draft, { type: 'predicted', prediction });
    } catch (error) {
      outcomes.set(draft, { type: 'failed', error });
    }
  }

  /** Chooses and records each draft's next token. */
  #advance(outcomes: Map<Running, Outcome>): void {
    const begun = this.#options.clock.monotonic();
    for (const [running, outcome] of outcomes) {
      const { generation } = running;
      if (generation.cancelled.aborted) continue;
      this.#commitNext(generation, outcome);
      running.work = decodeLast(generation);
    }
    this.#tally.sampleMs += this.#options.clock.monotonic() - begun;
    this.#retireFinished();
  }

  /** A failure affects this draft only. */
  #commitNext(generation: Sequence, outcome: Outcome): void {
    const { replayed, sampling } = generation;
    try {
      if (outcome.type === 'failed') throw outcome.error;
      if (replayed !== null) generation.commitReplayed(replayed);
      else generation.commit(this.#options.sampler.sample(outcome.prediction, sampling, generation.context));
    } catch (error) {
      generation.finish('ERROR', describe(error));
    }
  }

  #retireFinished(): void {
    remove(this.#running, ({ generation }) => generation.finished);
    remove(this.#waiting, (generation) => generation.finished);
  }

  async #untilTaken(): Promise<void> {
    if (!this.#untaken || this.#closing.signal.aborted) return;
    const begun = this.#options.clock.monotonic();
    await new Promise<void>((resolve) => (this.#onTaken = resolve));
    this.#tally.waitMs += this.#options.clock.monotonic() - begun;
  }

  #publish(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    this.#untaken = true;
    this.#options.publish(events, this.#state());
  }

  #state(): WriterState {
    const { bytes, lookups, hits, tokensSaved } = this.#options.prefixes;
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      pace: this.#pace.state,
      ...this.#tally.read(),
      prefix: { bytes, lookups, hits, tokensSaved },
    };
  }
}

const toRow = ({ slot, work, generation }: Running) => {
  const position = work.type === 'decode' ? work.position : 0;
  return { slot, token: generation.tokens[position] ?? 0, position };
};

const decodeLast = ({ tokens }: Sequence) => ({ type: 'decode', position: tokens.length - 1 }) as const;

function remove<Item>(items: Item[], unwanted: (item: Item) => boolean): void {
  for (let i = items.length - 1; i >= 0; i--) if (unwanted(items[i] as Item)) items.splice(i, 1);
}

function describe(error: unknown): string {
  return `the model failed: ${error instanceof Error ? error.message : String(error)}`;
}
