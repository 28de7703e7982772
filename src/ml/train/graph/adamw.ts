import type { Emitter, ValueName } from './emitter.ts';
import type { Tape } from './tape.ts';

/** A parameter of the model: a matrix in row order, as checkpoints store it. */
export interface Parameter {
  name: string;
  dims: readonly number[];
  /** Standard deviation of its first values, which are normally distributed around 0. */
  deviation: number;
}

/** AdamW's settings that do not change (Loshchilov and Hutter 2019). */
export interface AdamWSettings {
  /** Decay of the running means of gradients and of their squares. */
  beta1: number;
  beta2: number;
  /** Gradients whose common norm is larger are scaled down to it. */
  clipNorm: number;
}

/** Numbers that change from step to step, as inputs of the graph. */
const STEP_INPUTS = ['rate', 'epsilon', 'keep'] as const;
type StepInput = (typeof STEP_INPUTS)[number];

/** The running means beside each parameter. */
export const MOMENTS = ['first', 'second'] as const;
/** The end of the names of what a step returns. */
export const NEXT = '.next';

/**
 * What AdamW's t-th step is given: the bias corrections are in the rate and in ε.
 * @param settings `decay` is the share of a weight that goes in a step, over the learning rate
 */
export function stepInputs(
  step: number,
  learningRate: number,
  { beta1, beta2, decay }: AdamWSettings & { decay: number },
): Record<StepInput, number> {
  const [first, second] = [1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)];
  return { rate: (learningRate * second) / first, epsilon: EPSILON * second, keep: 1 - learningRate * decay };
}

const EPSILON = 1e-8;

/**
 * Adds one step of AdamW for all parameters.
 * inputs: `rate`, `epsilon`, `keep`; for each parameter its value, `.first` and `.second`
 * outputs: the same with `.next`, and the norm of all gradients before clipping
 */
export function addAdamW(tape: Tape, parameters: readonly Parameter[], settings: AdamWSettings): void {
  const { graph } = tape;
  for (const name of STEP_INPUTS) graph.input({ name, type: 'float32', dims: [] });
  const norm = addNorm(tape, parameters);
  const clip = tape.op('Min', [tape.op('Div', [tape.float(settings.clipNorm), norm]), tape.float(1)]);
  const share = tape.op('Mul', [clip, tape.float(1 - settings.beta1)]);
  for (const parameter of parameters) addUpdate(tape, parameter, share, settings);
}

function addNorm(tape: Tape, parameters: readonly Parameter[]): ValueName {
  const squares = parameters.map(({ name }) => tape.op('ReduceSumSquare', [tape.gradientOf(name)], { keepdims: 0 }));
  tape.graph.output({ name: 'gradient_norm', type: 'float32', dims: [] });
  return tape.named('gradient_norm', 'Sqrt', [tape.op('Sum', squares)]);
}

function addUpdate(tape: Tape, { name, dims }: Parameter, share: ValueName, { beta1, beta2 }: AdamWSettings): void {
  const [first, second] = [`${name}.first`, `${name}.second`];
  for (const value of [name, first, second]) declare(tape, value, dims);
  const gradient = tape.op('Mul', [tape.gradientOf(name), share]); // (1 − β₁) g
  const nextFirst = tape.named(first + NEXT, 'Add', [tape.op('Mul', [first, tape.float(beta1)]), gradient]);
  const square = tape.op('Mul', [tape.op('Mul', [gradient, gradient]), tape.float((1 - beta2) / (1 - beta1) ** 2)]);
  const nextSecond = tape.named(second + NEXT, 'Add', [tape.op('Mul', [second, tape.float(beta2)]), square]);
  const divisor = tape.op('Add', [tape.op('Sqrt', [nextSecond]), 'epsilon']);
  const change = tape.op('Mul', [tape.op('Div', [nextFirst, divisor]), 'rate']);
  tape.named(name + NEXT, 'Sub', [tape.op('Mul', [name, 'keep']), change]);
}

function declare({ graph }: Emitter, name: string, dims: readonly number[]): void {
  graph.input({ name, type: 'float32', dims });
  graph.output({ name: name + NEXT, type: 'float32', dims });
}
