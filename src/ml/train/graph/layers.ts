import type { ValueName } from './emitter.ts';
import type { Tape } from './tape.ts';

/** y = x Wᵀ: x [n, in], weight [out, in] → [n, out]. */
export function linear(tape: Tape, x: ValueName, weight: ValueName): ValueName {
  const y = tape.op('FusedMatMul', [x, weight], { transB: 1 });
  return tape.record(y, (dy) => [
    [x, tape.op('MatMul', [dy, weight])],
    [weight, tape.op('FusedMatMul', [dy, x], { transA: 1 })],
  ]);
}

/** y = x + bias: x [n, out], bias [out]. */
export function addBias(tape: Tape, x: ValueName, bias: ValueName): ValueName {
  const y = tape.op('Add', [x, bias]);
  return tape.record(y, (dy) => [
    [x, dy],
    [bias, tape.op('ReduceSum', [dy, tape.ints(0)], { keepdims: 0 })],
  ]);
}

/** y = a + b, of one shape. */
export function add(tape: Tape, a: ValueName, b: ValueName): ValueName {
  const y = tape.op('Add', [a, b]);
  return tape.record(y, (dy) => [
    [a, dy],
    [b, dy],
  ]);
}

/**
 * RMS norm (Zhang and Sennrich 2019) without a gain: a gain could as well be in the matrices that follow.
 * y = x / √(mean(x²) + ε) // [n, d]; dx = (dy − y · mean(y · dy)) / √(mean(x²) + ε)
 */
export function rmsNorm(tape: Tape, x: ValueName, { width, epsilon }: { width: number; epsilon: number }): ValueName {
  const ones = tape.constant('float32', [width], new Float32Array(width).fill(1));
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  const [y = '', inverse = ''] = tape.ops('SimplifiedLayerNormalization', [x, ones], 2, attributes);
  return tape.record(y, (dy) => {
    const share = tape.op('ReduceMean', [tape.op('Mul', [y, dy]), tape.ints(-1)], { keepdims: 1 });
    return [[x, tape.op('Mul', [tape.op('Sub', [dy, tape.op('Mul', [y, share])]), inverse])]];
  });
}

/** SwiGLU (Shazeer 2020): y = silu(gate) · up // [n, d] */
export function swiGlu(tape: Tape, gate: ValueName, up: ValueName): ValueName {
  const sigmoid = tape.op('Sigmoid', [gate]);
  const silu = tape.op('Mul', [gate, sigmoid]);
  const y = tape.op('Mul', [silu, up]);
  return tape.record(y, (dy) => {
    // silu′ = σ(g) (1 + g − silu(g))
    const slope = tape.op('Mul', [sigmoid, tape.op('Add', [tape.op('Sub', [gate, silu]), tape.float(1)])]);
    return [
      [gate, tape.op('Mul', [tape.op('Mul', [dy, up]), slope])],
      [up, tape.op('Mul', [dy, silu])],
    ];
  });
}

/** Rows of a table by id: ids [n], table [vocabulary, d] → [n, d]. */
export function embed(tape: Tape, ids: ValueName, table: ValueName, vocabulary: number): ValueName {
  const y = tape.op('Gather', [table, ids], { axis: 0 });
  // A product with the chosen rows' indicators adds up in one order, which a scatter from several threads does not.
  return tape.record(y, (dy) => [
    [table, tape.op('FusedMatMul', [indicators(tape, ids, vocabulary), dy], { transA: 1 })],
  ]);
}

/** 1 at each id, 0 elsewhere: ids [n] → [n, count]. */
export function indicators(tape: Tape, ids: ValueName, count: number): ValueName {
  const depth = tape.constant('int64', [], BigInt64Array.of(BigInt(count)));
  return tape.op('OneHot', [ids, depth, tape.constant('float32', [2], Float32Array.of(0, 1))], { axis: -1 });
}

export interface Dropout {
  /** Rows of noise, to be multiplied with: 0, or 1 / (1 − rate) // [count, d] */
  noise: ValueName;
  /** The row of each position at each place // [places, n] */
  rows: ValueName;
}

/** Dropout (Srivastava et al. 2014). Its noise depends on nothing but the rows that the caller names. */
export function dropout(tape: Tape, x: ValueName, { noise, rows }: Dropout, place: number): ValueName {
  const index = tape.constant('int64', [], BigInt64Array.of(BigInt(place)));
  const mask = tape.op('Gather', [noise, tape.op('Gather', [rows, index], { axis: 0 })], { axis: 0 });
  const y = tape.op('Mul', [x, mask]);
  return tape.record(y, (dy) => [[x, tape.op('Mul', [dy, mask])]]);
}
