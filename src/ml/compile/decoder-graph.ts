import type { Architecture } from './architecture.ts';
import { GraphBuilder } from './onnx.ts';
import { BLOCK } from './quantize.ts';
import type { StoredMatrix, WeightWriter } from './weights.ts';

const MICROSOFT = 'com.microsoft';
/** Activations are quantised to 8 bits too: the kernels that are fast on a CPU. */
const INT8_ACTIVATIONS = 4;

/**
 * A Llama-type decoder (Touvron et al. 2023) as one graph. Rows of a batch may have different lengths; keys and values are
 * read and written in place in the caller's buffers.
 *
 * inputs:  input_ids [b, s], seqlens_k [b] (length − 1 of each row, the new tokens included), total_sequence_length (the
 *          longest), past_key_values.N.key/.value [b, kv_heads, capacity, head_dim]
 * outputs: logits [b, vocab], of each row's last position; present.N.key/.value, the same buffers as the past
 */
export async function buildDecoderGraph(
  architecture: Architecture,
  weights: WeightWriter,
  dataFile: string,
): Promise<Buffer> {
  const graph = new GraphBuilder(dataFile);
  declareInterface(graph, architecture);
  addRotary(graph, architecture);
  const embedding = await addEmbedding(graph, architecture, weights);
  let residual: Residual = { sum: 'embedded', addend: null };
  for (let layer = 0; layer < architecture.layers; layer++) {
    residual = await addLayer(graph, architecture, weights, layer, residual);
  }
  await addHead(graph, architecture, weights, embedding, residual);
  return graph.encode();
}

/** The stream that layers add to; `addend` has not been added yet, as the next normalisation does that in passing. */
interface Residual {
  sum: string;
  addend: string | null;
}

function declareInterface(graph: GraphBuilder, { layers, kvHeads, headDim, vocabulary }: Architecture): void {
  graph.input({ name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] });
  graph.input({ name: 'seqlens_k', type: 'int32', dims: ['batch'] });
  graph.input({ name: 'total_sequence_length', type: 'int32', dims: [] });
  graph.output({
    name: 'logits',
    type: 'float32',
    dims: ['batch', vocabulary],
  });
  const cache = ['batch', kvHeads, 'capacity', headDim];
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ['key', 'value']) {
      graph.input({ name: `past_key_values.${layer}.${part}`, type: 'float32', dims: cache });
      graph.output({ name: `present.${layer}.${part}`, type: 'float32', dims: cache });
    }
  }
}

/** Rotary position embeddings (Su et al. 2021): cos and sin [contextTokens, head_dim / 2]. */
function addRotary(graph: GraphBuilder, { contextTokens, headDim, ropeBase }: Architecture): void {
  const half = headDim / 2;
  const [cos, sin] = [new Float32Array(contextTokens * half), new Float32Array(contextTokens * half)];
  for (let position = 0; position < contextTokens; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position / ropeBase ** (i / half);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  graph.constant('cos', 'float32', [contextTokens, half], cos);
  graph.constant('sin', 'float32', [contextTokens, half], sin);
}

/** Tokens → rows of the quantised embedding, which stays quantised in memory. */
async function addEmbedding(
  graph: GraphBuilder,
  { vocabulary, hidden }: Architecture,
  weights: WeightWriter,
): Promise<StoredMatrix> {
  const stored = await weights.matrix([{ tensor: 'token_embd.weight', rows: vocabulary }], hidden);
  graph.external('embedding', 'uint8', [vocabulary, hidden], stored.values);
  graph.external('embedding.scales', 'float32', [vocabulary, hidden / BLOCK], stored.scales);
  graph.external('embedding.zeros', 'uint8', [vocabulary, hidden / BLOCK], stored.zeros);
  const attributes = { bits: 8, block_size: BLOCK, gather_axis: 0, quantize_axis: 1 };
  graph.node(
    'GatherBlockQuantized',
    ['embedding', 'input_ids', 'embedding.scales', 'embedding.zeros'],
    ['embedded'],
    attributes,
    MICROSOFT,
  );
  return stored;
}

async function addLayer(
  graph: GraphBuilder,
  architecture: Architecture,
  weights: WeightWriter,
  layer: number,
  entering: Residual,
): Promise<Residual> {
  const name = (part: string) => `layer.${layer}.${part}`;
  const normed = await addNorm(
    graph,
    architecture,
    weights,
    entering,
    `blk.${layer}.attn_norm.weight`,
    name('attention_norm'),
  );
  const attended = await addAttention(graph, architecture, weights, layer, normed.output);
  const between = { sum: normed.sum, addend: attended };
  const ready = await addNorm(
    graph,
    architecture,
    weights,
    between,
    `blk.${layer}.ffn_norm.weight`,
    name('feed_forward_norm'),
  );
  return { sum: ready.sum, addend: await addFeedForward(graph, architecture, weights, layer, ready.output) };
}

/** RMS norm (Zhang and Sennrich 2019), adding what is still to be added on the way. */
async function addNorm(
  graph: GraphBuilder,
  { hidden, normEpsilon }: Architecture,
  weights: WeightWriter,
  { sum, addend }: Residual,
  tensor: string,
  name: string,
): Promise<{ output: string; sum: string }> {
  graph.constant(`${name}.weight`, 'float32', [hidden], await weights.vector(tensor, hidden));
  const epsilon = { float: normEpsilon };
  if (addend === null) {
    graph.node('SimplifiedLayerNormalization', [sum, `${name}.weight`], [name], { axis: -1, epsilon, stash_type: 1 });
    return { output: name, sum };
  }
  const outputs = [name, '', '', `${name}.sum`];
  graph.node('SkipSimplifiedLayerNormalization', [sum, addend, `${name}.weight`], outputs, { epsilon }, MICROSOFT);
  return { output: name, sum: `${name}.sum` };
}

/** Grouped-query attention (Ainslie et al. 2023): one packed projection, rotation inside the operator, cache in place. */
async function addAttention(
  graph: GraphBuilder,
  { heads, kvHeads, headDim, hidden }: Architecture,
  weights: WeightWriter,
  layer: number,
  input: string,
): Promise<string> {
  const name = (part: string) => `layer.${layer}.${part}`;
  const tensor = (part: string) => `blk.${layer}.attn_${part}.weight`;
  const packed = [
    { tensor: tensor('q'), rows: heads * headDim, permutedHeads: heads },
    { tensor: tensor('k'), rows: kvHeads * headDim, permutedHeads: kvHeads },
    { tensor: tensor('v'), rows: kvHeads * headDim },
  ];
  addMatMul(graph, name('qkv'), input, await weights.matrix(packed, hidden));
  const past = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`];
  graph.node(
    'GroupQueryAttention',
    [name('qkv'), '', '', ...past, 'seqlens_k', 'total_sequence_length', 'cos', 'sin'],
    [name('attended'), `present.${layer}.key`, `present.${layer}.value`],
    { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1 },
    MICROSOFT,
  );
  const output = await weights.matrix([{ tensor: tensor('output'), rows: hidden }], heads * headDim);
  return addMatMul(graph, name('attention'), name('attended'), output);
}

/** SwiGLU (Shazeer 2020): down(silu(gate x) · up x). */
async function addFeedForward(
  graph: GraphBuilder,
  { hidden, feedForward }: Architecture,
  weights: WeightWriter,
  layer: number,
  input: string,
): Promise<string> {
  const name = (part: string) => `layer.${layer}.${part}`;
  const tensor = (part: string) => `blk.${layer}.ffn_${part}.weight`;
  addMatMul(graph, name('gate'), input, await weights.matrix([{ tensor: tensor('gate'), rows: feedForward }], hidden));
  addMatMul(graph, name('up'), input, await weights.matrix([{ tensor: tensor('up'), rows: feedForward }], hidden));
  graph.node('Sigmoid', [name('gate')], [name('sigmoid')]);
  graph.node('Mul', [name('gate'), name('sigmoid')], [name('silu')]);
  graph.node('Mul', [name('silu'), name('up')], [name('gated')]);
  const down = await weights.matrix([{ tensor: tensor('down'), rows: hidden }], feedForward);
  return addMatMul(graph, name('feed_forward'), name('gated'), down);
}

async function addHead(
  graph: GraphBuilder,
  architecture: Architecture,
  weights: WeightWriter,
  embedding: StoredMatrix,
  residual: Residual,
): Promise<void> {
  const { output } = await addNorm(graph, architecture, weights, residual, 'output_norm.weight', 'final_norm');
  const { tied, vocabulary, hidden } = architecture;
  const head = tied ? embedding : await weights.matrix([{ tensor: 'output.weight', rows: vocabulary }], hidden);
  graph.constant('last', 'int64', [], BigInt64Array.of(-1n));
  graph.node('Gather', [output, 'last'], ['last_hidden'], { axis: 1 });
  addMatMul(graph, 'logits', 'last_hidden', head);
}

/** y = x Wᵀ with W in 8-bit blocks; the result carries the operation's name. */
function addMatMul(
  graph: GraphBuilder,
  name: string,
  input: string,
  { rows, columns, values, scales, zeros }: StoredMatrix,
): string {
  const blocks = columns / BLOCK;
  graph.external(`${name}.weight`, 'uint8', [rows, blocks, BLOCK], values);
  graph.external(`${name}.scales`, 'float32', [rows * blocks], scales);
  graph.external(`${name}.zeros`, 'uint8', [rows * blocks], zeros);
  const attributes = { K: columns, N: rows, bits: 8, block_size: BLOCK, accuracy_level: INT8_ACTIVATIONS };
  graph.node(
    'MatMulNBits',
    [input, `${name}.weight`, `${name}.scales`, `${name}.zeros`],
    [name],
    attributes,
    MICROSOFT,
  );
  return name;
}
