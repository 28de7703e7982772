import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniformAt } from '../../../src/lib/random.ts';
import { encodeGguf, type HeaderValue } from './gguf-writer.ts';
import { chatTemplate, merges, tinyTextHeader, tinyVocabulary } from './tiny-gguf.ts';

/** Models of each family and their logits by transformers: see test/oracles/checkpoints.py, which has the same weights. */
export const families = JSON.parse(
  readFileSync(new URL('../../oracles/checkpoints.json', import.meta.url), 'utf8'),
) as Record<string, Family>;

export interface Family {
  config: Config;
  cases: { ids: number[]; logits: number[] }[];
}

interface Config {
  model_type: string;
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim?: number;
  max_position_embeddings: number;
  rms_norm_eps: number;
  layer_norm_eps?: number;
  rope_theta: number;
  rope_scaling?: Record<string, number | string | number[]>;
  partial_rotary_factor?: number;
  original_max_position_embeddings?: number;
  tie_word_embeddings?: boolean;
  attention_bias?: boolean;
  sliding_window?: number | null;
  attn_logit_softcapping?: number;
  final_logit_softcapping?: number;
  embedding_multiplier?: number;
  attention_multiplier?: number;
  residual_multiplier?: number;
  logits_scaling?: number;
}

export interface CheckpointTensor {
  /** Hugging Face's. */
  name: string;
  /** Outermost dimension first. */
  shape: number[];
  data: Float32Array;
}

const isGemma = ({ model_type }: Config) => model_type.startsWith('gemma');
const isTied = (config: Config) => config.tie_word_embeddings ?? isGemma(config);
const headDimOf = (config: Config) => config.head_dim ?? config.hidden_size / config.num_attention_heads;

/** All weights of a family's model: pure functions of their names, exact in every float type. */
export function checkpointTensors(config: Config): CheckpointTensor[] {
  const { model_type, hidden_size: hidden, intermediate_size: feedForward, vocab_size: vocabulary } = config;
  const headDim = headDimOf(config);
  const [queries, keys] = [config.num_attention_heads * headDim, config.num_key_value_heads * headDim];
  const shapes: [string, number[]][] = [['model.embed_tokens.weight', [vocabulary, hidden]]];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const add = (part: string, ...shape: number[]) => shapes.push([`model.layers.${layer}.${part}`, shape]);
    if (model_type === 'phi3') {
      add('self_attn.qkv_proj.weight', queries + 2 * keys, hidden);
      add('mlp.gate_up_proj.weight', 2 * feedForward, hidden);
    } else {
      for (const [part, rows] of [['q', queries] as const, ['k', keys] as const, ['v', keys] as const]) {
        add(`self_attn.${part}_proj.weight`, rows, hidden);
        if (['qwen2', 'stablelm'].includes(model_type) || config.attention_bias)
          add(`self_attn.${part}_proj.bias`, rows);
      }
      for (const part of ['gate', 'up']) add(`mlp.${part}_proj.weight`, feedForward, hidden);
    }
    add('self_attn.o_proj.weight', hidden, queries);
    if (config.attention_bias) add('self_attn.o_proj.bias', hidden);
    for (const [part, width] of headNorms(config)) add(`self_attn.${part}_norm.weight`, width);
    add('mlp.down_proj.weight', hidden, feedForward);
    for (const norm of layerNorms(config)) {
      add(`${norm}_layernorm.weight`, hidden);
      if (model_type === 'stablelm') add(`${norm}_layernorm.bias`, hidden);
    }
  }
  shapes.push(['model.norm.weight', [hidden]]);
  if (model_type === 'stablelm') shapes.push(['model.norm.bias', [hidden]]);
  if (!isTied(config)) shapes.push(['lm_head.weight', [vocabulary, hidden]]);
  // Gemma's norms are stored less one.
  return shapes.map(([name, shape]) => ({ name, shape, data: weightsOf(name, shape, isGemma(config) ? 0 : 1) }));
}

function headNorms(config: Config): [string, number][] {
  const headDim = headDimOf(config);
  if (['qwen3', 'gemma3_text'].includes(config.model_type)) return ['q', 'k'].map((part) => [part, headDim]);
  if (config.model_type !== 'olmo2') return [];
  return [
    ['q', config.num_attention_heads * headDim],
    ['k', config.num_key_value_heads * headDim],
  ];
}

function layerNorms(config: Config): string[] {
  if (config.model_type === 'olmo2') return ['post_attention', 'post_feedforward'];
  if (isGemma(config)) return ['input', 'post_attention', 'pre_feedforward', 'post_feedforward'];
  return ['input', 'post_attention'];
}

function weightsOf(name: string, shape: readonly number[], normCentre: number): Float32Array {
  const seed = fnv1a(name);
  const scale = name === 'model.embed_tokens.weight' ? 1 : 2 ** Math.round(Math.log2(1.7 / Math.sqrt(shape.at(-1)!)));
  return Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => {
    const signed = Math.floor(uniformAt(seed, i) * 256) - 128;
    if (name.endsWith('norm.weight')) return normCentre + Math.floor(signed / 2) / 128;
    return name.endsWith('.bias') ? signed / 256 : (signed / 128) * scale;
  });
}

function fnv1a(text: string): number {
  return Buffer.from(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

export type FloatType = 'F32' | 'F16' | 'BF16';

/** The tokenizer and chat format of `tinyTextHeader`, in Hugging Face's form. */
export async function writeTinyText(folder: string): Promise<void> {
  const isControl = (id: number) => id < 3;
  const ids = tinyVocabulary.map((content, id) => ({ id, content }));
  const tokenizer = {
    added_tokens: ids.filter(({ id }) => isControl(id)).map((token) => ({ ...token, special: true })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(ids.map(({ id, content }) => [content, id])), merges },
  };
  const config = { bos_token: '<|im_start|>', eos_token: { content: '<|im_end|>' }, chat_template: chatTemplate };
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: [2, 0] }));
}

interface SafetensorsOptions {
  type?: FloatType;
  shards?: number;
  /** Entries of config.json that are not those of the weights. */
  changes?: object;
  change?: (tensors: CheckpointTensor[]) => CheckpointTensor[];
}

/** A folder as `save_pretrained` leaves it, in as many files as told. */
export async function writeSafetensors(
  folder: string,
  config: Config,
  { type = 'F32', shards = 1, changes = {}, change = (all) => all }: SafetensorsOptions = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
  await writeTinyText(folder);
  const tensors = change(checkpointTensors(config));
  if (shards === 1) {
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors, type));
    return folder;
  }
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const own = tensors.filter((_, i) => i % shards === shard);
    const name = `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    for (const tensor of own) weightMap[tensor.name] = name;
    await writeFile(join(folder, name), encodeSafetensors(own, type));
  }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  return folder;
}

export function encodeSafetensors(tensors: readonly CheckpointTensor[], type: FloatType): Buffer {
  const data = tensors.map((tensor) => encodeFloats(tensor.data, type));
  let offset = 0;
  const entries = tensors.map(({ name, shape }, i) => {
    const data_offsets = [offset, (offset += data[i]!.length)];
    return [name, { dtype: type, shape, data_offsets }] as const;
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...data]);
}

export function encodeFloats(values: Float32Array, type: FloatType): Buffer {
  if (type === 'F32') return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const out = Buffer.alloc(values.length * 2);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  bits.forEach((word, i) => out.writeUInt16LE(type === 'BF16' ? word >>> 16 : exactFloat16(word), i * 2));
  return out;
}

/** Of floats that a float16 can hold as they are. */
function exactFloat16(word: number): number {
  if ((word & 0x7fffffff) === 0) return word >>> 16;
  return ((word >>> 16) & 0x8000) | ((((word >>> 23) & 255) - 112) << 10) | ((word >>> 13) & 0x3ff);
}

const ggmlTypes: Record<FloatType, number> = { F32: 0, F16: 1, BF16: 30 };
const parts: Record<string, string> = {
  input_layernorm: 'attn_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
  'self_attn.qkv_proj': 'attn_qkv',
  'mlp.gate_up_proj': 'ffn_up',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** The same model as llama.cpp's converter would write it: vectors always in F32. */
export async function writeGguf(path: string, config: Config, type: FloatType = 'F32'): Promise<string> {
  const { header, tensors } = ggufOf(config, type);
  await writeFile(path, encodeGguf(header, tensors));
  return path;
}

/** The same in several files, whose names begin with `model`. @returns the folder */
export async function writeSplitGguf(folder: string, config: Config, parts: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const { header, tensors } = ggufOf(config, 'F32');
  for (let part = 0; part < parts; part++) {
    const own = tensors.filter((_, i) => i % parts === part);
    const split = { 'split.no': part, 'split.count': parts };
    const name = `model-0000${part + 1}-of-0000${parts}.gguf`;
    await writeFile(join(folder, name), encodeGguf(part === 0 ? { ...header, ...split } : split, own));
  }
  return folder;
}

function ggufOf(config: Config, type: FloatType) {
  const tensors = checkpointTensors(config).map(({ name, shape, data }) => {
    const permuted = isInterleaved(config) && /[qk]_proj/.test(name);
    const heads = name.includes('q_proj') ? config.num_attention_heads : config.num_key_value_heads;
    const whole = isGemma(config) && name.endsWith('norm.weight') ? data.map((value) => value + 1) : data;
    const values = permuted ? interleave(whole, shape, heads) : whole;
    const stored = shape.length === 1 ? 'F32' : type;
    const encoded = { type: ggmlTypes[stored], bytes: encodeFloats(values, stored) };
    return { name: ggufName(name, config), shape: shape.toReversed(), ...encoded };
  });
  for (const [name, factors] of Object.entries(ropeFactors(config))) {
    const bytes = encodeFloats(Float32Array.from(factors), 'F32');
    tensors.push({ name, shape: [factors.length], type: 0, bytes });
  }
  return { header: { ...ggufHeader(config), ...tinyTextHeader() }, tensors };
}

function isInterleaved({ model_type }: Config): boolean {
  return ['llama', 'mistral', 'smollm3', 'granite'].includes(model_type);
}

/** Names that converters give families, where they differ. */
const ggufFamilies: Readonly<Record<string, string>> = { mistral: 'llama', gemma3_text: 'gemma3' };

function ggufHeader(config: Config): Record<string, HeaderValue> {
  const family = ggufFamilies[config.model_type] ?? config.model_type;
  const headDim = headDimOf(config);
  const scaling = config.rope_scaling;
  const normKey = config.layer_norm_eps === undefined ? 'layer_norm_rms_epsilon' : 'layer_norm_epsilon';
  const entries: Record<string, HeaderValue> = {
    block_count: config.num_hidden_layers,
    context_length: config.max_position_embeddings,
    embedding_length: config.hidden_size,
    feed_forward_length: config.intermediate_size,
    'attention.head_count': config.num_attention_heads,
    'attention.head_count_kv': config.num_key_value_heads,
    [`attention.${normKey}`]: { float: config.layer_norm_eps ?? config.rms_norm_eps },
    'attention.key_length': headDim,
    'attention.value_length': headDim,
    'rope.dimension_count': headDim * (config.partial_rotary_factor ?? 1),
    'rope.freq_base': { float: config.rope_theta },
    ...(scaling?.rope_type === 'linear' && {
      'rope.scaling.type': 'linear',
      'rope.scaling.factor': { float: Number(scaling.factor) },
    }),
    ...(config.sliding_window && { 'attention.sliding_window': config.sliding_window }),
    ...(family === 'stablelm' && { use_parallel_residual: false }),
    ...longRopeEntries(config),
    ...floatEntries(config),
  };
  const named = Object.entries(entries).map(([key, value]) => [`${family}.${key}`, value]);
  return { 'general.architecture': family, ...Object.fromEntries(named) } as Record<string, HeaderValue>;
}

function longRopeEntries(config: Config): Record<string, HeaderValue> {
  const trained = config.original_max_position_embeddings;
  if (trained === undefined) return {};
  const magnitude = Math.sqrt(1 + Math.log(config.max_position_embeddings / trained) / Math.log(trained));
  return {
    'rope.scaling.original_context_length': trained,
    'rope.scaling.attn_factor': { float: magnitude },
  };
}

function floatEntries(config: Config): Record<string, HeaderValue> {
  const entries = {
    attn_logit_softcapping: config.attn_logit_softcapping,
    final_logit_softcapping: config.final_logit_softcapping,
    embedding_scale: config.embedding_multiplier,
    'attention.scale': config.attention_multiplier,
    residual_scale: config.residual_multiplier,
    logit_scale: config.logits_scaling,
  };
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, float]) => (float === undefined ? [] : [[key, { float }]])),
  );
}

function ggufName(name: string, config: Config): string {
  const [, outer = '', outerKind] = /^(.+)\.(\w+)$/.exec(name) ?? [];
  const fixed: Record<string, string> = {
    'model.embed_tokens': 'token_embd',
    'model.norm': 'output_norm',
    lm_head: 'output',
  };
  if (fixed[outer]) return `${fixed[outer]}.${outerKind}`;
  const [, layer, part = '', kind] = /^model\.layers\.(\d+)\.(.+)\.(\w+)$/.exec(name) ?? [];
  // Where what is added is normalised too, the same name stands for that.
  const isAfter = part === 'post_attention_layernorm' && layerNorms(config).includes('post_feedforward');
  return `blk.${layer}.${isAfter ? 'post_attention_norm' : parts[part]}.${kind}`;
}

/** Row i of a head's first half goes to 2i, of its second half to 2i + 1. */
function interleave(data: Float32Array, [rows = 0, columns = 1]: readonly number[], heads: number): Float32Array {
  const half = rows / heads / 2;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const within = row % (2 * half);
    const target = row - within + (within % half) * 2 + Math.floor(within / half);
    out.set(data.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return out;
}

/** What the converter makes of Llama 3's scaling, in its words, and of LongRoPE's: each frequency's factor. */
function ropeFactors(config: Config): Record<string, ArrayLike<number>> {
  const scaling = config.rope_scaling;
  if (scaling?.type === 'longrope')
    return {
      'rope_factors_short.weight': scaling.short_factor as number[],
      'rope_factors_long.weight': scaling.long_factor as number[],
    };
  if (scaling?.rope_type !== 'llama3') return {};
  const get = (key: string) => Number(scaling[key]);
  const [low, high, old] = [get('low_freq_factor'), get('high_freq_factor'), get('original_max_position_embeddings')];
  const headDim = headDimOf(config);
  const factors = Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * config.rope_theta ** ((2 * i) / headDim);
    if (wavelength < old / high) return 1;
    if (wavelength > old / low) return get('factor');
    const smooth = (old / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / get('factor') + smooth);
  });
  return { 'rope_freqs.weight': factors };
}
