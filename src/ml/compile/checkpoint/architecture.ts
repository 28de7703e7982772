import { z } from 'zod';
import type { FamilyTraits } from './families.ts';
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
  /** Where layers are normalised; `before` if absent. */
  normPlaces?: FamilyTraits['normPlaces'];
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
  normPlaces: z.enum(['before', 'after', 'around']).exactOptional(),
});

/** Rotary position embeddings of one kind. */
export interface Rotary {
  base: number;
  /** The divisor of each rotation's frequency // [rotated / 2]; null if none is scaled. */
  factors: readonly number[] | null;
  /** What the tables are multiplied by. */
  magnitude: number;
}

/** What layers of the same decoder differ in. */
export interface LayerKind {
  /** Number of tokens that attention goes back, the token itself included; null for all of them. */
  window: number | null;
  /** Which of the rotaries turns queries and keys; null for none. */
  rotary: number | null;
}

/** A window as long as the context has no effect. */
export function effectiveWindow(window: number | null, contextTokens: number): number | null {
  return window !== null && window < contextTokens ? window : null;
}

/** Everything that the graph is built from, except the weights. */
export interface Architecture
  extends FamilyTraits, Omit<ModelShape, 'cacheType' | 'exported' | 'integers' | 'normPlaces'> {
  feedForward: number;
  rotaries: readonly Rotary[];
  /** Number of a head's elements that are rotated, from the first. */
  rotated: number;
  /** Of each layer. */
  layerKinds: readonly LayerKind[];
  /** Whether the rows of query and key heads are stored as interleaved pairs. */
  interleavedHeads: boolean;
  normEpsilon: number;
  /** What embeddings, what layers add, and logits are multiplied by. */
  embeddingScale: number;
  residualScale: number;
  logitScale: number;
  /** What products of queries and keys are multiplied by; null for 1/√headDim. */
  attentionScale: number | null;
  /** Bounds that attention's scores and the logits approach (cap · tanh(x / cap)); null for none. */
  attentionCap: number | null;
  logitCap: number | null;
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
  const problems = [...sizeProblems(architecture), ...numberProblems(architecture)];
  const told = problems.filter((problem) => typeof problem === 'string');
  if (told.length > 0) throw new ModelFileError(told.join('; '));
}

function sizeProblems(architecture: Architecture): (string | false)[] {
  const { heads, kvHeads, headDim, hidden, feedForward, vocabulary, rotated, interleavedHeads } = architecture;
  return [
    heads % kvHeads !== 0 && `${heads} heads are no multiple of ${kvHeads} key–value heads`,
    headDim % 8 !== 0 && `the head dimension ${headDim} is no multiple of 8`,
    headDim > hidden && `the head dimension ${headDim} is more than the hidden size`,
    (rotated % 16 !== 0 || rotated > headDim) && `${rotated} of a head's ${headDim} elements cannot be rotated`,
    interleavedHeads && rotated !== headDim && 'interleaved heads that are rotated in part are not supported',
    hidden % SMALLEST_BLOCK !== 0 && `the hidden size ${hidden} is no multiple of ${SMALLEST_BLOCK}`,
    (heads * headDim) % SMALLEST_BLOCK !== 0 &&
      `the attention width ${heads * headDim} is no multiple of ${SMALLEST_BLOCK}`,
    feedForward % SMALLEST_BLOCK !== 0 && `the feed-forward size ${feedForward} is no multiple of ${SMALLEST_BLOCK}`,
    (vocabulary < 1 || vocabulary > LIMITS.vocabulary) && `the vocabulary of ${vocabulary} is implausible`,
  ];
}

function numberProblems(architecture: Architecture): (string | false)[] {
  const { rotaries, rotated, normEpsilon, layerKinds } = architecture;
  const windows = layerKinds.flatMap(({ window }) => window ?? []);
  const { embeddingScale, residualScale, logitScale, attentionScale, attentionCap, logitCap } = architecture;
  const factors = [embeddingScale, residualScale, logitScale, attentionScale ?? 1, attentionCap ?? 1, logitCap ?? 1];
  return [
    !isPositive(normEpsilon) && `the normalisation's epsilon ${normEpsilon} is not positive`,
    !factors.every(isPositive) && `a scale or cap is not positive: ${factors.join(', ')}`,
    !windows.every((window) => Number.isInteger(window) && window > 0) && `a window is ${windows[0]} tokens`,
    ...rotaries.flatMap(({ base, factors, magnitude }) => [
      !isPositive(base) && `the rotary base ${base} is not positive`,
      !isPositive(magnitude) && `the rotary magnitude ${magnitude} is not positive`,
      factors !== null && !factors.every(isPositive) && 'the rotary factors are not all positive',
      factors !== null && factors.length !== rotated / 2 && `there are ${factors.length} rotary factors`,
    ]),
  ];
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

/** Every row consists of whole blocks of this length, whatever its own blocks are. */
export const SMALLEST_BLOCK = 32;
