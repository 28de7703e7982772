import type { GgufFile, GgufMetadata } from './gguf.ts';
import { ModelFileError } from './model-file-error.ts';
import { BLOCK } from './quantize.ts';

/** What a caller of the compiled graph must know of it. */
export interface ModelShape {
  architecture: string;
  vocabulary: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  hidden: number;
  contextTokens: number;
  parameters: number;
}

/** Everything that the graph is built from, besides the weights. */
export interface Architecture extends ModelShape {
  feedForward: number;
  ropeBase: number;
  normEpsilon: number;
  /** The output head is the embedding. */
  tied: boolean;
}

/** Beyond these a header is corrupt, not ambitious. */
const LIMITS = {
  layers: 1_000,
  heads: 1_024,
  hidden: 65_536,
  feedForward: 1_048_576,
  vocabulary: 4_194_304,
  context: 16_777_216,
};

/** @throws ModelFileError when the family is not supported or the sizes contradict each other */
export function readArchitecture(file: GgufFile): Architecture {
  const { metadata } = file;
  const family = metadata.string('general.architecture');
  if (family !== 'llama') throw new ModelFileError(`the architecture "${family}" is not supported; supported is llama`);
  const size = (key: string, max: number) => metadata.size(`${family}.${key}`, max);
  const heads = size('attention.head_count', LIMITS.heads);
  const hidden = size('embedding_length', LIMITS.hidden);
  const architecture: Architecture = {
    architecture: family,
    vocabulary: file.tensor('token_embd.weight').shape[1] ?? 0,
    layers: size('block_count', LIMITS.layers),
    heads,
    kvHeads: metadata.has(`${family}.attention.head_count_kv`) ? size('attention.head_count_kv', LIMITS.heads) : heads,
    headDim: metadata.has(`${family}.rope.dimension_count`) ? size('rope.dimension_count', hidden) : hidden / heads,
    hidden,
    contextTokens: size('context_length', LIMITS.context),
    parameters: countParameters(file),
    feedForward: size('feed_forward_length', LIMITS.feedForward),
    ropeBase: optionalNumber(metadata, `${family}.rope.freq_base`, 10_000),
    normEpsilon: metadata.number(`${family}.attention.layer_norm_rms_epsilon`),
    tied: !file.tensors.has('output.weight'),
  };
  checkConsistent(architecture);
  refuseRopeScaling(file);
  return architecture;
}

function optionalNumber(metadata: GgufMetadata, key: string, otherwise: number): number {
  return metadata.has(key) ? metadata.number(key) : otherwise;
}

function countParameters(file: GgufFile): number {
  let total = 0;
  for (const { shape } of file.tensors.values()) total += shape.reduce((product, dim) => product * dim, 1);
  return total;
}

function checkConsistent({ heads, kvHeads, headDim, hidden, feedForward, vocabulary }: Architecture): void {
  const problems = [
    heads % kvHeads !== 0 && `${heads} heads are no multiple of ${kvHeads} key–value heads`,
    headDim % 2 !== 0 && `the head dimension ${headDim} is odd or broken`,
    hidden % BLOCK !== 0 && `the hidden size ${hidden} is no multiple of ${BLOCK}`,
    (heads * headDim) % BLOCK !== 0 && `the attention width ${heads * headDim} is no multiple of ${BLOCK}`,
    feedForward % BLOCK !== 0 && `the feed-forward size ${feedForward} is no multiple of ${BLOCK}`,
    vocabulary > LIMITS.vocabulary && `the vocabulary of ${vocabulary} is beyond belief`,
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new ModelFileError(problems.join('; '));
}

/** Scaled rotary embeddings (Llama 3) change the angles; computing the plain ones would be quietly wrong. */
function refuseRopeScaling(file: GgufFile): void {
  if (file.tensors.has('rope_freqs.weight'))
    throw new ModelFileError('scaled rotary embeddings (rope_freqs) are not supported');
}
