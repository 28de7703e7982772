import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Architecture, checkConsistent } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readConfig } from './hugging-face-config.ts';
import { readJsonFile } from './json-file.ts';
import { ModelFileError } from './model-file-error.ts';
import { SafetensorsFile } from './safetensors.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const shardName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/, 'must be a plain file name');
const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });
/** Maximum number of files of a checkpoint. */
const MAX_SHARDS = 1_000;

/** The names of a layer's parts in GGUF and in Hugging Face's files. */
const partNames: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const parts = new Map(Object.entries(partNames).map(([ours, theirs]) => [theirs, ours]));
const HEAD = 'lm_head.weight';

/** @throws ModelFileError if a file is missing, truncated, corrupt or of an unsupported kind */
export async function openSafetensorsCheckpoint(folder: string): Promise<Checkpoint> {
  const configured = await readConfig(folder);
  const shards = await openShards(folder);
  const close = async () => {
    for (const shard of shards) await shard[Symbol.asyncDispose]();
  };
  try {
    const found = tensorsByName(shards, configured.tied);
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
    return {
      architecture,
      names: new Set(found.keys()),
      shapeOf: (name) => tensor(name).shape,
      rows: (name, from, to) => tensor(name).rows(from, to),
      [Symbol.asyncDispose]: close,
    };
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
function tensorsByName(shards: readonly SafetensorsFile[], tied: boolean): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const shard of shards) {
    for (const [name, { shape }] of shard.tensors) {
      if ((tied && name === HEAD) || name.endsWith('.rotary_emb.inv_freq')) continue;
      tensors.set(ggufName(name), { shape, rows: (from, to) => shard.rows(name, from, to) });
    }
  }
  return tensors;
}

/** An unknown name is kept, and the compiler will report the tensor as unused. */
function ggufName(name: string): string {
  if (name === 'model.embed_tokens.weight') return 'token_embd.weight';
  if (name === 'model.norm.weight') return 'output_norm.weight';
  if (name === HEAD) return 'output.weight';
  const [, layer, part = '', kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const ours = parts.get(part);
  return ours === undefined ? name : `blk.${layer}.${ours}.${kind}`;
}
