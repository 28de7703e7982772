import { InvalidInputError } from '../../lib/errors.ts';
import { uniformAt } from '../../lib/random.ts';
import { Tensor } from '../ort/tensor.ts';
import { buildHeadGraph, headParameters } from './graph/head.ts';
import { learningRateAt } from './schedule.ts';
import { StepRunner } from './step-runner.ts';

/** Vectors with the labels of each. */
export interface LabelledVectors {
  /** [n, width] in row order. */
  vectors: Float32Array;
  /** 1 where a label is right, else 0 // [n, labels] */
  targets: Float32Array;
}

export interface HeadOptions {
  width: number;
  labels: number;
  /** Most passes over the data; 20 by default. */
  epochs?: number;
  /** Most vectors of a step; 256 by default. */
  batch?: number;
  learningRate?: number;
  /** Weight decay over the learning rate. */
  decay?: number;
  /** The order of the vectors is a function of it. */
  seed: number;
  threads: number;
  /** Vectors that are not learned from. The parameters are those that predict them best. */
  held?: LabelledVectors;
  signal?: AbortSignal;
  report?: (progress: { epoch: number; epochs: number; loss: number }) => void;
}

/** A linear classifier: the odds of label l are exp(weight[l] · x + bias[l]). */
export interface LinearHead {
  /** [labels, width] in row order. */
  weight: Float32Array;
  /** [labels] */
  bias: Float32Array;
}

/** Passes without a better prediction of the held vectors after which training ends. */
const PATIENCE = 4;

/**
 * Trains a classifier that answers for each label by itself over vectors that do not change, with AdamW on binary
 * cross-entropy. Vectors are brought to mean 0 and deviation 1 for it, and the scaling is undone in the result.
 * @throws InvalidInputError if vectors and targets do not fit each other; the signal's reason; OrtError
 */
export async function trainLinearHead(data: LabelledVectors, options: HeadOptions): Promise<LinearHead> {
  const { width, labels, epochs = 20, batch = 256, learningRate = 0.004, decay = 0.01, seed, threads } = options;
  checkTargets(data, options);
  const { held = data, signal, report } = options;
  const shape = { width, labels };
  const optimiser = { beta1: 0.9, beta2: 0.99, clipNorm: 10, decay };
  const rows = data.targets.length / labels;
  const size = Math.max(8, Math.min(batch, Math.ceil(rows / 20)));
  const perEpoch = Math.ceil(rows / size);
  const schedule = { steps: epochs * perEpoch, warmup: perEpoch, highest: learningRate, last: 0.01, fall: 1 };
  const scaling = scalingOf(data.vectors, width);
  using runner = new StepRunner(buildHeadGraph(shape, optimiser), headParameters(shape), { optimiser, seed, threads });
  let best = { loss: Infinity, epoch: 0, head: headOf(runner, scaling, shape) };
  for (let epoch = 0; epoch < epochs && epoch - best.epoch <= PATIENCE; epoch++) {
    const order = shuffledIndices(rows, seed + epoch);
    for (let i = 0; i < perEpoch; i++) {
      signal?.throwIfAborted();
      const step = epoch * perEpoch + i + 1;
      const inputs = tensorsOf(data, order.slice(i * size, (i + 1) * size), shape, scaling);
      await runner.run(inputs, step, learningRateAt(step, schedule));
    }
    const head = headOf(runner, scaling, shape);
    const loss = lossOf(head, held);
    if (loss < best.loss) best = { loss, epoch, head };
    report?.({ epoch: epoch + 1, epochs, loss });
  }
  return best.head;
}

function checkTargets({ vectors, targets }: LabelledVectors, { width, labels }: HeadOptions): void {
  if (targets.length === 0) throw new InvalidInputError('there is nothing to learn from', 'targets');
  const rows = targets.length / labels;
  if (vectors.length !== rows * width)
    throw new InvalidInputError(`${rows} rows need ${rows * width} numbers, not ${vectors.length}`, 'vectors');
  const wrong = targets.find((target) => target !== 0 && target !== 1);
  if (wrong !== undefined) throw new InvalidInputError(`a target is 0 or 1, not ${wrong}`, 'targets');
}

function shuffledIndices(count: number, seed: number): number[] {
  const keyed = Array.from({ length: count }, (_, index) => ({ index, key: uniformAt(seed, index) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ index }) => index);
}

/** x ↦ (x − mean) · factor, for each position of a vector. */
interface Scaling {
  mean: Float64Array;
  factor: Float64Array;
}

function scalingOf(vectors: Float32Array, width: number): Scaling {
  const rows = vectors.length / width;
  const [mean, square] = [new Float64Array(width), new Float64Array(width)];
  vectors.forEach((value, at) => {
    const i = at % width;
    mean[i] = (mean[i] ?? 0) + value / rows;
    square[i] = (square[i] ?? 0) + value ** 2 / rows;
  });
  const factor = square.map((sum, i) => 1 / Math.sqrt(Math.max(0, sum - (mean[i] ?? 0) ** 2) + 1e-8));
  return { mean, factor };
}

function tensorsOf(
  { vectors, targets }: LabelledVectors,
  chosen: readonly number[],
  { width, labels }: { width: number; labels: number },
  { mean, factor }: Scaling,
): Record<string, Tensor> {
  const rows = new Float32Array(chosen.length * width);
  const right = new Float32Array(chosen.length * labels);
  chosen.forEach((index, row) => {
    for (let i = 0; i < width; i++)
      rows[row * width + i] = ((vectors[index * width + i] ?? 0) - (mean[i] ?? 0)) * (factor[i] ?? 1);
    right.set(targets.subarray(index * labels, (index + 1) * labels), row * labels);
  });
  return { vectors: new Tensor(rows, [chosen.length, width]), targets: new Tensor(right, [chosen.length, labels]) };
}

/** The parameters for vectors as they are: weight · (x − mean) · factor + bias, rearranged. */
function headOf(runner: StepRunner, { mean, factor }: Scaling, { width }: { width: number }): LinearHead {
  const trained = runner.state.read();
  const valuesOf = (name: string) => trained.get(name)?.data ?? new Float32Array(0);
  const weight = valuesOf('weight').map((value, at) => value * (factor[at % width] ?? 1));
  const bias = valuesOf('bias').map((value, label) => {
    let shift = value;
    for (let i = 0; i < width; i++) shift -= (weight[label * width + i] ?? 0) * (mean[i] ?? 0);
    return shift;
  });
  return { weight, bias };
}

/** Mean binary cross-entropy over rows, in nats. */
function lossOf(head: LinearHead, { vectors, targets }: LabelledVectors): number {
  const labels = head.bias.length;
  const width = head.weight.length / labels;
  let sum = 0;
  for (let row = 0; row < targets.length / labels; row++) {
    const logits = logitsOf(head, vectors.subarray(row * width, (row + 1) * width));
    logits.forEach((z, label) => {
      sum += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - z * (targets[row * labels + label] ?? 0);
    });
  }
  return (sum * labels) / targets.length;
}

/** The logarithm of each label's odds // [labels] */
export function logitsOf({ weight, bias }: LinearHead, vector: ArrayLike<number>): Float64Array {
  const width = weight.length / bias.length;
  return Float64Array.from(bias, (start, label) => {
    let sum = start;
    for (let i = 0; i < width; i++) sum += (weight[label * width + i] ?? 0) * (vector[i] ?? 0);
    return sum;
  });
}
