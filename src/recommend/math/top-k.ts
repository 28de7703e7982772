import { i32 } from '../../lib/typed-arrays.ts';
/**
 * The `k` greatest scores whose mask is 0, best first; of equal scores the lower index first. It uses a heap of size k
 * whose root is the worst kept score: an index that does not make it costs one comparison, and nothing is allocated per
 * track. Removing the worst one by one yields the order.
 */
export function topK(scores: Float64Array, mask: Uint8Array, k: number): Int32Array {
  const heap = new Int32Array(Math.max(0, Math.min(k, scores.length)));
  if (heap.length === 0) return heap;
  const size = fill(heap, scores, mask);
  for (let end = size - 1; end > 0; end--) {
    const worst = i32(heap, 0);
    heap[0] = i32(heap, end);
    heap[end] = worst;
    siftDown(heap, end, 0, scores);
  }
  return heap.subarray(0, size);
}

/** @returns the size of the heap, which is smaller than k if there are fewer allowed scores */
function fill(heap: Int32Array, scores: Float64Array, mask: Uint8Array): number {
  let size = 0;
  let index = 0;
  for (; index < scores.length && size < heap.length; index++) if (mask[index] === 0) heap[size++] = index;
  for (let at = (size >> 1) - 1; at >= 0; at--) siftDown(heap, size, at, scores);
  let least = leastOf(heap, scores);
  // An equal score with a higher index is not among the best.
  for (; index < scores.length; index++) {
    if ((scores[index] ?? 0) <= least || mask[index] !== 0) continue;
    heap[0] = index;
    siftDown(heap, size, 0, scores);
    least = leastOf(heap, scores);
  }
  return size;
}

const leastOf = (heap: Int32Array, scores: Float64Array): number => scores[heap[0] ?? 0] ?? 0;

/** The root is the worst: the lowest score, and of equal scores the higher index. */
function siftDown(heap: Int32Array, size: number, start: number, scores: Float64Array): void {
  const moved = heap[start] ?? 0;
  const score = scores[moved] ?? 0;
  let at = start;
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && isWorse(heap[child + 1] ?? 0, heap[child] ?? 0, scores)) child++;
    const worse = heap[child] ?? 0;
    const worseScore = scores[worse] ?? 0;
    if (worseScore > score || (worseScore === score && worse < moved)) break;
    heap[at] = worse;
    at = child;
  }
  heap[at] = moved;
}

function isWorse(a: number, b: number, scores: Float64Array): boolean {
  const [left, right] = [scores[a] ?? 0, scores[b] ?? 0];
  return left < right || (left === right && a > b);
}
