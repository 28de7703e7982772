import type { Architecture } from './checkpoint/architecture.ts';
import { toFloat16 } from './checkpoint/floats.ts';
import { ModelFileError } from './checkpoint/model-file-error.ts';
import type { GraphFormats } from './graph-target.ts';
import { IntegerProducts } from './integer-products.ts';
import { addGather, addMatMul } from './linear.ts';
import type { DataFile } from './onnx/data-file.ts';
import { GraphBuilder, MICROSOFT } from './onnx/graph-builder.ts';
import { addRotary } from './rotary.ts';
import type { StoredMatrix, TensorSource, WeightWriter } from './weights.ts';

/** What every part of the graph is built with. */
interface Making {
  graph: GraphBuilder;
  architecture: Architecture;
  weights: WeightWriter;
  formats: GraphFormats;
  /** Null for products in blocks or floats. */
  integers: IntegerProducts | null;
}

export interface GraphSource {
  architecture: Architecture;
  weights: WeightWriter;
  formats: GraphFormats;
  data: DataFile;
  /** The data file's name, in the graph's folder. */
  dataFile: string;
}

/**
 * A Llama-type decoder (Touvron et al. 2023) as one graph; what sets its relatives apart (biases, normalised queries and
 * keys) is there when the checkpoint has the weights. Rows of a batch may have different lengths; keys and values are read
 * and written in place in the caller's buffers. Elements are of the target's type, logits always float32.
 *
 * inputs:  input_ids [b, s], seqlens_k [b] (length − 1 of each row, the new tokens included), total_sequence_length (the
 *          longest), past_key_values.N.key/.value [b, kv_heads, capacity, head_dim]
 * outputs: logits [b, vocab], of each row's last position; peak [b, 1], its likeliest token's log-probability;
 *          present.N.key/.value, the same buffers as the past
 *
 * @throws ModelFileError when weights are missing, of another shape, or left over
 */
export async function buildDecoderGraph({ data, dataFile, ...source }: GraphSource): Promise<Buffer> {
  const graph = new GraphBuilder(dataFile);
  const { architecture, weights, formats } = source;
  const integers = formats.integers && new IntegerProducts(graph, weights, formats.integers);
  const making = { graph, architecture, weights, formats, integers };
  declareInterface(making);
  await addRotary(graph, architecture, data, formats.element);
  const { vocabulary, hidden } = architecture;
  const embedding = await weights.matrix(
    [{ tensor: 'token_embd.weight', rows: vocabulary }],
    hidden,
    formats.embedding,
  );
  addGather(graph, { name: 'embedded', input: 'input_ids', matrix: embedding, element: formats.element });
  let residual: Residual = { sum: integers?.flat('embedded', hidden) ?? 'embedded', addend: null };
  for (let layer = 0; layer < architecture.layers; layer++) residual = await addLayer(making, layer, residual);
  await addHead(making, embedding, residual);
  refuseUnused(architecture, weights);
  return graph.encode();
}

/**
 * The stream that layers add to. `addend` is not yet added, because the next normalisation does so at no extra cost.
 */
interface Residual {
  sum: string;
  addend: string | null;
}

function declareInterface({ graph, architecture, formats }: Making): void {
  const { layers, kvHeads, headDim, vocabulary } = architecture;
  graph.input({ name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] });
  graph.input({ name: 'seqlens_k', type: 'int32', dims: ['batch'] });
  graph.input({ name: 'total_sequence_length', type: 'int32', dims: [] });
  graph.output({ name: 'logits', type: 'float32', dims: ['batch', vocabulary] });
  graph.output({ name: 'peak', type: 'float32', dims: ['batch', 1] });
  const cache = { type: formats.element, dims: ['batch', kvHeads, 'capacity', headDim] };
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ['key', 'value']) {
      graph.input({ name: `past_key_values.${layer}.${part}`, ...cache });
      graph.output({ name: `present.${layer}.${part}`, ...cache });
    }
  }
}

async function addLayer(making: Making, layer: number, entering: Residual): Promise<Residual> {
  const { integers, architecture } = making;
  const weightsOf = (sources: readonly TensorSource[]) => named(sources, 'weight');
  const attention = weightsOf(queryKeyValue(architecture, layer));
  await integers?.smooth(`blk.${layer}.attn_norm.weight`, attention, architecture.hidden);
  const normed = await addNorm(making, entering, `blk.${layer}.attn_norm.weight`, `layer.${layer}.attention_norm`);
  const between = { sum: normed.sum, addend: await addAttention(making, layer, normed.output) };
  await integers?.smooth(
    `blk.${layer}.ffn_norm.weight`,
    weightsOf(gateAndUp(architecture, layer)),
    architecture.hidden,
  );
  const ready = await addNorm(making, between, `blk.${layer}.ffn_norm.weight`, `layer.${layer}.feed_forward_norm`);
  return { sum: ready.sum, addend: await addFeedForward(making, layer, ready.output) };
}

/** RMS norm (Zhang and Sennrich 2019), including the pending addition. */
async function addNorm(
  making: Making,
  { sum, addend }: Residual,
  tensor: string,
  name: string,
): Promise<{ output: string; sum: string }> {
  const { graph, architecture } = making;
  await addNormWeight(making, `${name}.weight`, tensor);
  const epsilon = { float: architecture.normEpsilon };
  if (addend === null) {
    graph.node('SimplifiedLayerNormalization', [sum, `${name}.weight`], [name], { axis: -1, epsilon, stash_type: 1 });
    return { output: name, sum };
  }
  const outputs = [name, '', '', `${name}.sum`];
  graph.node('SkipSimplifiedLayerNormalization', [sum, addend, `${name}.weight`], outputs, { epsilon }, MICROSOFT);
  return { output: name, sum: `${name}.sum` };
}

async function addNormWeight(making: Making, name: string, tensor: string): Promise<void> {
  const { weights, architecture, integers } = making;
  const values = await weights.vector([{ tensor, rows: architecture.hidden }]);
  const divisors = integers?.divisorsOf(tensor);
  storeVector(making, name, divisors ? values.map((value, i) => value / (divisors[i] ?? 1)) : values);
}

/** Grouped-query attention (Ainslie et al. 2023): one packed projection, rotation inside the operator, cache in place. */
async function addAttention(making: Making, layer: number, input: string): Promise<string> {
  const { graph, architecture, weights } = making;
  const { heads, kvHeads, headDim, hidden } = architecture;
  const { integers } = making;
  const name = (part: string) => `layer.${layer}.${part}`;
  const norm = `blk.${layer}.attn_norm.weight`;
  const product = await addLinear(making, name('qkv'), input, queryKeyValue(architecture, layer), hidden, norm);
  const packed = integers?.apart(product) ?? product;
  const [query, key, value] = weights.has(`blk.${layer}.attn_q_norm.weight`)
    ? await addHeadNorms(making, layer, packed)
    : [packed, '', ''];
  const past = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`];
  const rotated = !architecture.unrotatedLayers.includes(layer);
  graph.node(
    'GroupQueryAttention',
    [query, key, value, ...past, 'seqlens_k', 'total_sequence_length', ...(rotated ? ['cos', 'sin'] : [])],
    [name('attended'), `present.${layer}.key`, `present.${layer}.value`],
    { num_heads: heads, kv_num_heads: kvHeads, do_rotary: Number(rotated) },
    MICROSOFT,
  );
  const output = [{ tensor: `blk.${layer}.attn_output`, rows: hidden }];
  const attended = integers?.flat(name('attended'), heads * headDim) ?? name('attended');
  return addLinear(making, name('attention'), attended, output, heads * headDim);
}

function queryKeyValue({ heads, kvHeads, headDim, interleavedHeads }: Architecture, layer: number): TensorSource[] {
  const part = (letter: string, count: number, rotated: boolean) => ({
    tensor: `blk.${layer}.attn_${letter}`,
    rows: count * headDim,
    ...(rotated && interleavedHeads && { permutedHeads: count }),
  });
  return [part('q', heads, true), part('k', kvHeads, true), part('v', kvHeads, false)];
}

/**
 * Normalises queries and keys within each head, as Qwen3 does. (The attention operator could do it at no extra cost,
 * but on a CPU it refuses to.)
 */
async function addHeadNorms(making: Making, layer: number, packed: string): Promise<[string, string, string]> {
  const { graph, architecture } = making;
  const { heads, kvHeads, headDim, interleavedHeads, normEpsilon } = architecture;
  if (interleavedHeads) throw new ModelFileError('normalised heads of interleaved rows are not supported');
  const name = (part: string) => `layer.${layer}.${part}`;
  const sizes = BigInt64Array.from([heads, kvHeads, kvHeads], (count) => BigInt(count * headDim));
  graph.constant(name('sizes'), 'int64', [3], sizes);
  graph.node('Split', [packed, name('sizes')], ['query', 'key', 'value'].map(name), { axis: -1 });
  const normed: string[] = [];
  for (const [part, count] of [['query', heads] as const, ['key', kvHeads] as const]) {
    const weight = await addVector(making, name(`${part}_norm.weight`), [
      { tensor: `blk.${layer}.attn_${part[0]}_norm.weight`, rows: headDim },
    ]);
    const [apart, together] = [name(`${part}.apart`), name(`${part}.together`)];
    graph.constant(apart, 'int64', [4], BigInt64Array.from([0, 0, count, headDim], BigInt));
    graph.constant(together, 'int64', [3], BigInt64Array.from([0, 0, count * headDim], BigInt));
    graph.node('Reshape', [name(part), apart], [name(`${part}_heads`)]);
    const attributes = { axis: -1, epsilon: { float: normEpsilon }, stash_type: 1 };
    graph.node('SimplifiedLayerNormalization', [name(`${part}_heads`), weight], [name(`${part}_norm`)], attributes);
    graph.node('Reshape', [name(`${part}_norm`), together], [name(`${part}_normed`)]);
    normed.push(name(`${part}_normed`));
  }
  return [normed[0] ?? '', normed[1] ?? '', name('value')];
}

/** SwiGLU (Shazeer 2020): down(silu(gate x) · up x). */
async function addFeedForward(making: Making, layer: number, input: string): Promise<string> {
  const { graph, architecture } = making;
  const { hidden, feedForward } = architecture;
  const name = (part: string) => `layer.${layer}.${part}`;
  const norm = `blk.${layer}.ffn_norm.weight`;
  for (const [i, part] of ['gate', 'up'].entries())
    await addLinear(making, name(part), input, gateAndUp(architecture, layer).slice(i, i + 1), hidden, norm);
  graph.node('Sigmoid', [name('gate')], [name('sigmoid')]);
  graph.node('Mul', [name('gate'), name('sigmoid')], [name('silu')]);
  graph.node('Mul', [name('silu'), name('up')], [name('gated')]);
  const down = [{ tensor: `blk.${layer}.ffn_down`, rows: hidden }];
  return addLinear(making, name('feed_forward'), name('gated'), down, feedForward);
}

function gateAndUp({ feedForward }: Architecture, layer: number): TensorSource[] {
  return ['gate', 'up'].map((part) => ({ tensor: `blk.${layer}.ffn_${part}`, rows: feedForward }));
}

async function addHead(making: Making, embedding: StoredMatrix, residual: Residual): Promise<void> {
  const { graph, architecture, weights, formats, integers } = making;
  const { tied, vocabulary, hidden } = architecture;
  const { output } = await addNorm(making, residual, 'output_norm.weight', 'final_norm');
  const source = [{ tensor: tied ? 'token_embd.weight' : 'output.weight', rows: vocabulary }];
  graph.constant('last', 'int64', [], BigInt64Array.of(-1n));
  graph.node('Gather', [integers?.apart(output) ?? output, 'last'], ['last_hidden'], { axis: 1 });
  if (integers) {
    await integers.add({ name: 'logits', input: 'last_hidden', sources: source, columns: hidden });
    addPeak(graph, vocabulary);
    return;
  }
  const matrix = tied ? embedding : await weights.matrix(source, hidden, formats.embedding);
  const { element } = formats;
  const name = element === 'float32' ? 'logits' : 'half_logits';
  addMatMul(graph, { name, input: 'last_hidden', matrix, element });
  if (name !== 'logits') graph.node('Cast', [name], ['logits'], { to: FLOAT });
  addPeak(graph, vocabulary);
}

/**
 * −ln Σ e^(logit − the highest). In JavaScript it took a sixth of a step of eight drafts (on AVX2). It is summed over
 * groups and then over the groups, because a single-precision sum over a whole vocabulary loses the fifth decimal.
 * LogSoftmax and ReduceMax give a row the same bits in any batch ([GEN2]); ReduceSum does not.
 */
function addPeak(graph: GraphBuilder, vocabulary: number): void {
  const group = commonPowerOfTwo(vocabulary, 1024);
  graph.constant('last_axis', 'int64', [1], BigInt64Array.of(-1n));
  graph.constant('grouped', 'int64', [3], BigInt64Array.of(0n, -1n, BigInt(group)));
  const highest = (input: string, output: string, keepdims = 0) =>
    graph.node('ReduceMax', [input, 'last_axis'], [output], { keepdims });
  graph.node('Reshape', ['logits', 'grouped'], ['groups']); // [b, n, group]
  highest('groups', 'group_highest'); // [b, n]
  highest('group_highest', 'row_highest', 1); // [b, 1]
  graph.node('LogSoftmax', ['groups'], ['group_logprobs'], { axis: -1 });
  highest('group_logprobs', 'group_peaks'); // [b, n]
  graph.node('Sub', ['group_highest', 'row_highest'], ['group_heights']);
  graph.node('Sub', ['group_heights', 'group_peaks'], ['group_sums']); // [b, n], logarithms
  highest('group_sums', 'highest_sum', 1); // [b, 1]
  graph.node('LogSoftmax', ['group_sums'], ['group_shares'], { axis: -1 });
  highest('group_shares', 'highest_share', 1); // [b, 1]
  graph.node('Sub', ['highest_share', 'highest_sum'], ['peak']);
}

/** The largest power of two that divides `count` and is at most `most`, itself a power of two. */
function commonPowerOfTwo(count: number, most: number): number {
  return count % most === 0 ? most : commonPowerOfTwo(count, most / 2);
}

/** ONNX's number of float32. */
const FLOAT = 1;

/**
 * x Wᵀ, plus the bias if the checkpoint has one. `sources` are named without `.weight` and `.bias`.
 * @param norm the norm that the input comes from, if it does
 */
async function addLinear(
  making: Making,
  name: string,
  input: string,
  sources: readonly TensorSource[],
  columns: number,
  norm: string | null = null,
): Promise<string> {
  const { graph, weights } = making;
  const biases = named(sources, 'bias');
  const biased = biases.some(({ tensor }) => weights.has(tensor));
  const product = biased ? `${name}.product` : name;
  await addProduct(making, product, input, named(sources, 'weight'), columns, norm);
  if (biased) graph.node('Add', [product, await addVector(making, `${name}.bias`, biases)], [name]);
  return name;
}

function named(sources: readonly TensorSource[], kind: 'weight' | 'bias'): TensorSource[] {
  return sources.map((source) => ({ ...source, tensor: `${source.tensor}.${kind}` }));
}

async function addProduct(
  { graph, weights, formats, integers }: Making,
  name: string,
  input: string,
  sources: readonly TensorSource[],
  columns: number,
  norm: string | null,
): Promise<void> {
  if (integers) return integers.add({ name, input, sources, columns, norm });
  const matrix = await weights.matrix(sources, columns, formats.matrices);
  addMatMul(graph, { name, input, matrix, element: formats.element });
}

async function addVector(making: Making, name: string, sources: readonly TensorSource[]) {
  return storeVector(making, name, await making.weights.vector(sources));
}

function storeVector({ graph, formats }: Making, name: string, values: Float32Array): string {
  const data = formats.element === 'float32' ? values : toFloat16(values);
  graph.constant(name, formats.element, [values.length], data);
  return name;
}

/** An unused weight belongs to a computation that this graph lacks, so texts would be silently wrong. */
function refuseUnused({ architecture }: Architecture, { unused }: WeightWriter): void {
  const [first] = unused;
  if (first === undefined) return;
  const others = unused.size > 1 ? ` and ${unused.size - 1} others` : '';
  throw new ModelFileError(`the checkpoint has weights that no ${architecture} decoder uses: ${first}${others}`);
}
