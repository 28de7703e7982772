import { MICROSOFT } from '../onnx/graph-builder.ts';
import { type Making, storeVector } from './making.ts';

/**
 * The stream that layers add to. `addend` is not yet added, because the next normalisation does so at no extra cost.
 */
export interface Residual {
  sum: string;
  addend: string | null;
}

export interface NormOptions {
  /** The checkpoint's, without `.weight` and `.bias`. */
  tensor: string;
  /** The graph's. */
  name: string;
  /** What the result is multiplied by. */
  factor?: number;
}

/** A norm of the stream and the stream itself, including the pending addition. */
export async function addNorm(
  making: Making,
  { sum, addend }: Residual,
  options: NormOptions,
): Promise<{ output: string; sum: string }> {
  const { graph, architecture } = making;
  const { name } = options;
  const weights = await addNormWeights(making, options);
  const epsilon = { float: architecture.normEpsilon };
  const isLayerNorm = architecture.normKind === 'layer';
  if (addend === null) {
    const operator = isLayerNorm ? 'LayerNormalization' : 'SimplifiedLayerNormalization';
    graph.node(operator, [sum, ...weights], [name], { axis: -1, epsilon, stash_type: 1 });
    return { output: name, sum };
  }
  const operator = isLayerNorm ? 'SkipLayerNormalization' : 'SkipSimplifiedLayerNormalization';
  graph.node(operator, [sum, addend, ...weights], [name, '', '', `${name}.sum`], { epsilon }, MICROSOFT);
  return { output: name, sum: `${name}.sum` };
}

/** The stream as it is, for layers that normalise only what they add. */
export function addPending({ graph }: Making, { sum, addend }: Residual, name: string): string {
  if (addend === null) return sum;
  graph.node('Add', [sum, addend], [name]);
  return name;
}

/** The names of the weight and, of a LayerNorm, the bias. Both are smaller where the next product makes up for it. */
async function addNormWeights(making: Making, { tensor, name, factor = 1 }: NormOptions): Promise<string[]> {
  const { weights, architecture, integers } = making;
  const parts = architecture.normKind === 'layer' ? (['weight', 'bias'] as const) : (['weight'] as const);
  const divisors = integers?.divisorsOf(`${tensor}.weight`);
  const names: string[] = [];
  for (const part of parts) {
    const values = await weights.vector([{ tensor: `${tensor}.${part}`, rows: architecture.hidden }]);
    const scaled =
      divisors || factor !== 1 ? values.map((value, i) => (value * factor) / (divisors?.[i] ?? 1)) : values;
    names.push(storeVector(making, `${name}.${part}`, scaled));
  }
  return names;
}
