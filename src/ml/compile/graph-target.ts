import type { MatrixFormat } from './weights.ts';

type Weights = 'int8' | 'int4' | 'float';

/** What a graph is compiled for. */
export interface GraphTarget {
  device: 'cpu' | 'cuda';
  /** How the matrices are stored; `float` is fp32 on a CPU and fp16 on CUDA. */
  weights: Weights;
}

export interface GraphFormats {
  /** Of activations, normalisations, scales and of the key–value cache. */
  element: 'float32' | 'float16';
  matrices: MatrixFormat;
  /** The embedding, and the head where it is the embedding: a token has only one row, and that in 4 bits is too coarse. */
  embedding: MatrixFormat;
}

/** On CUDA the attention kernels take 16-bit floats only. */
export function formatsOf({ device, weights }: GraphTarget): GraphFormats {
  const element = device === 'cuda' ? 'float16' : 'float32';
  if (weights === 'float') return { element, matrices: element, embedding: element };
  return { element, matrices: weights, embedding: 'int8' };
}
