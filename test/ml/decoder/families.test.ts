import { readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dequantize } from '../../../src/ml/compile/checkpoint/blocks/dequantize.ts';
import { ModelFileError } from '../../../src/ml/compile/compile.ts';
import type { GraphTarget } from '../../../src/ml/compile/graph-target.ts';
import { sumsAreExact } from '../../../src/ml/decoder/exactness.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { compileTiny, graphLogits, integers } from '../../support/models/graph-run.ts';
import type { HeaderValue } from '../../support/tiny/gguf-writer.ts';
import {
  type CheckpointTensor,
  families,
  type Family,
  type FloatType,
  writeGguf,
  writeSafetensors,
  writeSplitGguf,
} from '../../support/tiny/tiny-checkpoint.ts';
import { writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

const float: GraphTarget = { device: 'cpu', weights: 'float' };

/** The largest difference from the oracle's logits, as a share of their spread. */
async function worstDifference(source: string, { cases }: Family, target: GraphTarget): Promise<number> {
  const { graphPath } = await compileTiny(source, target);
  let worst = 0;
  for (const { ids, logits } of cases) {
    const found = await graphLogits(graphPath, ids);
    const spread = Math.max(...logits) - Math.min(...logits);
    logits.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - (found[i] ?? NaN)) / spread)));
  }
  return worst;
}

describe.each(Object.entries(families))('%s', (_, family) => {
  it('[MODEL9] computes transformers’ logits in fp32, from safetensors and from GGUF', async () => {
    const folder = await temporaryFolder();
    const sources = [
      await writeSafetensors(join(folder, 'one'), family.config),
      await writeSafetensors(join(folder, 'sharded'), family.config, { type: 'BF16', shards: 3 }),
      await writeGguf(join(folder, 'f32.gguf'), family.config),
    ];
    for (const source of sources) expect(await worstDifference(source, family, float)).toBeLessThan(1e-5);
  });

  it.each<[GraphTarget, number]>([
    [{ device: 'cpu', weights: 'int8' }, 0.03],
    [integers('unsmoothed'), 0.03],
    [integers('all'), 0.03],
    [{ device: 'cpu', weights: 'int4' }, 0.2],
    [{ device: 'cuda', weights: 'float' }, 0.002],
    [{ device: 'cuda', weights: 'int8' }, 0.03],
    [{ device: 'cuda', weights: 'int4' }, 0.2],
  ])('[MODEL9] approximates them with $device weights in $weights', async (target, bound) => {
    // Sums of integers are only used where they are exact.
    if (target.integers && !sumsAreExact(1)) return;
    const source = await writeSafetensors(await temporaryFolder(), family.config, { type: 'F16' });
    expect(await worstDifference(source, family, target)).toBeLessThan(bound);
  });
});

it.each(['F16', 'BF16'] as FloatType[])('reads GGUF in %s as in F32', async (type) => {
  const family = families.qwen2!;
  const source = await writeGguf(join(await temporaryFolder(), 'half.gguf'), family.config, type);
  expect(await worstDifference(source, family, float)).toBeLessThan(1e-5);
});

interface Quantised {
  type: number;
  elements: number;
  blocks: string;
  floats: string;
}
const quantised = JSON.parse(
  readFileSync(new URL('../../oracles/quantised-blocks.json', import.meta.url), 'utf8'),
) as Record<string, Quantised>;

it.each(Object.entries(quantised))(
  '[MODEL9] reads %s as llama.cpp’s own package does',
  (name, { type, elements, ...rest }) => {
    const bytes = Buffer.from(rest.floats, 'base64');
    const expected = Array.from({ length: elements }, (_, i) => bytes.readFloatLE(4 * i));
    const found = dequantize(type, Buffer.from(rest.blocks, 'base64'), elements, name);
    const largest = Math.max(...expected.map(Math.abs));
    expect(found).toHaveLength(elements);
    found.forEach((value, i) => expect(Math.abs(value - (expected[i] ?? NaN)) / largest).toBeLessThan(1e-6));
  },
);

describe('[MODEL9] a GGUF model that was split into several files', () => {
  const family = families.llama!;
  const split = async () => writeSplitGguf(join(await temporaryFolder(), 'parts'), family.config, 3);
  const [second, third] = ['model-00002-of-00003.gguf', 'model-00003-of-00003.gguf'] as const;

  it('computes what it does in one file', async () => {
    expect(await worstDifference(await split(), family, float)).toBeLessThan(1e-5);
  });

  it.each<[string, (parts: string) => Promise<unknown>, string, RegExp]>([
    ['a part alone', () => Promise.resolve(), second, /part 2 of the 3 .*add the folder/],
    ['a missing part', (parts) => rm(join(parts, third)), '', /model-00003-of-00003.gguf is not beside it/],
    [
      'a part twice',
      (parts) => copyFile(join(parts, second), join(parts, third)),
      '',
      /file 3 of 3 says that it is 2 of 3/,
    ],
  ])('[MODEL2] is refused with %s', async (_, spoil, opened, reason) => {
    const parts = await split();
    await spoil(parts);
    const error: unknown = await compileTiny(join(parts, opened)).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toHaveProperty('message', expect.stringMatching(reason));
  });
});

describe('a checkpoint that would be silently wrong', () => {
  const llama = families.llama!.config;
  const refusal = async (changes: object, change?: (tensors: CheckpointTensor[]) => CheckpointTensor[]) => {
    const source = await writeSafetensors(await temporaryFolder(), llama, { changes, ...(change && { change }) });
    return compileTiny(source).catch((error: unknown) => error);
  };

  it.each<[string, object, RegExp]>([
    [
      'another family',
      { model_type: 'mamba' },
      /the model type is "mamba", which is not supported; supported are llama, mistral/,
    ],
    ['experts by the family’s name', { model_type: 'qwen3_moe' }, /"qwen3_moe", a mixture of experts/],
    ['experts by their own name', { model_type: 'mixtral' }, /"mixtral", a mixture of experts: such models/],
    ['pictures', { model_type: 'gemma3' }, /"gemma3", which also reads pictures: take a GGUF file/],
    ['an unknown scaling of positions', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, /yarn/],
    ['scaling without its numbers', { rope_scaling: { rope_type: 'llama3', factor: 4 } }, /lacks low_freq_factor/],
    ['a sliding window', { use_sliding_window: true }, /use_sliding_window/],
    [
      'a window without a switch',
      { sliding_window: 32 },
      /attention to the last 32 of 512 tokens .* not supported in llama/,
    ],
    ['a head of its own that is not there', { tie_word_embeddings: false }, /there is no lm_head.weight/],
    ['one that is not there by default', { tie_word_embeddings: undefined }, /there is no lm_head.weight/],
    ['layers that slide', { layer_types: ['sliding_attention', 'full_attention'] }, /layer_types/],
    ['kinds of fewer layers than there are', { layer_types: ['full_attention'] }, /layer_types has 1 entries for 2/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act/],
    ['heads that are rotated in part', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    ['weights that were quantised', { quantization_config: { quant_method: 'gptq' } }, /quantization_config/],
    ['heads that do not divide', { num_key_value_heads: 3 }, /no multiple of 3/],
    ['sizes that are not the tensors’', { intermediate_size: 128 }, /ffn_gate.weight has the shape \[96, 64\]/],
    ['tokens without an embedding', { vocab_size: 264 }, /only 263 of 264 tokens/],
    ['fewer layers than tensors', { num_hidden_layers: 1 }, /no llama decoder uses: blk.1/],
    ['more layers than tensors', { num_hidden_layers: 3 }, /no tensor blk.2/],
  ])('[MODEL2] is refused: %s', async (_, changes, reason) => {
    const error = await refusal(changes);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toHaveProperty('message', expect.stringMatching(reason));
  });

  it('[MODEL2] is refused: weights that are not numbers, and weights of parts that the graph lacks', async () => {
    const broken = await refusal({}, (all) => {
      all[5]!.data[7] = NaN;
      return all;
    });
    expect(broken).toHaveProperty('message', expect.stringMatching(/contains values that are not numbers/));
    const gate = { name: 'model.layers.0.mlp.router.weight', shape: [2], data: new Float32Array(2) };
    expect(await refusal({}, (all) => [...all, gate])).toHaveProperty('message', expect.stringMatching(/router/));
  });

  it.each([
    ['a window that is switched off', { sliding_window: 32, use_sliding_window: false }],
    ['one as long as the context', { sliding_window: 512 }],
  ])('is not refused: %s', async (_, changes) => {
    expect(await refusal(changes)).toHaveProperty('shape');
  });

  it.each<[string, string, object, RegExp]>([
    [
      'an activation that Gemma lacks',
      'gemma2',
      { hidden_activation: 'gelu' },
      /hidden_act: "gelu" instead of "gelu_py/,
    ],
    ['texts that are read backwards', 'gemma3', { use_bidirectional_attention: true }, /use_bidirectional_attention/],
    ['LongRoPE without its factors', 'phi3', { rope_scaling: { type: 'su', factor: 4 } }, /lacks original_max/],
    ['heads that cannot be rotated in part', 'stablelm', { partial_rotary_factor: 0.25 }, /8 of a head's 32 elements/],
    ['parts side by side', 'stablelm', { use_parallel_residual: true }, /use_parallel_residual/],
    ['heads with norms of their own', 'stablelm', { qk_layernorm: true }, /qk_layernorm/],
    ['a norm without its epsilon', 'stablelm', { layer_norm_eps: undefined }, /there is no layer_norm_eps/],
    ['a norm that is not there', 'olmo2', { model_type: 'qwen3' }, /no tensor blk.0.attn_norm.weight/],
    ['parts of other sizes', 'phi3', { intermediate_size: 128 }, /ffn_up.weight has the shape \[192, 64\] .* 256 rows/],
  ])('[MODEL2] [MODEL9] is refused of another family: %s', async (_, family, changes, reason) => {
    const source = await writeSafetensors(await temporaryFolder(), families[family]!.config, { changes });
    const error: unknown = await compileTiny(source).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toHaveProperty('message', expect.stringMatching(reason));
  });

  it.each<[string, Record<string, HeaderValue>, RegExp]>([
    ['half a token’s window', { 'llama.attention.sliding_window': { float: 0.5 } }, /a window is 0\.5 tokens/],
    ['caps', { 'llama.attn_logit_softcapping': { float: 50 } }, /attn_logit_softcapping is 50, which is not supported/],
    ['experts', { 'llama.expert_count': 8 }, /llama\.expert_count is 8, a mixture of experts/],
    ['logits that are scaled', { 'llama.logit_scale': { float: 0.5 } }, /llama\.logit_scale is 0\.5/],
    ['what nobody knows', { 'llama.attention.novelty': 'yes' }, /llama\.attention\.novelty is "yes"/],
    ['one file of several', { 'split.count': 3, 'split.no': 1 }, /part 2 of the 3 .*llama-gguf-split --merge/],
  ])('[MODEL2] [MODEL9] is refused of a GGUF file: %s', async (_, metadata, reason) => {
    const path = join(await temporaryFolder(), 'tiny.gguf');
    await writeTinyGguf(path, { metadata });
    const error: unknown = await compileTiny(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toHaveProperty('message', expect.stringMatching(reason));
  });

  it('is not refused: a GGUF file that states the default', async () => {
    const path = join(await temporaryFolder(), 'tiny.gguf');
    const metadata = {
      ...{ 'llama.attention.sliding_window': 512, 'llama.expert_count': 0, 'llama.vocab_size': 263, 'split.count': 1 },
      ...{
        'llama.attention.scale': { float: 0.25 },
        'llama.attention.causal': true,
        'llama.logit_scale': { float: 1 },
      },
    };
    await writeTinyGguf(path, { metadata });
    expect(await compileTiny(path)).toHaveProperty('shape');
  });

  it('[MODEL18] computes with LongRoPE within the context of the training alone', async () => {
    const { config } = families['phi3-longrope']!;
    for (const source of [
      await writeSafetensors(await temporaryFolder(), config),
      await writeGguf(join(await temporaryFolder(), 'long.gguf'), config),
    ])
      expect(await compileTiny(source)).toHaveProperty('shape.contextTokens', 256);
  });

  it('is not refused: a tied head that is stored nevertheless', async () => {
    const head = { name: 'lm_head.weight', shape: [263, 64], data: new Float32Array(263 * 64) };
    const change = (all: CheckpointTensor[]) => [...all, head];
    const source = await writeSafetensors(await temporaryFolder(), llama, { change });
    expect(await worstDifference(source, families.llama!, float)).toBeLessThan(1e-5);
  });
});
