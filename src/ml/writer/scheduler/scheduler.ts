import type { Clock } from '../../../lib/clock.ts';
import type { WriterState } from '../../contract.ts';
import type { Decoder, Prediction } from '../../decoder/decoder.ts';
import type { Sampler } from '../../sampling/sampler.ts';
import type { JobEvent, WriterJob } from '../protocol.ts';
import { checkInvariants } from './invariants.ts';
import { Pace } from './pace.ts';
import type { Running } from './plan.ts';
import { type Move, nextToStart, type Piece, planStep, type StepPlan } from './plan.ts';
import { commonLength, type PrefixCache } from './prefix-cache.ts';
import { Sequence, type Vocabulary } from './sequence.ts';
import { Tally } from './tally.ts';
import { TokenCounters } from './token-counters.ts';

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
  readonly #counters = new TokenCounters();
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
    this.#counters.arrive(job.listener, this.#listeners());
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
      const next = nextToStart(this.#waiting, running(), (listener) => this.#counters.of(listener));
      if (!next) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#start(next);
    }
  }

  #start(generation: Sequence): void {
    const { prompt } = generation.job;
    const taken = new Set(this.#running.map(({ slot }) => slot));
    const slot = Array.from({ length: this.#options.decoder.slots }, (_, i) => i).find((i) => !taken.has(i)) ?? 0;
    const work = prompt.length > 1 ? this.#prefillWork(slot, prompt) : decodeLast(generation);
    this.#running.push({ generation, slot, work });
    this.#counters.read(generation.listener, prompt.length);
    generation.start();
  }

  /** A prompt that another draft is processing right now is not processed twice. */
  #prefillWork(slot: number, prompt: readonly number[]): Running['work'] {
    const total = prompt.length;
    const processed = this.#running.flatMap(({ work }) => (work.type === 'prefill' ? [work.prompt] : []));
    const same = processed.find((other) => commonLength(other, prompt) === Math.max(other.length, total));
    if (!same) return { type: 'prefill', prompt, done: this.#restorePrefix(slot, prompt), total };
    this.#options.prefixes.countReuse(total);
    return { type: 'prefill', prompt: same, done: 0, total };
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
    const lap = stopwatch(this.#options.clock);
    const outcomes = await this.#decode(plan.decode);
    const decodeMs = lap();
    for (const { generation } of plan.decode) generation.engineMs += decodeMs / plan.decode.length;
    let prefillMs = 0;
    for (const piece of plan.prefill) {
      await this.#prefill(piece, outcomes);
      const ms = lap();
      piece.draft.generation.engineMs += ms;
      prefillMs += ms;
    }
    this.#measure(plan, decodeMs, prefillMs);
    return outcomes;
  }

  #measure({ decode, prefill }: StepPlan<Running>, decodeMs: number, prefillMs: number): void {
    const prefilled = prefill.reduce((sum, { from, to }) => sum + to - from, 0);
    if (decode.length > 0) this.#pace.recordDecode(decodeMs);
    if (prefilled > 0) this.#pace.recordPrefill(prefilled, prefillMs);
    this.#tally.countRuns(decode.length, decodeMs, prefilled, prefillMs);
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
      if (draft.work.type === 'prefill') draft.work = { ...draft.work, done: to };
      if (to < prompt.length) return;
      prefixes.add(prompt, decoder.bytesPerToken, () => decoder.save(draft.slot, to));
      for (const one of this.#sharing(draft)) {
        if (one !== draft) decoder.copy(draft.slot, one.slot, to);
        outcomes.set(one, { type: 'predicted', prediction });
      }
    } catch (error) {
      outcomes.set(draft, { type: 'failed', error });
    }
  }

  /** The drafts whose prompt this one processes, itself included. */
  #sharing({ work }: Running): Running[] {
    return this.#running.filter(
      (one) => work.type === 'prefill' && one.work.type === 'prefill' && one.work.prompt === work.prompt,
    );
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
      if (replayed !== null && generation.job.isScored)
        generation.commitScored(this.#options.sampler.score(outcome.prediction, replayed));
      else if (replayed !== null) generation.commitReplayed(replayed);
      else generation.commit(this.#options.sampler.sample(outcome.prediction, sampling, generation.context));
      this.#counters.wrote(generation.listener);
    } catch (error) {
      generation.finish('ERROR', describe(error));
    }
  }

  #retireFinished(): void {
    const isOver =
      this.#running.some(({ generation }) => generation.finished) || this.#waiting.some(({ finished }) => finished);
    if (!isOver) return;
    const before = new Set(this.#listeners());
    remove(this.#running, ({ generation }) => generation.finished);
    remove(this.#waiting, (generation) => generation.finished);
    const left = new Set(this.#listeners());
    for (const listener of before) if (!left.has(listener)) this.#counters.leave(listener);
  }

  /** Of each draft that waits or is being written. */
  #listeners(): (number | null)[] {
    return [...this.#waiting, ...this.#running.map(({ generation }) => generation)].map(({ listener }) => listener);
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
      heldTokens: this.#running.reduce((sum, running) => sum + heldBy(running), 0),
      prefix: { bytes, lookups, hits, tokensSaved },
    };
  }
}

const toRow = ({ slot, work, generation }: Running) => {
  const position = work.type === 'decode' ? work.position : 0;
  return { slot, token: generation.tokens[position] ?? 0, position };
};

const heldBy = ({ work }: Running): number => (work.type === 'prefill' ? work.done : work.position);

/** @returns what tells the milliseconds since it was last asked */
function stopwatch(clock: Clock): () => number {
  let before = clock.monotonic();
  return () => {
    const since = clock.monotonic() - before;
    before += since;
    return since;
  };
}

const decodeLast = ({ tokens }: Sequence) => ({ type: 'decode', position: tokens.length - 1 }) as const;

function remove<Item>(items: Item[], unwanted: (item: Item) => boolean): void {
  for (let i = items.length - 1; i >= 0; i--) if (unwanted(items[i] as Item)) items.splice(i, 1);
}

function describe(error: unknown): string {
  return `the model failed: ${error instanceof Error ? error.message : String(error)}`;
}
