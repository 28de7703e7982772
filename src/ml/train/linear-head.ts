import { InvalidInputError } from '../../lib/errors.ts';
import { uniformAt } from '../../lib/random.ts';
import { Tensor } from '../ort/tensor.ts';
import { buildHeadGraph, headParameters } from './graph/head.ts';
import { learningRateAt } from './schedule.ts';
import { StepRunner } from './step-runner.ts';

/** Vectors with the class of each. */
export interface LabelledVectors {
  /** [n, width] in row order. */
  vectors: Float32Array;
  /** The class of each vector, from 0 // [n] */
  labels: Int32Array;
}

export interface HeadOptions {
  width: number;
  classes: number;
  /** Passes over the data; 20 by default. */
  epochs?: number;
  /** Number of vectors of a step; 256 by default. */
  batch?: number;
  learningRate?: number;
  /** Weight decay over the learning rate. */
  decay?: number;
  /** The order of the vectors is a function of it. */
  seed: number;
  threads: number;
}

/** A linear softmax classifier: class c scores weight[c] · x + bias[c]. */
export interface LinearHead {
  /** [classes, width] in row order. */
  weight: Float32Array;
  /** [classes] */
  bias: Float32Array;
}

/**
 * Trains a softmax classifier over vectors that do not change, with AdamW on cross-entropy. With two classes it is
 * logistic regression.
 * @throws InvalidInputError if vectors and labels do not fit each other; OrtError
 */
export async function trainLinearHead(data: LabelledVectors, options: HeadOptions): Promise<LinearHead> {
  const { width, classes, epochs = 20, batch = 256, learningRate = 0.02, decay = 0.01, seed, threads } = options;
  checkLabels(data, options);
  const shape = { width, classes };
  const optimiser = { beta1: 0.9, beta2: 0.99, clipNorm: 10, decay };
  using runner = new StepRunner(buildHeadGraph(shape, optimiser), headParameters(shape), { optimiser, seed, threads });
  const stepsPerEpoch = Math.ceil(data.labels.length / batch);
  const schedule = { steps: epochs * stepsPerEpoch, warmup: stepsPerEpoch, highest: learningRate, last: 0.01, fall: 1 };
  for (let step = 0; step < schedule.steps; step++) {
    const order = shuffledIndices(data.labels.length, seed + Math.floor(step / stepsPerEpoch));
    const from = (step % stepsPerEpoch) * batch;
    const inputs = tensorsOf(data, order.slice(from, from + batch), width);
    await runner.run(inputs, step + 1, learningRateAt(step + 1, schedule));
  }
  const trained = runner.state.read();
  const valuesOf = (name: string) => trained.get(name)?.data ?? new Float32Array(0);
  return { weight: valuesOf('weight'), bias: valuesOf('bias') };
}

function checkLabels({ vectors, labels }: LabelledVectors, { width, classes }: HeadOptions): void {
  if (labels.length === 0) throw new InvalidInputError('there is nothing to learn from', 'labels');
  if (vectors.length !== labels.length * width)
    throw new InvalidInputError(
      `${labels.length} labels need ${labels.length * width} numbers, not ${vectors.length}`,
      'vectors',
    );
  const wrong = labels.find((label) => label < 0 || label >= classes);
  if (wrong !== undefined) throw new InvalidInputError(`there is no class ${wrong} of ${classes}`, 'labels');
}

function shuffledIndices(count: number, seed: number): number[] {
  const keyed = Array.from({ length: count }, (_, index) => ({ index, key: uniformAt(seed, index) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ index }) => index);
}

function tensorsOf(
  { vectors, labels }: LabelledVectors,
  chosen: readonly number[],
  width: number,
): Record<string, Tensor> {
  const rows = new Float32Array(chosen.length * width);
  chosen.forEach((index, row) => rows.set(vectors.subarray(index * width, (index + 1) * width), row * width));
  return {
    vectors: new Tensor(rows, [chosen.length, width]),
    targets: new Tensor(
      BigInt64Array.from(chosen, (index) => BigInt(labels[index] ?? 0)),
      [chosen.length],
    ),
    weights: new Tensor(new Float32Array(chosen.length).fill(1 / chosen.length), [chosen.length]),
  };
}

/** The probability of each class // [classes] */
export function classify({ weight, bias }: LinearHead, vector: ArrayLike<number>): Float32Array {
  const width = weight.length / bias.length;
  const scores = bias.map((start, c) => {
    let sum = start;
    for (let i = 0; i < width; i++) sum += (weight[c * width + i] ?? 0) * (vector[i] ?? 0);
    return sum;
  });
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
