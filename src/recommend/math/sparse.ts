import { f64, i32 } from '../../lib/typed-arrays.ts';
import { topK } from './top-k.ts';
/** Values at some indices of a long vector, in ascending order. */
export interface SparseVector {
  indices: Int32Array;
  values: Float64Array;
}

export const emptyVector: SparseVector = { indices: new Int32Array(), values: new Float64Array() };

export function sparseVector(entries: Iterable<readonly [number, number]>): SparseVector {
  const sorted = [...entries].sort(([a], [b]) => a - b);
  return {
    indices: Int32Array.from(sorted, ([index]) => index),
    values: Float64Array.from(sorted, ([, value]) => value),
  };
}

/** The value at an index, or 0. */
export function valueAt({ indices, values }: SparseVector, index: number): number {
  let [low, high] = [0, indices.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = i32(indices, middle);
    if (found === index) return f64(values, middle);
    if (found < index) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

/** The inner product with a dense vector, so that each entry is one lookup. */
export function dot(dense: Float64Array, { indices, values }: SparseVector): number {
  let sum = 0;
  for (let i = 0; i < indices.length; i++) sum += (dense[indices[i] ?? 0] ?? 0) * (values[i] ?? 0);
  return sum;
}

/** `target += factor · vector` */
export function addScaled(target: Float64Array, { indices, values }: SparseVector, factor: number): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] ?? 0;
    target[index] = (target[index] ?? 0) + factor * (values[i] ?? 0);
  }
}

/** The `k` allowed indices with the greatest scores, best first; of equal scores the lower index first. */
export function topIndices(scores: Float64Array, k: number, isAllowed: (index: number) => boolean): number[] {
  const mask = Uint8Array.from(scores, (_, index) => (isAllowed(index) ? 0 : 1));
  return [...topK(scores, mask, k)];
}
