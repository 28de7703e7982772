import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GraphBuilder, MICROSOFT } from '../../../src/ml/compile/onnx/graph-builder.ts';
import { type CheckpointTensor, checkpointTensors, type Family, writeTinyText } from './tiny-checkpoint.ts';

type Config = Family['config'];

export interface ExportOptions {
  /** Within the folder. */
  file?: string;
  /** Entries of config.json that are not those of the graph. */
  changes?: object;
  /** The graph takes position_ids and goes by them; otherwise it counts the mask. */
  positionIds?: boolean;
  /** The weights lie in a file beside the graph, as those of larger exports do. */
  external?: boolean;
}

/**
 * A plain Llama with a growing past in Hugging Face's layout, as their exporters leave it: attention_mask says how long
 * each row is. The weights are those of test/oracles/checkpoints.py.
 */
export async function writeExport(
  folder: string,
  config: Config,
  { file = 'onnx/model.onnx', changes = {}, positionIds = false, external = false }: ExportOptions = {},
): Promise<string> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
  await writeTinyText(folder);
  const dataFile = `${basename(file)}_data`;
  const graph = new GraphBuilder(dataFile);
  const tensors = checkpointTensors(config);
  if (external) {
    const addRange = ({ name, shape, data }: CheckpointTensor, offset: number) =>
      graph.external(name, 'float32', shape, { offset, length: data.byteLength });
    let end = 0;
    for (const tensor of tensors) addRange(tensor, (end += tensor.data.byteLength) - tensor.data.byteLength);
    const all = Buffer.concat(tensors.map(({ data }) => new Uint8Array(data.buffer)));
    await writeFile(join(folder, dirname(file), dataFile), all);
  } else {
    for (const { name, shape, data } of tensors) graph.constant(name, 'float32', shape, data);
  }
  addGraph(graph, config, positionIds);
  await writeFile(join(folder, file), graph.encode());
  return folder;
}

function addGraph(graph: GraphBuilder, config: Config, positionIds: boolean): void {
  declareInterface(graph, config, positionIds);
  addLengths(graph);
  addRotary(graph, config);
  graph.node('Gather', ['model.embed_tokens.weight', 'input_ids'], ['stream.0'], { axis: 0 });
  for (let layer = 0; layer < config.num_hidden_layers; layer++) addLayer(graph, config, layer, positionIds);
  norm(graph, config, `stream.${config.num_hidden_layers}`, 'model.norm', 'final');
  matMul(graph, 'final', 'model.embed_tokens', 'logits');
}

function declareInterface(graph: GraphBuilder, config: Config, positionIds: boolean): void {
  const headDim = config.hidden_size / config.num_attention_heads;
  graph.input({ name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] });
  graph.input({ name: 'attention_mask', type: 'int64', dims: ['batch', 'total'] });
  if (positionIds) graph.input({ name: 'position_ids', type: 'int64', dims: ['batch', 'sequence'] });
  graph.output({ name: 'logits', type: 'float32', dims: ['batch', 'sequence', config.vocab_size] });
  const dims = (length: string) => ['batch', config.num_key_value_heads, length, headDim];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    for (const part of ['key', 'value']) {
      graph.input({ name: `past_key_values.${layer}.${part}`, type: 'float32', dims: dims('past') });
      graph.output({ name: `present.${layer}.${part}`, type: 'float32', dims: dims('total') });
    }
  }
}

/** What the attention operator wants to know, from the mask. */
function addLengths(graph: GraphBuilder): void {
  const [int32, second] = [6, BigInt64Array.of(1n)];
  graph.constant('one', 'int64', [1], second);
  graph.node('ReduceSum', ['attention_mask', 'one'], ['lengths'], { keepdims: 0 });
  graph.node('Sub', ['lengths', 'one'], ['lasts']);
  graph.node('Cast', ['lasts'], ['seqlens_k'], { to: int32 });
  graph.node('Shape', ['attention_mask'], ['mask_shape']);
  graph.constant('second', 'int64', [], second);
  graph.node('Gather', ['mask_shape', 'second'], ['total'], { axis: 0 });
  graph.node('Cast', ['total'], ['total_sequence_length'], { to: int32 });
}

function addRotary(graph: GraphBuilder, config: Config): void {
  const half = config.hidden_size / config.num_attention_heads / 2;
  const positions = config.max_position_embeddings;
  const angle = (i: number) => Math.floor(i / half) / config.rope_theta ** ((i % half) / half);
  const table = (wave: (angle: number) => number) =>
    Float32Array.from({ length: positions * half }, (_, i) => wave(angle(i)));
  graph.constant('cos', 'float32', [positions, half], table(Math.cos));
  graph.constant('sin', 'float32', [positions, half], table(Math.sin));
}

function addLayer(graph: GraphBuilder, config: Config, layer: number, positionIds: boolean): void {
  const weight = (part: string) => `model.layers.${layer}.${part}`;
  const name = (part: string) => `layer.${layer}.${part}`;
  norm(graph, config, `stream.${layer}`, weight('input_layernorm'), name('normed'));
  for (const part of ['q', 'k', 'v']) matMul(graph, name('normed'), weight(`self_attn.${part}_proj`), name(part));
  const heads = { num_heads: config.num_attention_heads, kv_num_heads: config.num_key_value_heads };
  const rotated = (part: string, num_heads: number) => {
    if (!positionIds) return name(part);
    const inputs = [name(part), 'position_ids', 'cos', 'sin'];
    graph.node('RotaryEmbedding', inputs, [name(`${part}r`)], { num_heads, interleaved: 0 }, MICROSOFT);
    return name(`${part}r`);
  };
  const inputs = [rotated('q', heads.num_heads), rotated('k', heads.kv_num_heads), name('v')];
  const past = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`, 'seqlens_k', 'total_sequence_length'];
  const outputs = [name('attended'), `present.${layer}.key`, `present.${layer}.value`];
  const attributes = { ...heads, do_rotary: Number(!positionIds) };
  const tables = positionIds ? [] : ['cos', 'sin'];
  graph.node('GroupQueryAttention', [...inputs, ...past, ...tables], outputs, attributes, MICROSOFT);
  matMul(graph, name('attended'), weight('self_attn.o_proj'), name('attention'));
  graph.node('Add', [`stream.${layer}`, name('attention')], [name('between')]);
  norm(graph, config, name('between'), weight('post_attention_layernorm'), name('ready'));
  for (const part of ['gate', 'up']) matMul(graph, name('ready'), weight(`mlp.${part}_proj`), name(part));
  graph.node('Sigmoid', [name('gate')], [name('sigmoid')]);
  graph.node('Mul', [name('gate'), name('sigmoid')], [name('silu')]);
  graph.node('Mul', [name('silu'), name('up')], [name('gated')]);
  matMul(graph, name('gated'), weight('mlp.down_proj'), name('down'));
  graph.node('Add', [name('between'), name('down')], [`stream.${layer + 1}`]);
}

function norm(graph: GraphBuilder, config: Config, input: string, weight: string, output: string): void {
  const attributes = { axis: -1, epsilon: { float: config.rms_norm_eps }, stash_type: 1 };
  graph.node('SimplifiedLayerNormalization', [input, `${weight}.weight`], [output], attributes);
}

function matMul(graph: GraphBuilder, input: string, weight: string, output: string): void {
  graph.node('FusedMatMul', [input, `${weight}.weight`], [output], { transB: 1 }, MICROSOFT);
}
