import type { Architecture } from '../checkpoint/architecture.ts';
import { ModelFileError } from '../checkpoint/model-file-error.ts';
import { type Attribute, MICROSOFT } from '../onnx/graph-builder.ts';
import type { TensorSource } from '../weights.ts';
import { addLinear, addVector, type Making } from './making.ts';
import { rotaryTables } from './rotary.ts';

/** Grouped-query attention (Ainslie et al. 2023): one packed projection, rotation inside the operator, cache in place. */
export async function addAttention(making: Making, layer: number, input: string, norm: string | null): Promise<string> {
  const { graph, architecture, integers } = making;
  const { heads, headDim, hidden, layerKinds, residualScale } = architecture;
  const name = (part: string) => `layer.${layer}.${part}`;
  const sources = queryKeyValue(architecture, layer);
  const product = await addLinear(making, { name: name('qkv'), input, sources, columns: hidden, norm });
  const packed = integers?.apart(product) ?? product;
  const [query, key, value] =
    architecture.headNorms === 'none' ? [packed, '', ''] : await addHeadNorms(making, layer, packed);
  const past = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`];
  const rotary = layerKinds[layer]?.rotary ?? null;
  const tables = rotary === null ? [] : rotaryTables(rotary);
  graph.node(
    'GroupQueryAttention',
    [query, key, value, ...past, 'seqlens_k', 'total_sequence_length', ...tables],
    [name('attended'), `present.${layer}.key`, `present.${layer}.value`],
    attributesOf(architecture, layer),
    MICROSOFT,
  );
  const output = [{ tensor: `blk.${layer}.attn_output`, rows: hidden, factor: residualScale }];
  const attended = integers?.flat(name('attended'), heads * headDim) ?? name('attended');
  return addLinear(making, { name: name('attention'), input: attended, sources: output, columns: heads * headDim });
}

function attributesOf(architecture: Architecture, layer: number): Record<string, Attribute> {
  const { heads, kvHeads, layerKinds, attentionScale, attentionCap } = architecture;
  const { window = null, rotary = null } = layerKinds[layer] ?? {};
  return {
    ...{ num_heads: heads, kv_num_heads: kvHeads, do_rotary: Number(rotary !== null) },
    ...(window !== null && { local_window_size: window }),
    ...(attentionScale !== null && { scale: { float: attentionScale } }),
    ...(attentionCap !== null && { softcap: { float: attentionCap } }),
  };
}

export function queryKeyValue(
  { heads, kvHeads, headDim, interleavedHeads }: Architecture,
  layer: number,
): TensorSource[] {
  const part = (letter: string, count: number, rotated: boolean) => ({
    tensor: `blk.${layer}.attn_${letter}`,
    rows: count * headDim,
    ...(rotated && interleavedHeads && { permutedHeads: count }),
  });
  return [part('q', heads, true), part('k', kvHeads, true), part('v', kvHeads, false)];
}

/**
 * Normalises queries and keys, each head by itself as Qwen3 does or all together as OLMo 2 does. (The attention operator
 * could do the former at no extra cost, but on a CPU it refuses to.)
 */
async function addHeadNorms(making: Making, layer: number, packed: string): Promise<[string, string, string]> {
  const { graph, architecture } = making;
  const { heads, kvHeads, headDim, interleavedHeads } = architecture;
  if (interleavedHeads) throw new ModelFileError('normalised heads of interleaved rows are not supported');
  const name = (part: string) => `layer.${layer}.${part}`;
  const sizes = BigInt64Array.from([heads, kvHeads, kvHeads], (count) => BigInt(count * headDim));
  graph.constant(name('sizes'), 'int64', [3], sizes);
  graph.node('Split', [packed, name('sizes')], ['query', 'key', 'value'].map(name), { axis: -1 });
  const add = architecture.headNorms === 'each' ? addNormOfEach : addNormOfAll;
  return [await add(making, layer, 'query', heads), await add(making, layer, 'key', kvHeads), name('value')];
}

async function addNormOfEach(making: Making, layer: number, part: 'query' | 'key', count: number): Promise<string> {
  const { graph, architecture } = making;
  const { headDim, normEpsilon } = architecture;
  const name = (end: string) => `layer.${layer}.${part}${end}`;
  const weight = await addVector(making, name('_norm.weight'), [
    { tensor: `blk.${layer}.attn_${part[0]}_norm.weight`, rows: headDim },
  ]);
  graph.constant(name('.apart'), 'int64', [4], BigInt64Array.from([0, 0, count, headDim], BigInt));
  graph.constant(name('.together'), 'int64', [3], BigInt64Array.from([0, 0, count * headDim], BigInt));
  graph.node('Reshape', [name(''), name('.apart')], [name('_heads')]);
  const attributes = { axis: -1, epsilon: { float: normEpsilon }, stash_type: 1 };
  graph.node('SimplifiedLayerNormalization', [name('_heads'), weight], [name('_norm')], attributes);
  graph.node('Reshape', [name('_norm'), name('.together')], [name('_normed')]);
  return name('_normed');
}

async function addNormOfAll(making: Making, layer: number, part: 'query' | 'key', count: number): Promise<string> {
  const { graph, architecture } = making;
  const { headDim, normEpsilon } = architecture;
  const name = (end: string) => `layer.${layer}.${part}${end}`;
  const weight = await addVector(making, name('_norm.weight'), [
    { tensor: `blk.${layer}.attn_${part[0]}_norm.weight`, rows: count * headDim },
  ]);
  const attributes = { axis: -1, epsilon: { float: normEpsilon }, stash_type: 1 };
  graph.node('SimplifiedLayerNormalization', [name(''), weight], [name('_normed')], attributes);
  return name('_normed');
}
