import { type AdamWSettings, addAdamW, type Parameter } from './adamw.ts';
import { addCrossEntropy, crossEntropyGradient } from './cross-entropy.ts';
import { addBias, linear } from './layers.ts';
import { Tape } from './tape.ts';

export interface HeadShape {
  /** Length of a vector. */
  width: number;
  classes: number;
}

export const headParameters = ({ width, classes }: HeadShape): Parameter[] => [
  { name: 'weight', dims: [classes, width], deviation: 0 },
  { name: 'bias', dims: [classes], deviation: 0 },
];

/**
 * One step of a softmax classifier over given vectors.
 * inputs: `vectors` [n, width], `targets` [n], `weights` [n]; those of `addAdamW`
 * outputs: `loss` and those of `addAdamW`
 */
export function buildHeadGraph(shape: HeadShape, settings: AdamWSettings): Buffer {
  const tape = new Tape();
  tape.graph.input({ name: 'vectors', type: 'float32', dims: ['n', shape.width] });
  tape.graph.input({ name: 'targets', type: 'int64', dims: ['n'] });
  tape.graph.input({ name: 'weights', type: 'float32', dims: ['n'] });
  const logits = addBias(tape, linear(tape, 'vectors', 'weight'), 'bias');
  const targets = { targets: 'targets', weights: 'weights', classes: shape.classes };
  const logShares = addCrossEntropy(tape, logits, targets);
  tape.backpropagate(logits, crossEntropyGradient(tape, logShares, targets));
  addAdamW(tape, headParameters(shape), settings);
  return tape.graph.encode();
}
