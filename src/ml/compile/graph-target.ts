import type { MatrixFormat } from './weights.ts';

type Weights = 'int8' | 'int4' | 'float';

/** The target of a compilation. */
export interface GraphTarget {
  device: 'cpu' | 'cuda';
  /** How matrices are stored; `float` is fp32 on a CPU and fp16 on CUDA. */
  weights: Weights;
  /** Products of integers in place of 8-bit blocks. */
  integers?: IntegerFormat;
}

/**
 * Which activations have 15 bits, as two rows of bytes, and not 8: those of the head and those that come from no norm
 * and so cannot be smoothed, or all. (With 8 bits in all but the head SmolLM2-135M's perplexity is 1.006 times that of
 * blocks on 1,566 tokens of `test/oracles`, with the first of these 1.000.)
 */
export const finenesses = ['unsmoothed', 'all'] as const;
export type Fineness = (typeof finenesses)[number];

/** What integer products are built with. */
export interface IntegerFormat {
  fine: Fineness;
  /** The highest magnitude of each channel that a norm has yielded, by the norm's tensor. */
  activations: ReadonlyMap<string, Float32Array>;
}

export interface GraphFormats {
  /** The type of activations, normalisations, scales and the key–value cache. */
  element: 'float32' | 'float16';
  matrices: MatrixFormat;
  /**
   * The format of the embedding, and of the head if it is the embedding: each token has a single row there, for which 4
   * bits are too coarse.
   */
  embedding: MatrixFormat;
  integers: IntegerFormat | null;
}

/** On CUDA the attention kernels support only 16-bit floats. */
export function formatsOf({ device, weights, integers }: GraphTarget): GraphFormats {
  const element = device === 'cuda' ? 'float16' : 'float32';
  if (weights === 'float') return { element, matrices: element, embedding: element, integers: null };
  return { element, matrices: weights, embedding: 'int8', integers: integers ?? null };
}
