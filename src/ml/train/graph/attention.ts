import type { ValueName } from './emitter.ts';
import type { Tape } from './tape.ts';

/** What all layers of a decoder share about the batch. */
export interface AttentionInputs {
  /** [rows, length, heads, head_dim] as a vector of four numbers. */
  shape: ValueName;
  /** [rows, length, hidden] as a vector of three numbers. */
  packed: ValueName;
  /** Position in its sequence // [rows, length] */
  positions: ValueName;
  /** 0 where a position may look, very negative elsewhere // [rows, 1, length, length] */
  mask: ValueName;
  /** The tables of the rotation // [context, head_dim / 2] */
  rotation: { cos: ValueName; sin: ValueName; negativeSin: ValueName };
}

interface Heads {
  width: number;
  headDim: number;
}

/** Softmax attention with rotated queries and keys: q, k, v [n, hidden] → [n, hidden]. */
export function attention(
  tape: Tape,
  [q, k, v]: readonly [ValueName, ValueName, ValueName],
  inputs: AttentionInputs,
  { width, headDim }: Heads,
): ValueName {
  const { shape, mask } = inputs;
  const flat = tape.ints(-1, width);
  const split = (x: ValueName) =>
    tape.op('Transpose', [tape.op('Reshape', [x, shape])], { perm: { ints: [0, 2, 1, 3] } });
  const join = (x: ValueName) =>
    tape.op('Reshape', [tape.op('Transpose', [x], { perm: { ints: [0, 2, 1, 3] } }), flat]);
  const turned = (x: ValueName) => split(rotate(tape, x, inputs, inputs.rotation.sin));
  const back = (x: ValueName) => tape.op('Reshape', [rotate(tape, join(x), inputs, inputs.rotation.negativeSin), flat]);
  const [queries, keys, values] = [turned(q), turned(k), split(v)];
  const alpha = { float: headDim ** -0.5 };
  const scores = tape.op('FusedMatMul', [queries, keys], { transB: 1, alpha });
  const shares = tape.op('Softmax', [tape.op('Add', [scores, mask])], { axis: -1 }); // [rows, heads, length, length]
  const heads = tape.op('MatMul', [shares, values]);
  return tape.record(join(heads), (dy) => {
    const dHeads = split(dy);
    const dShares = tape.op('FusedMatMul', [dHeads, values], { transB: 1 });
    // Σ dP · P of a row is Σ dO · O, which is smaller.
    const mean = tape.op('ReduceSum', [tape.op('Mul', [dHeads, heads]), tape.ints(-1)], { keepdims: 1 });
    const dScores = tape.op('Mul', [shares, tape.op('Sub', [dShares, mean])]);
    return [
      [q, back(tape.op('FusedMatMul', [dScores, keys], { alpha }))],
      [k, back(tape.op('FusedMatMul', [dScores, queries], { transA: 1, alpha }))],
      [v, join(tape.op('FusedMatMul', [shares, dHeads], { transA: 1 }))],
    ];
  });
}

/** Rotary embeddings (Su et al. 2021). A rotation by the opposite angle takes a gradient back. */
function rotate(tape: Tape, x: ValueName, { packed, positions, rotation }: AttentionInputs, sin: ValueName): ValueName {
  return tape.op('RotaryEmbedding', [tape.op('Reshape', [x, packed]), positions, rotation.cos, sin]);
}

/** Who may look at whom: earlier positions of the same sequence. segments [rows, length] → [rows, 1, length, length] */
export function causalMask(tape: Tape, segments: ValueName): ValueName {
  const across = (axis: number) => tape.op('Unsqueeze', [segments, tape.ints(1, axis)]);
  const same = tape.op('Equal', [across(3), across(2)]); // [rows, 1, length, length]
  const scalar = (value: number) => tape.constant('int64', [], BigInt64Array.of(BigInt(value)));
  const length = tape.op('Gather', [tape.op('Shape', [segments]), scalar(1)], { axis: 0 });
  const index = tape.op('Range', [scalar(0), length, scalar(1)]);
  const along = (axis: number) => tape.op('Unsqueeze', [index, tape.ints(axis)]);
  const earlier = tape.op('GreaterOrEqual', [along(1), along(0)]); // [length, length]
  const allowed = tape.op('And', [same, earlier]);
  return tape.op('Where', [allowed, tape.float(0), tape.float(NEVER)]);
}

/** e^(NEVER − any score) is 0. */
const NEVER = -1e9;
