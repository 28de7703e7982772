import { GraphBuilder, MICROSOFT } from '../compile/onnx/graph-builder.ts';
import { Binding, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';

/** No multiples of a register's width. All sums are below 2²⁴, so that floats hold them. */
export const [DEPTH, COLUMNS] = [1028, 67];
/** Kernels differ by the number of rows. */
const ROWS = [1, 2, 7, 16, 65];
const ZERO = 128;

/** Multiplies bytes with the weights // [rows, DEPTH] → [rows, COLUMNS] */
export type Multiply = (bytes: Uint8Array, rows: number) => ArrayLike<number>;

/** Whether this processor's kernels add up products of bytes exactly. */
export function sumsAreExact(threads: number): boolean {
  using session = Session.ofBytes(productGraph(), { threads });
  return isExact((bytes, rows) => multiply(session, bytes, rows));
}

/**
 * Holds products against integers that JavaScript adds. The bytes are the largest there are as often as not: kernels
 * without VNNI add pairs in 16 bits and lose what is above.
 */
export function isExact(multiply: Multiply): boolean {
  return ROWS.every((rows) => {
    const bytes = Uint8Array.from({ length: rows * DEPTH }, (_, i) => byteAt(i));
    const found = multiply(bytes, rows);
    return Array.from(found).every((sum, i) => sum === sumAt(bytes, Math.floor(i / COLUMNS), i % COLUMNS));
  });
}

/** As in a compiled graph. */
function productGraph(): Buffer {
  const graph = new GraphBuilder('none');
  graph.constant(
    'weight',
    'int8',
    [DEPTH, COLUMNS],
    Int8Array.from({ length: DEPTH * COLUMNS }, (_, i) => weightAt(i)),
  );
  graph.constant('one', 'float32', [], Float32Array.of(1));
  graph.constant('scales', 'float32', [COLUMNS], new Float32Array(COLUMNS).fill(1));
  graph.constant('zero', 'uint8', [], Uint8Array.of(ZERO));
  graph.input({ name: 'bytes', type: 'uint8', dims: ['rows', DEPTH] });
  graph.output({ name: 'sums', type: 'float32', dims: ['rows', COLUMNS] });
  graph.node('MatMulIntegerToFloat', ['bytes', 'weight', 'one', 'scales', 'zero'], ['sums'], {}, MICROSOFT);
  return graph.encode();
}

function multiply(session: Session, bytes: Uint8Array, rows: number): Float32Array {
  const sums = new Float32Array(rows * COLUMNS);
  using input = new Tensor(bytes, [rows, DEPTH]);
  using output = new Tensor(sums, [rows, COLUMNS]);
  using binding = new Binding(session, { bytes: input }, { sums: output });
  binding.runBlocking();
  return sums;
}

function sumAt(bytes: Uint8Array, row: number, column: number): number {
  let sum = 0;
  for (let k = 0; k < DEPTH; k++) sum += ((bytes[row * DEPTH + k] ?? 0) - ZERO) * weightAt(k * COLUMNS + column);
  return sum;
}

/** 127, −127 or anything between them. */
export const weightAt = (i: number): number => (i % 3 === 0 ? ((i * 37) % 255) - 127 : i % 5 < 3 ? 127 : -127);
/** Mostly 255. */
const byteAt = (i: number): number => (i % 4 === 0 ? (i * 53) % 256 : i % 11 === 0 ? 1 : 255);
