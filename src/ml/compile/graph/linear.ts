import { type GraphBuilder, MICROSOFT } from '../onnx/graph-builder.ts';
import type { StoredMatrix } from '../weights.ts';

/** Activations are quantised to 8 bits too, which the fast kernels on a CPU require. */
const INT8_ACTIVATIONS = 4;

interface LinearOptions {
  name: string;
  input: string;
  matrix: StoredMatrix;
  /** The type of the activations. */
  element: 'float32' | 'float16';
}

/** y = x Wᵀ. The result has the operation's name. */
export function addMatMul(graph: GraphBuilder, { name, input, matrix, element }: LinearOptions): string {
  const { rows, columns, values } = matrix;
  if (!('scales' in matrix)) {
    graph.external(`${name}.weight`, matrix.format, [rows, columns], values);
    graph.node('FusedMatMul', [input, `${name}.weight`], [name], { transB: 1 }, MICROSOFT);
    return name;
  }
  const bits = matrix.format === 'int8' ? 8 : 4;
  const { block } = matrix;
  const blocks = columns / block;
  graph.external(`${name}.weight`, 'uint8', [rows, blocks, (block * bits) / 8], values);
  graph.external(`${name}.scales`, element, [rows * blocks], matrix.scales);
  graph.external(`${name}.zeros`, 'uint8', [rows * Math.ceil((blocks * bits) / 8)], matrix.zeros);
  const inputs = [input, `${name}.weight`, `${name}.scales`, `${name}.zeros`];
  const attributes = { K: columns, N: rows, bits, block_size: block, accuracy_level: INT8_ACTIVATIONS };
  graph.node('MatMulNBits', inputs, [name], attributes, MICROSOFT);
  return name;
}

/** Looks up rows of the matrix by id. The matrix stays quantised in memory. */
export function addGather(graph: GraphBuilder, { name, input, matrix, element }: LinearOptions): string {
  const { rows, columns, values } = matrix;
  if (!('scales' in matrix)) {
    graph.external(`${name}.weight`, matrix.format, [rows, columns], values);
    graph.node('Gather', [`${name}.weight`, input], [name], { axis: 0 });
    return name;
  }
  graph.external(`${name}.weight`, 'uint8', [rows, columns], values);
  graph.external(`${name}.scales`, element, [rows, columns / matrix.block], matrix.scales);
  graph.external(`${name}.zeros`, 'uint8', [rows, columns / matrix.block], matrix.zeros);
  const inputs = [`${name}.weight`, input, `${name}.scales`, `${name}.zeros`];
  const attributes = { bits: 8, block_size: matrix.block, gather_axis: 0, quantize_axis: 1 };
  graph.node('GatherBlockQuantized', inputs, [name], attributes, MICROSOFT);
  return name;
}
