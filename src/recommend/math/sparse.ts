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
    const found = indices[middle] ?? 0;
    if (found === index) return values[middle] ?? 0;
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

/**
 * The `k` allowed indices with the greatest scores, best first; of equal scores the lower index first. It uses a heap
 * of size k, so that an index that does not make it costs one comparison.
 */
export function topIndices(scores: Float64Array, k: number, isAllowed: (index: number) => boolean): number[] {
  const heap: number[] = [];
  const isWorse = (a: number, b: number): boolean => {
    const [left, right] = [scores[a] ?? 0, scores[b] ?? 0];
    return left < right || (left === right && a > b);
  };
  for (let index = 0; index < scores.length; index++) {
    if (!isAllowed(index)) continue;
    if (heap.length < k) {
      heap.push(index);
      siftUp(heap, isWorse);
    } else if (k > 0 && isWorse(heap[0] ?? 0, index)) {
      heap[0] = index;
      siftDown(heap, isWorse);
    }
  }
  return heap.sort((a, b) => (isWorse(a, b) ? 1 : -1));
}

type Before = (a: number, b: number) => boolean;

function siftUp(heap: number[], before: Before): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at] ?? 0, heap[parent] ?? 0)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown(heap: number[], before: Before): void {
  let at = 0;
  for (;;) {
    let first = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child] ?? 0, heap[first] ?? 0)) first = child;
    }
    if (first === at) return;
    swap(heap, at, first);
    at = first;
  }
}

function swap(heap: number[], i: number, j: number): void {
  const value = heap[i] ?? 0;
  heap[i] = heap[j] ?? 0;
  heap[j] = value;
}
