import { join } from 'node:path';
import { z } from 'zod';
import { type Architecture, effectiveWindow, type LayerKind, LIMITS, type Rotary } from '../architecture.ts';
import { type FamilyName, knownFamily, traitsOf } from '../families.ts';
import { ModelFileError } from '../model-file-error.ts';
import { readJsonFile } from './json-file.ts';
import { type RopeScaling, ropeSchema, ropesSchema, rotaryOf, trainedContext } from './rope-scaling.ts';

const modelTypes = [
  ...['llama', 'mistral', 'qwen2', 'qwen3', 'smollm3', 'phi3', 'granite', 'olmo2', 'stablelm', 'gemma2', 'gemma3_text'],
] as const;
type ModelType = (typeof modelTypes)[number];

/** What transformers assumes of a family when config.json does not say it. */
const defaults: Partial<Record<ModelType, Partial<z.input<typeof configSchema>>>> = {
  mistral: { sliding_window: 4096 },
  smollm3: { tie_word_embeddings: true },
  stablelm: { partial_rotary_factor: 0.25 },
  gemma2: {
    ...{ head_dim: 256, tie_word_embeddings: true, query_pre_attn_scalar: 256, sliding_window: 4096 },
    ...{ sliding_window_pattern: 2, attn_logit_softcapping: 50, final_logit_softcapping: 30 },
  },
  gemma3_text: {
    ...{ head_dim: 256, tie_word_embeddings: true, query_pre_attn_scalar: 256, sliding_window: 4096 },
    ...{ sliding_window_pattern: 6, rope_theta: 1_000_000, rope_local_base_freq: 10_000 },
  },
};
/** Families whose layers may attend to a window. In others that would be something that nobody has defined. */
const windowed: readonly ModelType[] = ['mistral', 'phi3', 'gemma2', 'gemma3_text'];

const size = (max: number) => z.int().min(1).max(max);
const positive = z.number().positive();
const configSchema = z.object({
  model_type: z.string(),
  vocab_size: size(LIMITS.vocabulary),
  num_hidden_layers: size(LIMITS.layers),
  num_attention_heads: size(LIMITS.heads),
  num_key_value_heads: size(LIMITS.heads).nullish(),
  head_dim: size(LIMITS.hidden).nullish(),
  hidden_size: size(LIMITS.hidden),
  intermediate_size: size(LIMITS.feedForward),
  max_position_embeddings: size(LIMITS.context),
  original_max_position_embeddings: size(LIMITS.context).optional(),
  rms_norm_eps: positive.optional(),
  layer_norm_eps: positive.optional(),
  hidden_act: z.string().optional(),
  hidden_activation: z.string().nullish(),
  rope_theta: positive.optional(),
  rope_local_base_freq: positive.optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropesSchema.nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  tie_word_embeddings: z.boolean().optional(),
  use_sliding_window: z.literal(false).nullish(),
  sliding_window: z.int().positive().nullish(),
  sliding_window_pattern: z.int().positive().optional(),
  layer_types: z
    .array(z.enum(['full_attention', 'sliding_attention']))
    .max(LIMITS.layers)
    .nullish(),
  query_pre_attn_scalar: positive.optional(),
  attn_logit_softcapping: positive.nullish(),
  final_logit_softcapping: positive.nullish(),
  embedding_multiplier: positive.optional(),
  residual_multiplier: positive.optional(),
  attention_multiplier: positive.optional(),
  logits_scaling: positive.optional(),
  /** 1: the layer is rotated. */
  no_rope_layers: z.array(z.int()).max(LIMITS.layers).nullish(),
  no_rope_layer_interval: z.int().positive().optional(),
  qk_layernorm: z.literal(false).optional(),
  use_parallel_residual: z.literal(false).optional(),
  use_bidirectional_attention: z.literal(false).nullish(),
  quantization_config: z.null().optional(),
});
type Config = z.output<typeof configSchema>;

const typeSchema = z.looseObject({ model_type: z.string() });

/** A checkpoint's configuration in config.json. The number of parameters is known only from the tensors. */
export type ConfiguredArchitecture = Omit<Architecture, 'parameters'>;

/** @throws ModelFileError for a family or a variant that the compiler does not support */
export async function readConfig(folder: string): Promise<ConfiguredArchitecture> {
  const path = join(folder, 'config.json');
  const { model_type } = await readJsonFile(path, typeSchema);
  const type = knownFamily('config.json: the model type', model_type, modelTypes);
  return architectureOf(type, { ...defaults[type], ...(await readJsonFile(path, configSchema)) });
}

function architectureOf(type: ModelType, config: Config): ConfiguredArchitecture {
  const family: FamilyName = type === 'gemma3_text' ? 'gemma3' : type;
  const traits = traitsOf(family);
  checkActivation(config, traits.activation);
  const headDim = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const rope = ropeOf(config);
  const rotated = Math.floor(headDim * rotatedShare(type, config, rope));
  const contextTokens = trainedContext(rope, config.max_position_embeddings);
  return {
    ...traits,
    architecture: family,
    vocabulary: config.vocab_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headDim,
    hidden: config.hidden_size,
    contextTokens,
    feedForward: config.intermediate_size,
    rotaries: rotariesOf(type, config, rope, Math.floor(rotated / 2)),
    rotated,
    layerKinds: layerKindsOf(type, config, contextTokens),
    interleavedHeads: false,
    normEpsilon: epsilonOf(config, traits.normKind === 'layer' ? 'layer_norm_eps' : 'rms_norm_eps'),
    ...scalesOf(type, config),
    tied: config.tie_word_embeddings ?? false,
  };
}

function checkActivation({ hidden_act, hidden_activation }: Config, kind: 'silu' | 'gelu'): void {
  const expected = kind === 'silu' ? 'silu' : 'gelu_pytorch_tanh';
  const found = hidden_activation ?? hidden_act ?? expected;
  if (found !== expected)
    throw new ModelFileError(`config.json: hidden_act: "${found.slice(0, 100)}" instead of "${expected}"`);
}

function epsilonOf(config: Config, key: 'layer_norm_eps' | 'rms_norm_eps'): number {
  const epsilon = config[key];
  if (epsilon === undefined) throw new ModelFileError(`config.json: there is no ${key}`);
  return epsilon;
}

/** Of the layers that attend to everything. */
function ropeOf({ rope_parameters, rope_scaling, original_max_position_embeddings: trained }: Config): RopeScaling {
  const rope = rope_parameters?.full_attention ?? rope_parameters ?? rope_scaling ?? {};
  return { ...(trained !== undefined && { original_max_position_embeddings: trained }), ...rope };
}

function rotatedShare(type: ModelType, config: Config, rope: RopeScaling): number {
  const share = rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (share !== 1 && type !== 'phi3' && type !== 'stablelm')
    throw new ModelFileError(`config.json: partial_rotary_factor is ${share}, which ${type} does not have`);
  return share;
}

function rotariesOf(type: ModelType, config: Config, rope: RopeScaling, half: number): Rotary[] {
  const contextTokens = config.max_position_embeddings;
  const base = rope.rope_theta ?? config.rope_theta ?? 10_000;
  const main = rotaryOf(rope, { base, half, contextTokens });
  if (type !== 'gemma3_text') return [main];
  const local = config.rope_parameters?.sliding_attention ?? {};
  const localBase = local.rope_theta ?? config.rope_local_base_freq ?? base;
  return [main, rotaryOf(local, { base: localBase, half, contextTokens })];
}

function layerKindsOf(type: ModelType, config: Config, contextTokens: number): LayerKind[] {
  const window = effectiveWindow(config.sliding_window ?? null, contextTokens);
  checkWindow(type, config, window);
  return Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const isLocal = isLocalLayer(type, config, layer);
    const rotary = isUnrotated(type, config, layer) ? null : Number(type === 'gemma3_text' && isLocal);
    return { window: isLocal ? window : null, rotary };
  });
}

function checkWindow(type: ModelType, config: Config, window: number | null): void {
  const { layer_types: types, num_hidden_layers: layers, use_sliding_window: isUsed } = config;
  const isWindowed = windowed.includes(type);
  if (types && types.length !== layers)
    throw new ModelFileError(`config.json: layer_types has ${types.length} entries for ${layers} layers`);
  if (!isWindowed && types?.includes('sliding_attention'))
    throw new ModelFileError(`config.json: layer_types: ${type} has no layers with sliding_attention`);
  if (window === null || isWindowed || isUsed === false || types) return;
  const told = `attention to the last ${window} of ${config.max_position_embeddings} tokens (sliding_window)`;
  throw new ModelFileError(`config.json: ${told} is not supported in ${type}`);
}

function isLocalLayer(type: ModelType, { layer_types, sliding_window_pattern: step }: Config, layer: number): boolean {
  if (!windowed.includes(type)) return false;
  if (layer_types) return layer_types[layer] === 'sliding_attention';
  return step === undefined || (layer + 1) % step !== 0;
}

/** SmolLM3's unrotated layers: a list, or one in every n layers. */
function isUnrotated(type: ModelType, { no_rope_layers, no_rope_layer_interval = 4 }: Config, layer: number): boolean {
  if (type !== 'smollm3') return false;
  return no_rope_layers ? no_rope_layers[layer] === 0 : (layer + 1) % no_rope_layer_interval === 0;
}

type Scales = Pick<
  Architecture,
  'embeddingScale' | 'residualScale' | 'logitScale' | 'attentionScale' | 'attentionCap' | 'logitCap'
>;

function scalesOf(type: ModelType, config: Config): Scales {
  const none = { embeddingScale: 1, residualScale: 1, logitScale: 1 };
  if (type === 'granite')
    return {
      embeddingScale: config.embedding_multiplier ?? 1,
      residualScale: config.residual_multiplier ?? 1,
      attentionScale: config.attention_multiplier ?? 1,
      logitScale: 1 / (config.logits_scaling ?? 1),
      ...{ attentionCap: null, logitCap: null },
    };
  if (type === 'gemma2' || type === 'gemma3_text')
    return {
      ...none,
      embeddingScale: Math.sqrt(config.hidden_size),
      attentionScale: 1 / Math.sqrt(config.query_pre_attn_scalar ?? 256),
      attentionCap: config.attn_logit_softcapping ?? null,
      logitCap: config.final_logit_softcapping ?? null,
    };
  return { ...none, attentionScale: null, attentionCap: null, logitCap: null };
}
