import type { Architecture } from '../checkpoint/architecture.ts';
import { toFloat16 } from '../checkpoint/floats.ts';
import { ModelFileError } from '../checkpoint/model-file-error.ts';
import type { GraphFormats } from '../graph-target.ts';
import type { DataFile } from '../onnx/data-file.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { StoredMatrix, TensorSource, WeightWriter } from '../weights.ts';
import { addAttention, queryKeyValue } from './attention.ts';
import { addFeedForward, gateAndUp } from './feed-forward.ts';
import { addHead } from './head.ts';
import { IntegerProducts } from './integer-products.ts';
import { addGather } from './linear.ts';
import { type Making, named } from './making.ts';
import { addNorm, addPending, type Residual } from './norms.ts';
import { addRotaries } from './rotary.ts';

export interface GraphSource {
  architecture: Architecture;
  weights: WeightWriter;
  formats: GraphFormats;
  data: DataFile;
  /** The data file's name, in the graph's folder. */
  dataFile: string;
}

/**
 * A Llama-type decoder (Touvron et al. 2023) as one graph. What sets its relatives apart is in the architecture, except
 * for biases, which are there when the checkpoint has them. Rows of a batch may have different lengths; keys and values are read
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
  await addRotaries(graph, architecture, data, formats.element);
  const { vocabulary, hidden } = architecture;
  const embedding = await weights.matrix(
    [{ tensor: 'token_embd.weight', rows: vocabulary }],
    hidden,
    formats.embedding,
  );
  const embedded = addEmbedding(making, embedding);
  let residual: Residual = { sum: integers?.flat(embedded, hidden) ?? embedded, addend: null };
  for (let layer = 0; layer < architecture.layers; layer++) residual = await addLayer(making, layer, residual);
  await addHead(making, embedding, residual);
  refuseUnused(architecture, weights);
  return graph.encode();
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

function addEmbedding({ graph, architecture, formats }: Making, matrix: StoredMatrix): string {
  const { embeddingScale: scale } = architecture;
  const { element } = formats;
  if (scale === 1) return addGather(graph, { name: 'embedded', input: 'input_ids', matrix, element });
  addGather(graph, { name: 'gathered', input: 'input_ids', matrix, element });
  const value = Float32Array.of(scale);
  graph.constant('embedding_scale', element, [], element === 'float32' ? value : toFloat16(value));
  graph.node('Mul', ['gathered', 'embedding_scale'], ['embedded']);
  return 'embedded';
}

async function addLayer(making: Making, layer: number, entering: Residual): Promise<Residual> {
  const between = await addPart(making, entering, {
    name: `layer.${layer}.attention`,
    before: `blk.${layer}.attn_norm`,
    after: `blk.${layer}.post_attention_norm`,
    readers: queryKeyValue(making.architecture, layer),
    add: (input, norm) => addAttention(making, layer, input, norm),
  });
  return addPart(making, between, {
    name: `layer.${layer}.feed_forward`,
    before: `blk.${layer}.ffn_norm`,
    after: `blk.${layer}.post_ffw_norm`,
    readers: gateAndUp(making.architecture, layer),
    add: (input, norm) => addFeedForward(making, layer, input, norm),
  });
}

/** What a layer adds to the stream. */
interface Part {
  name: string;
  /** Its norms in the checkpoint. */
  before: string;
  after: string;
  /** What reads its input. */
  readers: readonly TensorSource[];
  /** @param norm the checkpoint's name of the norm that the input comes from, if it does */
  add: (input: string, norm: string | null) => Promise<string>;
}

async function addPart(making: Making, entering: Residual, part: Part): Promise<Residual> {
  const { name, add } = part;
  const { normPlaces, hidden } = making.architecture;
  if (normPlaces === 'after') {
    const sum = addPending(making, entering, `${name}_input`);
    return { sum, addend: await addNormAfter(making, part, await add(sum, null)) };
  }
  const norm = `${part.before}.weight`;
  await making.integers?.smooth(norm, named(part.readers, 'weight'), hidden);
  const normed = await addNorm(making, entering, { tensor: part.before, name: `${name}_norm` });
  const addend = await add(normed.output, norm);
  return { sum: normed.sum, addend: normPlaces === 'around' ? await addNormAfter(making, part, addend) : addend };
}

async function addNormAfter(making: Making, { name, after }: Part, sum: string): Promise<string> {
  const { output } = await addNorm(making, { sum, addend: null }, { tensor: after, name: `${name}_normed` });
  return output;
}

/** An unused weight belongs to a computation that this graph lacks, so texts would be silently wrong. */
function refuseUnused({ architecture }: Architecture, { unused }: WeightWriter): void {
  const [first] = unused;
  if (first === undefined) return;
  const others = unused.size > 1 ? ` and ${unused.size - 1} others` : '';
  throw new ModelFileError(`the checkpoint has weights that no ${architecture} decoder uses: ${first}${others}`);
}
