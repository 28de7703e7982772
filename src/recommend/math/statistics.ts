import { addScaled, dot, type SparseVector } from './sparse.ts';

/** 0 for an empty list. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** The quantile of the standard normal distribution for 95 %. */
export const Z = 1.96;

export interface Interval {
  low: number;
  high: number;
}

/** The 95 % interval of a share by its observations (Wilson 1927). It holds for few of them too, and for shares near 0 and 1. */
export function wilson(share: number, observations: number): Interval {
  const spread = Z ** 2 / observations;
  const middle = (share + spread / 2) / (1 + spread);
  const margin = (Z * Math.sqrt((share * (1 - share) + spread / 4) / observations)) / (1 + spread);
  return { low: Math.max(0, middle - margin), high: Math.min(1, middle + margin) };
}

/** The mean of 1 − cosine over all pairs of these unit vectors. 0 for a single vector. */
export function intraListDiversity(vectors: readonly SparseVector[], dimensions: number): number {
  const spread = new Float64Array(dimensions);
  let sum = 0;
  let pairs = 0;
  vectors.forEach((vector, i) => {
    addScaled(spread, vector, 1);
    for (const other of vectors.slice(i + 1)) {
      sum += 1 - dot(spread, other);
      pairs += 1;
    }
    for (const feature of vector.indices) spread[feature] = 0;
  });
  return sum / Math.max(1, pairs);
}
