import { z } from 'zod';
import { ModelFileError } from './model-file-error.ts';

/** What the user of a compiled graph must know about it. */
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
  /** The type of the key–value cache, which the caller allocates. */
  cacheType: 'float32' | 'float16';
  /** Null for our own graphs, whose cache is read and written in place. */
  exported: ExportedGraph | null;
  /** Whether products are sums of integers. */
  integers?: boolean;
}

/** An ONNX export in Hugging Face's layout. Its cache is a past that every run returns with more tokens. */
export interface ExportedGraph {
  /** Path within the model's folder. */
  file: string;
  /** Whether it takes the tokens' positions as an input. */
  positionIds: boolean;
  /** Whether a token's last bits depend on the other tokens of the run. */
  mixesRows: boolean;
}

const count = z.int().nonnegative();
/** As it is kept beside the graph. */
export const modelShape: z.ZodType<ModelShape> = z.object({
  architecture: z.string(),
  vocabulary: count,
  layers: count,
  heads: count,
  kvHeads: count,
  headDim: count,
  hidden: count,
  contextTokens: count,
  parameters: count,
  cacheType: z.enum(['float32', 'float16']),
  exported: z.object({ file: z.string(), positionIds: z.boolean(), mixesRows: z.boolean() }).nullable(),
  integers: z.boolean().exactOptional(),
});

/** Everything that the graph is built from, except the weights. */
export interface Architecture extends Omit<ModelShape, 'cacheType' | 'exported' | 'integers'> {
  feedForward: number;
  ropeBase: number;
  /** The divisor of each rotation's frequency // [head_dim / 2]; null if none is scaled. */
  ropeFactors: readonly number[] | null;
  /** Layers whose queries and keys are not rotated. */
  unrotatedLayers: readonly number[];
  /** Whether the rows of query and key heads are stored as interleaved pairs. */
  interleavedHeads: boolean;
  normEpsilon: number;
  /** Whether the output head is the embedding. */
  tied: boolean;
}

/** A header with larger values is corrupt. */
export const LIMITS = {
  layers: 1_000,
  heads: 1_024,
  hidden: 65_536,
  feedForward: 1_048_576,
  vocabulary: 4_194_304,
  context: 16_777_216,
};

/** @throws ModelFileError if the sizes contradict each other */
export function checkConsistent(architecture: Architecture): void {
  const { heads, kvHeads, headDim, hidden, feedForward, vocabulary, ropeFactors } = architecture;
  const problems = [
    heads % kvHeads !== 0 && `${heads} heads are no multiple of ${kvHeads} key–value heads`,
    headDim % 8 !== 0 && `the head dimension ${headDim} is no multiple of 8`,
    headDim > hidden && `the head dimension ${headDim} is more than the hidden size`,
    hidden % SMALLEST_BLOCK !== 0 && `the hidden size ${hidden} is no multiple of ${SMALLEST_BLOCK}`,
    (heads * headDim) % SMALLEST_BLOCK !== 0 &&
      `the attention width ${heads * headDim} is no multiple of ${SMALLEST_BLOCK}`,
    feedForward % SMALLEST_BLOCK !== 0 && `the feed-forward size ${feedForward} is no multiple of ${SMALLEST_BLOCK}`,
    (vocabulary < 1 || vocabulary > LIMITS.vocabulary) && `the vocabulary of ${vocabulary} is implausible`,
    !isPositive(architecture.ropeBase) && `the rotary base ${architecture.ropeBase} is not positive`,
    !isPositive(architecture.normEpsilon) && `the normalisation's epsilon ${architecture.normEpsilon} is not positive`,
    ropeFactors?.some((factor) => !isPositive(factor)) && 'the rotary factors are not all positive',
    ropeFactors && ropeFactors.length !== headDim / 2 && `there are ${ropeFactors.length} rotary factors`,
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) throw new ModelFileError(problems.join('; '));
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

/** Every row consists of whole blocks of this length, whatever its own blocks are. */
export const SMALLEST_BLOCK = 32;
