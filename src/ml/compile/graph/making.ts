import type { Architecture } from '../checkpoint/architecture.ts';
import { toFloat16 } from '../checkpoint/floats.ts';
import type { GraphFormats } from '../graph-target.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { TensorSource, WeightWriter } from '../weights.ts';
import type { IntegerProducts } from './integer-products.ts';
import { addMatMul } from './linear.ts';

/** What every part of the graph is built with. */
export interface Making {
  graph: GraphBuilder;
  architecture: Architecture;
  weights: WeightWriter;
  formats: GraphFormats;
  /** Null for products in blocks or floats. */
  integers: IntegerProducts | null;
}

interface LinearOptions {
  name: string;
  input: string;
  /** Named without `.weight` and `.bias`. */
  sources: readonly TensorSource[];
  columns: number;
  /** The norm that the input comes from, if it does. */
  norm?: string | null;
}

/** x Wᵀ, plus the bias if the checkpoint has one. */
export async function addLinear(making: Making, options: LinearOptions): Promise<string> {
  const { name, input, sources, columns, norm = null } = options;
  const { graph, weights, formats, integers } = making;
  const biases = named(sources, 'bias');
  const biased = biases.some(({ tensor }) => weights.has(tensor));
  const product = biased ? `${name}.product` : name;
  const own = { name: product, input, sources: named(sources, 'weight'), columns, norm };
  if (integers) await integers.add(own);
  else {
    const matrix = await weights.matrix(own.sources, columns, formats.matrices);
    addMatMul(graph, { name: product, input, matrix, element: formats.element });
  }
  if (biased) graph.node('Add', [product, await addVector(making, `${name}.bias`, biases)], [name]);
  return name;
}

export function named(sources: readonly TensorSource[], kind: 'weight' | 'bias'): TensorSource[] {
  return sources.map((source) => ({ ...source, tensor: `${source.tensor}.${kind}` }));
}

export async function addVector(making: Making, name: string, sources: readonly TensorSource[]): Promise<string> {
  return storeVector(making, name, await making.weights.vector(sources));
}

export function storeVector({ graph, formats }: Making, name: string, values: Float32Array): string {
  const data = formats.element === 'float32' ? values : toFloat16(values);
  graph.constant(name, formats.element, [values.length], data);
  return name;
}
