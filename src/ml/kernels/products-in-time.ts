import { MOST } from '../compile/column-matrix.ts';
import { GraphBuilder, MICROSOFT } from '../compile/onnx/graph-builder.ts';
import { Binding, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';

/** A draft alone, several, and a prompt. */
const ROWS = [1, 8, 64];
const RUNS = 40;
const BLOCK = 64;
/** Wider matrices take proportionally longer. */
const WIDEST = 1024;

/**
 * The time of a product of integers ÷ that of one in 8-bit blocks, as the geometric mean over numbers of rows. One
 * matrix on one thread: runs are so short that the shortest is undisturbed, whatever else the machine does.
 */
export function timeOfIntegers(hidden: number): number {
  const width = Math.max(BLOCK, Math.min(WIDEST, hidden - (hidden % BLOCK)));
  const [integers, blocks] = [integerGraph(width), blockGraph(width)].map((graph) => shortestTimes(graph, width));
  const logs = ROWS.map((_, i) => Math.log((integers?.[i] ?? 1) / (blocks?.[i] ?? 1)));
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

function integerGraph(width: number): Buffer {
  const graph = newGraph(width);
  graph.constant(
    'weight',
    'int8',
    [width, width],
    Int8Array.from({ length: width ** 2 }, (_, i) => (i % 255) - MOST),
  );
  graph.constant('one', 'float32', [], Float32Array.of(1));
  graph.constant('scales', 'float32', [width], new Float32Array(width).fill(1e-3));
  graph.constant('zero', 'uint8', [], Uint8Array.of(128));
  graph.node('QuantizeLinear', ['x', 'one', 'zero'], ['bytes']);
  graph.node('MatMulIntegerToFloat', ['bytes', 'weight', 'one', 'scales', 'zero'], ['y'], {}, MICROSOFT);
  return graph.encode();
}

function blockGraph(width: number): Buffer {
  const graph = newGraph(width);
  const blocks = width / BLOCK;
  const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i % 256);
  graph.constant('weight', 'uint8', [width, blocks, BLOCK], bytes(width ** 2));
  graph.constant('scales', 'float32', [width * blocks], new Float32Array(width * blocks).fill(1e-3));
  graph.constant('zeros', 'uint8', [width * blocks], bytes(width * blocks));
  const attributes = { K: width, N: width, bits: 8, block_size: BLOCK, accuracy_level: 4 };
  graph.node('MatMulNBits', ['x', 'weight', 'scales', 'zeros'], ['y'], attributes, MICROSOFT);
  return graph.encode();
}

function newGraph(width: number): GraphBuilder {
  const graph = new GraphBuilder('none');
  graph.input({ name: 'x', type: 'float32', dims: ['rows', width] });
  graph.output({ name: 'y', type: 'float32', dims: ['rows', width] });
  return graph;
}

function shortestTimes(graph: Uint8Array, width: number): number[] {
  using session = Session.ofBytes(graph, { threads: 1 });
  return ROWS.map((rows) => {
    using x = new Tensor(
      Float32Array.from({ length: rows * width }, (_, i) => (i % 199) - 99),
      [rows, width],
    );
    using y = new Tensor(new Float32Array(rows * width), [rows, width]);
    using binding = new Binding(session, { x }, { y });
    return Math.min(...Array.from({ length: RUNS }, () => timed(() => binding.runBlocking())));
  });
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
