import { type AdamWSettings, addAdamW, type Parameter } from './adamw.ts';
import { addBinaryCrossEntropy } from './cross-entropy.ts';
import { addBias, linear } from './layers.ts';
import { Tape } from './tape.ts';

export interface HeadShape {
  /** Length of a vector. */
  width: number;
  labels: number;
}

export const headParameters = ({ width, labels }: HeadShape): Parameter[] => [
  { name: 'weight', dims: [labels, width], deviation: 0 },
  { name: 'bias', dims: [labels], deviation: 0 },
];

/**
 * One step of a classifier over given vectors that answers for each label by itself.
 * inputs: `vectors` [n, width], `targets` [n, labels], 1 where the label is right; those of `addAdamW`
 * outputs: `loss` and those of `addAdamW`
 */
export function buildHeadGraph(shape: HeadShape, settings: AdamWSettings): Buffer {
  const tape = new Tape();
  tape.graph.input({ name: 'vectors', type: 'float32', dims: ['n', shape.width] });
  tape.graph.input({ name: 'targets', type: 'float32', dims: ['n', shape.labels] });
  const logits = addBias(tape, linear(tape, 'vectors', 'weight'), 'bias');
  tape.backpropagate(logits, addBinaryCrossEntropy(tape, logits, 'targets'));
  addAdamW(tape, headParameters(shape), settings);
  return tape.graph.encode();
}
