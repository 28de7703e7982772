import { addScaled, dot, type SparseVector } from './sparse.ts';

/** 0 for an empty list. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

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
