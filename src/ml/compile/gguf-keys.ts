import type { Architecture } from './checkpoint/architecture.ts';
import type { GgufMetadata, MetadataValue } from './checkpoint/gguf.ts';
import { ModelFileError } from './checkpoint/model-file-error.ts';

type Sizes = Pick<Architecture, 'contextTokens' | 'headDim'>;

/** Entries of an architecture that the graph is built from, or that do not affect the computation. */
const known = new Set([
  ...['block_count', 'context_length', 'embedding_length', 'feed_forward_length', 'vocab_size', 'tensor_data_layout'],
  ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'attention.value_length'],
  ...['attention.layer_norm_rms_epsilon', 'attention.layer_norm_epsilon', 'pooling_type'],
  ...['rope.dimension_count', 'rope.freq_base', 'rope.scaling.type', 'rope.scaling.factor'],
  ...['rope.scaling.original_context_length', 'rope.scaling.finetuned'],
]);

const none = (value: MetadataValue) => value === 0;
const one = (value: MetadataValue) => value === 0 || value === 1;

/** Entries that would change the computation unless they have these values. */
const neutral: Readonly<Record<string, (value: MetadataValue, sizes: Sizes) => boolean>> = {
  'attention.sliding_window': (value, { contextTokens }) =>
    typeof value === 'number' && (value === 0 || value >= contextTokens),
  'attention.scale': (value, { headDim }) =>
    typeof value === 'number' && (value === 0 || Math.abs(value * Math.sqrt(headDim) - 1) < 1e-6),
  'attention.causal': (value) => value === true,
  ...{ 'attention.clamp_kqv': none, 'attention.max_alibi_bias': none },
  ...{ attn_logit_softcapping: none, final_logit_softcapping: none, expert_count: none, expert_used_count: none },
  ...{ logit_scale: one, residual_scale: one, embedding_scale: one },
  ...{ 'rope.scale_linear': one, 'rope.scaling.attn_factor': one },
};

/** @throws ModelFileError for an entry that requires something which the graph would not compute ([MODEL9]) */
export function checkKeys(metadata: GgufMetadata, architecture: string, sizes: Sizes): void {
  const prefix = `${architecture}.`;
  for (const [key, value] of metadata.values) {
    if (!key.startsWith(prefix) || known.has(key.slice(prefix.length))) continue;
    const name = key.slice(prefix.length);
    const isNeutral = Object.hasOwn(neutral, name) ? neutral[name] : undefined;
    if (isNeutral?.(value, sizes)) continue;
    throw new ModelFileError(`${key} is ${JSON.stringify(value).slice(0, 100)}, which is not supported`);
  }
}
