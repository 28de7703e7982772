import { InvalidInputError } from '../../lib/errors.ts';
import { uniformAt } from '../../lib/random.ts';
import { digestOfText } from '../../lib/text/digest.ts';
import type { Device } from '../ort/session.ts';
import { DecoderSession } from './decoder-session.ts';
import type { DecoderShape } from './graph/decoder.ts';
import { fillBatch, planBatches, type TokenSequence } from './packing.ts';
import { learningRateAt, plateauEnd, type Schedule } from './schedule.ts';
import { TrainingFiles } from './training-files.ts';
import { bestOf, type CurvePoint, type DecoderProgress, noProgress } from './training-progress.ts';
import type { NamedTensor } from './write-safetensors.ts';

/** What a decoder learns from. The sequences of an epoch must be a function of its number. */
export interface TrainingData {
  epoch: (number: number) => readonly TokenSequence[];
  validation: readonly TokenSequence[];
  /** Tells these data from others, for example a digest. */
  identity: string;
}

export interface TrainingSettings {
  shape: DecoderShape;
  schedule: Schedule;
  optimiser: { beta1: number; beta2: number; clipNorm: number; decay: number };
  dropout: number;
  /** Most positions of a step, padding included. */
  positions: number;
  /** Training ends after so many evaluations, of one an epoch, that were not better than the best. */
  patience: number;
  seed: number;
}

export interface TrainingReport {
  step: number;
  steps: number;
  epoch: number;
  /** Mean since the last evaluation, in nats per token. */
  loss: number;
  /** The last evaluation's; null before the first. */
  validation: number | null;
  tokensPerSecond: number;
  secondsLeft: number;
}

export interface TrainingOptions {
  /** Where checkpoints are kept. A training that was ended there goes on. */
  folder: string;
  threads: number;
  device?: Device;
  /** Number of steps from one checkpoint to the next. */
  checkpointEvery?: number;
  signal?: AbortSignal;
  report?: (report: TrainingReport) => void;
}

export interface TrainedDecoder {
  /** The parameters that predicted the validation data best. */
  parameters: ReadonlyMap<string, NamedTensor>;
  curve: readonly CurvePoint[];
}

/**
 * Trains a decoder by AdamW on cross-entropy, until the schedule or the patience ends. Ended at any point and begun
 * again, it computes the same losses, bit for bit on one machine with the same number of threads ([TRAIN2]).
 * @throws InvalidInputError for sizes that contradict each other, for data or settings other than the folder's (but
 *   the number of steps may be another one before the learning rate falls), and when the loss is no longer a number; OrtError; the signal's reason, after a checkpoint
 */
export async function trainDecoder(
  data: TrainingData,
  settings: TrainingSettings,
  options: TrainingOptions,
): Promise<TrainedDecoder> {
  checkShape(settings.shape);
  const { folder, threads, device } = options;
  const files = new TrainingFiles(folder, identityOf(data, settings));
  using session = new DecoderSession({ ...settings, threads, ...(device && { device }) });
  const run = new Run(data, settings, { session, files, options });
  return await run.untilEnd();
}

/** The number of steps is no part of it: a training can be made longer or shorter before its rate falls. */
function identityOf({ identity }: TrainingData, { schedule, ...settings }: TrainingSettings): string {
  const { steps: _, ...rates } = schedule;
  return digestOfText(JSON.stringify([identity, settings, rates]));
}

interface RunParts {
  session: DecoderSession;
  files: TrainingFiles;
  options: TrainingOptions;
}

class Run {
  readonly #data: TrainingData;
  readonly #settings: TrainingSettings;
  readonly #parts: RunParts;
  #progress: DecoderProgress = noProgress;
  /** Tokens and seconds of this process alone. */
  readonly #begun = performance.now();
  #tokensHere = 0;

  constructor(data: TrainingData, settings: TrainingSettings, parts: RunParts) {
    this.#data = data;
    this.#settings = settings;
    this.#parts = parts;
  }

  async untilEnd(): Promise<TrainedDecoder> {
    const { session, files } = this.#parts;
    const { schedule } = this.#settings;
    const found = await files.load(session.state);
    if (found && found.step > plateauEnd(schedule) && found.steps !== schedule.steps)
      throw new InvalidInputError(
        `the training of ${found.steps} steps in this folder cannot become one of ${schedule.steps}`,
      );
    this.#progress = { ...(found ?? noProgress), steps: schedule.steps };
    while (!this.#progress.finished) await this.#epoch();
    return { parameters: await files.loadBest(), curve: this.#progress.curve };
  }

  async #epoch(): Promise<void> {
    const { shape, positions, schedule, seed } = this.#settings;
    const { epoch } = this.#progress;
    const sequences = this.#data.epoch(epoch);
    const lengths = sequences.map(({ length }) => length);
    const options = { positions, longest: shape.contextTokens, seed: seedOf(seed, epoch) };
    const plan = planBatches(lengths, options);
    if (plan.length === 0) throw new InvalidInputError('there is nothing to learn from');
    while (this.#progress.batch < plan.length && this.#progress.step < schedule.steps) {
      const rows = plan[this.#progress.batch] ?? [];
      await this.#step(rows.map((row) => row.map((index) => sequences[index] ?? [])));
    }
    await this.#evaluate();
  }

  async #step(rows: TokenSequence[][]): Promise<void> {
    const { session, options } = this.#parts;
    const { shape, schedule } = this.#settings;
    if (options.signal?.aborted) await this.#stop(options.signal);
    const batch = fillBatch(rows, shape.contextTokens);
    const step = this.#progress.step + 1;
    const { loss } = await session.step(batch, step, learningRateAt(step, schedule));
    if (!Number.isFinite(loss))
      throw new InvalidInputError(`the loss of step ${step} is no number: lower the learning rate`);
    const before = this.#progress;
    this.#progress = {
      ...before,
      ...{ step, batch: before.batch + 1, tokens: before.tokens + batch.predicted },
      ...{ lossSum: before.lossSum + loss, lossCount: before.lossCount + 1 },
    };
    this.#tokensHere += batch.predicted;
    this.#report();
    if (step % (options.checkpointEvery ?? CHECKPOINT_EVERY) === 0) await this.#save();
  }

  /** Ends an epoch: measures, keeps the parameters if they are the best so far, and decides whether to go on. */
  async #evaluate(): Promise<void> {
    const { session, files } = this.#parts;
    const { schedule, patience } = this.#settings;
    const { step, epoch, tokens, lossSum, lossCount, curve, sinceBest } = this.#progress;
    const validation = await meanLoss(session, this.#data.validation, this.#settings);
    const isBest = validation < (bestOf(curve)?.validation ?? Infinity);
    if (isBest) await files.saveBest(session.state.readParameters());
    const unchanged = isBest ? 0 : sinceBest + 1;
    this.#progress = {
      ...{
        step,
        steps: schedule.steps,
        epoch: epoch + 1,
        batch: 0,
        tokens,
        lossSum: 0,
        lossCount: 0,
        sinceBest: unchanged,
      },
      finished: step >= schedule.steps || unchanged >= patience,
      curve: [...curve, { step, tokens, loss: lossSum / lossCount, validation }],
    };
    await this.#save();
    this.#report();
  }

  #save(): Promise<void> {
    return this.#parts.files.save(this.#parts.session.state, this.#progress);
  }

  async #stop(signal: AbortSignal): Promise<never> {
    await this.#save();
    throw signal.reason;
  }

  #report(): void {
    const { step, epoch, tokens, lossSum, lossCount, curve } = this.#progress;
    const { steps } = this.#settings.schedule;
    const last = curve.at(-1);
    const tokensPerSecond = (this.#tokensHere / (performance.now() - this.#begun)) * 1000;
    this.#parts.options.report?.({
      ...{ step, steps, epoch, tokensPerSecond },
      loss: lossCount > 0 ? lossSum / lossCount : (last?.loss ?? NaN),
      validation: last?.validation ?? null,
      secondsLeft: ((steps - step) * (tokens / step)) / tokensPerSecond,
    });
  }
}

const CHECKPOINT_EVERY = 50;

const seedOf = (seed: number, epoch: number): number => Math.floor(uniformAt(seed, epoch) * 2 ** 32);

/** Mean cross-entropy of sequences, in nats per token, whose order does not matter. */
async function meanLoss(
  session: DecoderSession,
  sequences: readonly TokenSequence[],
  { shape, positions }: Pick<TrainingSettings, 'shape' | 'positions'>,
): Promise<number> {
  const lengths = sequences.map(({ length }) => length);
  let [sum, count] = [0, 0];
  for (const rows of planBatches(lengths, { positions, longest: shape.contextTokens, seed: 0 })) {
    const batch = fillBatch(
      rows.map((row) => row.map((index) => sequences[index] ?? [])),
      shape.contextTokens,
    );
    sum += await session.evaluate(batch);
    count += batch.predicted;
  }
  return sum / count;
}

/** @throws InvalidInputError */
function checkShape({ hidden, heads }: DecoderShape): void {
  if (hidden % heads !== 0 || (hidden / heads) % 8 !== 0)
    throw new InvalidInputError(`a width of ${hidden} does not divide into ${heads} heads of a multiple of 8`);
}
