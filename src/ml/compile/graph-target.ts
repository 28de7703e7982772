import type { MatrixFormat } from './weights.ts';

type Weights = 'int8' | 'int4' | 'float';

/** The target of a compilation. */
export interface GraphTarget {
  device: 'cpu' | 'cuda';
  /** How matrices are stored; `float` is fp32 on a CPU and fp16 on CUDA. */
  weights: Weights;
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
}

/** On CUDA the attention kernels support only 16-bit floats. */
export function formatsOf({ device, weights }: GraphTarget): GraphFormats {
  const element = device === 'cuda' ? 'float16' : 'float32';
  if (weights === 'float') return { element, matrices: element, embedding: element };
  return { element, matrices: weights, embedding: 'int8' };
}
