import { writeFile } from 'node:fs/promises';
import { randomStream } from '../../../src/lib/random.ts';
import { encodeGguf, type HeaderValue } from './gguf-writer.ts';

export interface TinyModel {
  seed?: number;
  /** Changes or, with undefined, removes header entries. */
  metadata?: Record<string, HeaderValue | undefined>;
  tied?: boolean;
}

const shape = { hidden: 64, heads: 4, kvHeads: 2, headDim: 16, feedForward: 96, layers: 2, context: 512 };

export const chatTemplate =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The printable stand-ins that byte-level BPE uses for the 256 bytes (Radford et al. 2019). */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

export const tinyVocabulary = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  ...byteCharacters(),
  'he',
  'll',
  'hell',
  'Ġt',
];
export const merges = ['h e', 'l l', 'he ll', 'Ġ t'];

/**
 * A Llama-type model of 0.2 million random weights with a byte-level tokenizer: it says nothing, but deterministically, and
 * goes through every part that a real one does.
 */
export async function writeTinyGguf(
  path: string,
  { seed = 1, metadata = {}, tied = true }: TinyModel = {},
): Promise<void> {
  const header: Record<string, HeaderValue | undefined> = { ...tinyHeader(), ...metadata };
  await writeFile(path, encodeGguf(header, tinyTensors(seed, tied).map(asFloat32)));
}

function asFloat32({ data, ...tensor }: TinyTensor) {
  return { ...tensor, type: 0, bytes: new Uint8Array(data.buffer) };
}

function tinyHeader(): Record<string, HeaderValue> {
  return {
    'general.architecture': 'llama',
    'general.name': 'Tiny',
    'llama.block_count': shape.layers,
    'llama.context_length': shape.context,
    'llama.embedding_length': shape.hidden,
    'llama.feed_forward_length': shape.feedForward,
    'llama.attention.head_count': shape.heads,
    'llama.attention.head_count_kv': shape.kvHeads,
    'llama.attention.layer_norm_rms_epsilon': { float: 1e-5 },
    'llama.rope.dimension_count': shape.headDim,
    'llama.rope.freq_base': { float: 10_000 },
    ...tinyTextHeader(),
  };
}

/** Tokenizer and chat format. */
export function tinyTextHeader(): Record<string, HeaderValue> {
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': tinyVocabulary,
    'tokenizer.ggml.token_type': Int32Array.from(tinyVocabulary, (_, id) => (id < 3 ? 3 : 1)),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.unknown_token_id': 0,
    'tokenizer.ggml.padding_token_id': 2,
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.ggml.add_space_prefix': false,
    'tokenizer.chat_template': chatTemplate,
  };
}

export interface TinyTensor {
  name: string;
  /** Innermost dimension first, as in the file. */
  shape: number[];
  data: Float32Array;
}

/** All weights in fp32, near-normal, scaled so that activations stay near 1. */
export function tinyTensors(seed: number, tied: boolean): TinyTensor[] {
  const random = randomStream(seed);
  const normalish = () => random() + random() + random() + random() - 2;
  const matrix = (name: string, columns: number, rows: number, gain = 1): TinyTensor => {
    const scale = (gain * Math.sqrt(3)) / Math.sqrt(columns);
    return {
      name,
      shape: [columns, rows],
      data: Float32Array.from({ length: columns * rows }, () => normalish() * scale),
    };
  };
  const norm = (name: string): TinyTensor => ({
    name,
    shape: [shape.hidden],
    data: Float32Array.from({ length: shape.hidden }, () => 0.75 + random() / 2),
  });
  const { hidden, heads, kvHeads, headDim, feedForward, layers } = shape;
  const layer = (i: number): TinyTensor[] => [
    norm(`blk.${i}.attn_norm.weight`),
    matrix(`blk.${i}.attn_q.weight`, hidden, heads * headDim),
    matrix(`blk.${i}.attn_k.weight`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_v.weight`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_output.weight`, heads * headDim, hidden),
    norm(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.ffn_gate.weight`, hidden, feedForward),
    matrix(`blk.${i}.ffn_up.weight`, hidden, feedForward),
    matrix(`blk.${i}.ffn_down.weight`, feedForward, hidden),
  ];
  return [
    matrix('token_embd.weight', hidden, tinyVocabulary.length, 4),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    norm('output_norm.weight'),
    ...(tied ? [] : [matrix('output.weight', hidden, tinyVocabulary.length, 4)]),
  ];
}
