/**
 * The `k` greatest of the scores whose mask is 0, best first; of equal ones the lower index first. A heap of k whose root
 * is the one to beat: the many that do not make it cost one comparison each, and nothing is allocated for a track.
 */
export function topTracks(scores: Float64Array, mask: Uint8Array, k: number): Int32Array {
  const heap = new Int32Array(Math.max(0, Math.min(k, scores.length)));
  let size = 0;
  let least = -Infinity;
  for (let index = 0; index < scores.length; index++) {
    if (mask[index] !== 0) continue;
    const score = scores[index] ?? 0;
    if (size < heap.length) {
      heap[size++] = index;
      if (size === heap.length) heapify(heap, scores);
      else continue;
    } else if (score > least) {
      heap[0] = index;
      siftDown(heap, 0, scores);
    } else continue;
    least = scores[heap[0] ?? 0] ?? 0;
  }
  return heap.subarray(0, size).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

function heapify(heap: Int32Array, scores: Float64Array): void {
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, at, scores);
}

/** The root is the worst: the least score, and of equal ones the higher index. */
function siftDown(heap: Int32Array, start: number, scores: Float64Array): void {
  const moved = heap[start] ?? 0;
  const score = scores[moved] ?? 0;
  let at = start;
  for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && isWorse(heap[child + 1] ?? 0, heap[child] ?? 0, scores)) child++;
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
