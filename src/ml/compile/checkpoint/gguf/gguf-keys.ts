import type { Architecture } from '../architecture.ts';
import { ModelFileError } from '../model-file-error.ts';
import type { GgufMetadata, MetadataValue } from './gguf.ts';

/** Entries of an architecture that the graph is built from, or that do not affect the computation. */
const known = [
  ...['block_count', 'context_length', 'embedding_length', 'feed_forward_length', 'vocab_size', 'tensor_data_layout'],
  ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'attention.value_length'],
  ...['attention.layer_norm_rms_epsilon', 'attention.layer_norm_epsilon', 'pooling_type'],
  ...['rope.dimension_count', 'rope.freq_base', 'rope.scaling.type', 'rope.scaling.factor'],
  ...['rope.scaling.original_context_length', 'rope.scaling.finetuned'],
];
const window = 'attention.sliding_window';
const caps = ['attn_logit_softcapping', 'final_logit_softcapping'];
/** Entries that the graph is built from in some families only. */
const knownOf: Readonly<Record<string, readonly string[]>> = {
  llama: [window],
  phi3: [window, 'rope.scaling.attn_factor'],
  granite: ['attention.scale', 'embedding_scale', 'residual_scale', 'logit_scale'],
  gemma2: [window, ...caps],
  gemma3: [window, ...caps, 'attention.sliding_window_pattern', 'rope.freq_base_swa'],
};

const none = (value: MetadataValue) => value === 0;
const one = (value: MetadataValue) => value === 0 || value === 1;

/** Entries that would change the computation unless they have these values. */
const neutral: Readonly<Record<string, (value: MetadataValue, architecture: Architecture) => boolean>> = {
  [window]: (value, { contextTokens }) => typeof value === 'number' && (value === 0 || value >= contextTokens),
  'attention.scale': (value, { headDim }) =>
    typeof value === 'number' && (value === 0 || Math.abs(value * Math.sqrt(headDim) - 1) < 1e-6),
  'attention.causal': (value) => value === true,
  use_parallel_residual: (value) => value === false,
  ...{ 'attention.clamp_kqv': none, 'attention.max_alibi_bias': none },
  ...{ attn_logit_softcapping: none, final_logit_softcapping: none, expert_count: none, expert_used_count: none },
  ...{ logit_scale: one, residual_scale: one, embedding_scale: one },
  ...{ 'rope.scale_linear': one, 'rope.scaling.attn_factor': one },
};

/** @throws ModelFileError for an entry that requires something which the graph would not compute ([MODEL9]) */
export function checkKeys(metadata: GgufMetadata, architecture: Architecture): void {
  const family = architecture.architecture;
  const read = new Set([...known, ...(knownOf[family] ?? [])]);
  for (const [key, value] of metadata.values) {
    const name = key.slice(family.length + 1);
    if (!key.startsWith(`${family}.`) || read.has(name)) continue;
    const isNeutral = Object.hasOwn(neutral, name) ? neutral[name] : undefined;
    if (isNeutral?.(value, architecture)) continue;
    const shown = `${key} is ${JSON.stringify(value).slice(0, 100)}`;
    if (name === 'expert_count')
      throw new ModelFileError(`${shown}, a mixture of experts: such models are not supported`);
    throw new ModelFileError(`${shown}, which is not supported`);
  }
}
