import { join } from 'node:path';
import { z } from 'zod';
import { type Architecture, LIMITS } from './architecture.ts';
import { readJsonFile } from './json-file.ts';
import { ModelFileError } from './model-file-error.ts';

const families = ['llama', 'qwen2', 'qwen3', 'smollm3'] as const;

const size = (max: number) => z.int().min(1).max(max);
/** Newer files name it `rope_parameters` and include the base. */
const ropeSchema = z
  .object({
    rope_type: z.string(),
    type: z.string(),
    rope_theta: z.number(),
    factor: z.number().positive(),
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: z.number().positive(),
  })
  .partial();

const configSchema = z.object({
  model_type: z.enum(families, { error: `the model type is not supported; supported are ${families.join(', ')}` }),
  vocab_size: size(LIMITS.vocabulary),
  num_hidden_layers: size(LIMITS.layers),
  num_attention_heads: size(LIMITS.heads),
  num_key_value_heads: size(LIMITS.heads).nullish(),
  head_dim: size(LIMITS.hidden).nullish(),
  hidden_size: size(LIMITS.hidden),
  intermediate_size: size(LIMITS.feedForward),
  max_position_embeddings: size(LIMITS.context),
  rms_norm_eps: z.number().positive(),
  hidden_act: z.literal('silu').default('silu'),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  partial_rotary_factor: z.literal(1).nullish(),
  tie_word_embeddings: z.boolean().optional(),
  use_sliding_window: z.literal(false).nullish(),
  sliding_window: z.int().positive().nullish(),
  layer_types: z.array(z.literal('full_attention')).nullish(),
  /** 1: the layer is rotated. */
  no_rope_layers: z.array(z.int()).max(LIMITS.layers).nullish(),
  no_rope_layer_interval: z.int().positive().optional(),
  quantization_config: z.null().optional(),
});
type Config = z.output<typeof configSchema>;

/** A checkpoint's configuration in config.json. The number of parameters is known only from the tensors. */
export type ConfiguredArchitecture = Omit<Architecture, 'parameters'>;

/** @throws ModelFileError for a family or a variant that the compiler does not support */
export async function readConfig(folder: string): Promise<ConfiguredArchitecture> {
  const config = await readJsonFile(join(folder, 'config.json'), configSchema);
  checkWindow(config);
  const headDim = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const rope = config.rope_parameters ?? config.rope_scaling ?? {};
  const ropeBase = config.rope_theta ?? rope.rope_theta ?? 10_000;
  return {
    architecture: config.model_type,
    vocabulary: config.vocab_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headDim,
    hidden: config.hidden_size,
    contextTokens: config.max_position_embeddings,
    feedForward: config.intermediate_size,
    ropeBase,
    ropeFactors: ropeFactors(rope, ropeBase, Math.floor(headDim / 2)),
    unrotatedLayers: unrotatedLayers(config),
    interleavedHeads: false,
    normEpsilon: config.rms_norm_eps,
    // SmolLM3's default differs from the others'.
    tied: config.tie_word_embeddings ?? config.model_type === 'smollm3',
  };
}

/** A window as long as the context has no effect. */
function checkWindow({
  sliding_window: window,
  use_sliding_window,
  layer_types,
  max_position_embeddings,
}: Config): void {
  if (window == null || window >= max_position_embeddings || use_sliding_window === false || layer_types) return;
  throw new ModelFileError(
    `config.json: attention to the last ${window} of ${max_position_embeddings} tokens (sliding_window) is not supported`,
  );
}

function ropeFactors(rope: z.output<typeof ropeSchema>, base: number, half: number): number[] | null {
  const scheme = rope.rope_type ?? rope.type ?? 'default';
  switch (scheme) {
    case 'default':
      return null;
    case 'linear':
      return new Array<number>(half).fill(need(rope.factor, 'factor'));
    case 'llama3':
      return Array.from({ length: half }, (_, i) => llama3Factor(rope, 2 * Math.PI * base ** (i / half)));
    default:
      throw new ModelFileError(`config.json: rotary embeddings scaled by "${scheme}" are not supported`);
  }
}

/**
 * Llama 3.1's scaling: short wavelengths are kept, those longer than the training context are stretched by `factor`,
 * and in between the frequency is blended.
 */
function llama3Factor(rope: z.output<typeof ropeSchema>, wavelength: number): number {
  const factor = need(rope.factor, 'factor');
  const [low, high] = [need(rope.low_freq_factor, 'low_freq_factor'), need(rope.high_freq_factor, 'high_freq_factor')];
  const turns = need(rope.original_max_position_embeddings, 'original_max_position_embeddings') / wavelength;
  if (turns > high) return 1;
  if (turns < low) return factor;
  const share = (turns - low) / (high - low);
  return 1 / ((1 - share) / factor + share);
}

function need(value: number | undefined, key: string): number {
  if (value === undefined) throw new ModelFileError(`config.json: the rotary scaling lacks ${key}`);
  return value;
}

/** SmolLM3's unrotated layers: a list, or one in every n layers. */
function unrotatedLayers({ model_type, num_hidden_layers, no_rope_layers, no_rope_layer_interval = 4 }: Config) {
  if (model_type !== 'smollm3') return [];
  const layers = Array.from({ length: num_hidden_layers }, (_, layer) => layer);
  return layers.filter((layer) =>
    no_rope_layers ? no_rope_layers[layer] === 0 : (layer + 1) % no_rope_layer_interval === 0,
  );
}
