import type { ValueName } from './emitter.ts';
import { indicators } from './layers.ts';
import type { Tape } from './tape.ts';

/** ONNX's number for the type. */
const FLOAT = 1;

interface Targets {
  /** The right class of each row // [n] */
  targets: ValueName;
  /** What each row counts; 0 for padding // [n] */
  weights: ValueName;
  classes: number;
}

/** Adds the output `loss`: Σ weight · −ln softmax(logits)[target], in nats. logits [n, classes] */
export function addCrossEntropy(tape: Tape, logits: ValueName, { targets, weights }: Targets): ValueName {
  const logShares = tape.op('LogSoftmax', [logits], { axis: -1 });
  const picked = tape.op('GatherElements', [logShares, column(tape, targets)], { axis: 1 });
  const weighted = tape.op('Mul', [picked, column(tape, weights)]);
  tape.graph.output({ name: 'loss', type: 'float32', dims: [] });
  tape.named('loss', 'Neg', [tape.op('ReduceSum', [weighted], { keepdims: 0 })]);
  return logShares;
}

/** Its gradient: weight · (softmax − indicator of the target) // [n, classes] */
export function crossEntropyGradient(
  tape: Tape,
  logShares: ValueName,
  { targets, weights, classes }: Targets,
): ValueName {
  const error = tape.op('Sub', [tape.op('Exp', [logShares]), indicators(tape, targets, classes)]);
  return tape.op('Mul', [error, column(tape, weights)]);
}

/**
 * Adds the output `loss`: the mean over rows of Σ ln(1 + e^z) − target · z over labels, in nats.
 * @returns its gradient: (σ(z) − target) / rows // [n, labels]
 */
export function addBinaryCrossEntropy(tape: Tape, logits: ValueName, targets: ValueName): ValueName {
  const misses = tape.op('Sub', [tape.op('Softplus', [logits]), tape.op('Mul', [targets, logits])]);
  const byRow = tape.op('ReduceSum', [misses, tape.ints(1)], { keepdims: 0 });
  tape.graph.output({ name: 'loss', type: 'float32', dims: [] });
  tape.named('loss', 'ReduceMean', [byRow], { keepdims: 0 });
  const rows = tape.op('Cast', [tape.op('Size', [byRow])], { to: FLOAT });
  return tape.op('Div', [tape.op('Sub', [tape.op('Sigmoid', [logits]), targets]), rows]);
}

const column = (tape: Tape, vector: ValueName): ValueName => tape.op('Unsqueeze', [vector, tape.ints(1)]);
