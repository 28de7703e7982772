import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Architecture, checkConsistent } from '../architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { ModelFileError } from '../model-file-error.ts';
import { unpacked } from '../unpacked.ts';
import { type ConfiguredArchitecture, readConfig } from './hugging-face-config.ts';
import { readJsonFile } from './json-file.ts';
import { SafetensorsFile } from './safetensors.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const shardName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/, 'must be a plain file name');
const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });
/** Maximum number of files of a checkpoint. */
const MAX_SHARDS = 1_000;

/** The names of a layer's parts in GGUF and in Hugging Face's files. */
const partNames: Readonly<Record<string, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
/** Of its norms, by where they are. The same name stands for different norms there. */
const normNames: Readonly<Record<Architecture['normPlaces'], Readonly<Record<string, string>>>> = {
  before: { attn_norm: 'input_layernorm', ffn_norm: 'post_attention_layernorm' },
  after: { post_attention_norm: 'post_attention_layernorm', post_ffw_norm: 'post_feedforward_layernorm' },
  around: {
    attn_norm: 'input_layernorm',
    post_attention_norm: 'post_attention_layernorm',
    ffn_norm: 'pre_feedforward_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  },
};
/** Packed gates and ups have the name of the ups in GGUF. */
const packedNames = { attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' };
const HEAD = 'lm_head.weight';

/** @throws ModelFileError if a file is missing, truncated, corrupt or of an unsupported kind */
export async function openSafetensorsCheckpoint(folder: string): Promise<Checkpoint> {
  const configured = await readConfig(folder);
  const shards = await openShards(folder);
  const close = async () => {
    for (const shard of shards) await shard[Symbol.asyncDispose]();
  };
  try {
    const found = tensorsByName(shards, configured);
    const tensor = (name: string) => {
      const stored = found.get(name);
      if (!stored) throw new ModelFileError(`the checkpoint has no tensor ${name}`);
      return stored;
    };
    const architecture: Architecture = {
      ...configured,
      vocabulary: tensor('token_embd.weight').shape[0] ?? 0,
      parameters: [...found.values()].reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0),
    };
    if (!architecture.tied && !found.has('output.weight'))
      throw new ModelFileError(`config.json says that the head is not the embedding, but there is no ${HEAD}`);
    checkConsistent(architecture);
    if (configured.vocabulary > architecture.vocabulary)
      throw new ModelFileError(`only ${architecture.vocabulary} of ${configured.vocabulary} tokens have an embedding`);
    const checkpoint = {
      architecture,
      names: new Set(found.keys()),
      shapeOf: (name: string) => tensor(name).shape,
      rows: (name: string, from: number, to: number) => tensor(name).rows(from, to),
      [Symbol.asyncDispose]: close,
    };
    return architecture.isPacked ? unpacked(checkpoint) : checkpoint;
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShards(folder: string): Promise<SafetensorsFile[]> {
  const names = await shardNames(folder);
  const shards: SafetensorsFile[] = [];
  try {
    for (const name of names) shards.push(await SafetensorsFile.open(join(folder, name)));
    return shards;
  } catch (error) {
    for (const shard of shards) await shard[Symbol.asyncDispose]();
    throw error;
  }
}

async function shardNames(folder: string): Promise<string[]> {
  if (!(await stat(join(folder, INDEX)).catch(() => null))) return [SINGLE_FILE];
  const { weight_map } = await readJsonFile(join(folder, INDEX), indexSchema);
  const names = [...new Set(Object.values(weight_map))];
  if (names.length > MAX_SHARDS) throw new ModelFileError(`${INDEX} names ${names.length} files`);
  return names;
}

interface StoredTensor {
  shape: readonly number[];
  rows: (from: number, to: number) => Promise<Float32Array>;
}

/** All tensors by GGUF's names. A tied head that is stored nevertheless is a copy of the embedding. */
function tensorsByName(
  shards: readonly SafetensorsFile[],
  configured: ConfiguredArchitecture,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const nameOf = namer(configured);
  for (const shard of shards) {
    for (const [name, { shape }] of shard.tensors) {
      if ((configured.tied && name === HEAD) || name.endsWith('.rotary_emb.inv_freq')) continue;
      const rows = (from: number, to: number) => shard.rows(name, from, to);
      const isBelowOne = lessOne.includes(configured.architecture) && name.endsWith('norm.weight');
      tensors.set(nameOf(name), { shape, rows: isBelowOne ? plusOne(rows) : rows });
    }
  }
  return tensors;
}

/** Families whose norms' weights are stored less one. GGUF has them whole. */
const lessOne = ['gemma2', 'gemma3'];

function plusOne(rows: StoredTensor['rows']): StoredTensor['rows'] {
  return async (from, to) => (await rows(from, to)).map((value) => value + 1);
}

/** An unknown name is kept, and the compiler will report the tensor as unused. */
function namer({ isPacked, normPlaces }: ConfiguredArchitecture): (name: string) => string {
  const names = { ...partNames, ...(isPacked && packedNames), ...normNames[normPlaces] };
  const parts = new Map(Object.entries(names).map(([ours, theirs]) => [theirs, ours]));
  return (name) => {
    const [, tensor = '', kind] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (Object.hasOwn(outerNames, tensor)) return `${outerNames[tensor]}.${kind}`;
    const [, layer, part = ''] = /^model\.layers\.(\d+)\.(.+)$/.exec(tensor) ?? [];
    const ours = parts.get(part);
    return ours === undefined ? name : `blk.${layer}.${ours}.${kind}`;
  };
}

/** Of what is in no layer. */
const outerNames: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};
