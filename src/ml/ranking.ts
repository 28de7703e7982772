/**
 * Puts the ids of the highest scores into `into`, best first, equal scores by the lower id. One pass with binary
 * insertion: made for counts far below the number of scores.
 *
 * @returns how many: as many as fit into `into` and as there are scores
 */
export function rankTop(scores: Float32Array, into: Int32Array): number {
  let count = 0;
  let worst = -Infinity;
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id] as number;
    if (count === into.length && score <= worst) continue;
    const place = placeOf(score, scores, into, count);
    if (count < into.length) count++;
    into.copyWithin(place + 1, place, count - 1);
    into[place] = id;
    worst = scores[into[count - 1] as number] as number;
  }
  return count;
}

/** Behind everything that scores as much or more: ids arrive in ascending order. */
function placeOf(score: number, scores: Float32Array, ranked: Int32Array, count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[ranked[middle] as number] as number) >= score) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Yields ids from the highest score down, equal scores by the lower id, when it is not known how many will be asked
 * for: a binary heap is built in O(n), and each id costs O(log n). Its buffers are reused.
 */
export class Ranking {
  readonly #heap: Int32Array;
  #size = 0;
  #scores: Float32Array = new Float32Array(0);

  constructor(capacity: number) {
    this.#heap = new Int32Array(capacity);
  }

  /** Starts over with the ids that score at least `least`; `scores` must stay as it is while ids are taken. */
  start(scores: Float32Array, least: number): void {
    this.#scores = scores;
    this.#size = 0;
    for (let id = 0; id < scores.length; id++) {
      if ((scores[id] as number) >= least) this.#heap[this.#size++] = id;
    }
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The best id that is left, or −1. */
  take(): number {
    if (this.#size === 0) return -1;
    const best = this.#at(0);
    this.#heap[0] = this.#at(--this.#size);
    this.#sink(0);
    return best;
  }

  #sink(start: number): void {
    const id = this.#at(start);
    let hole = start;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(this.#at(child + 1), this.#at(child))) child++;
      if (!this.#before(this.#at(child), id)) break;
      this.#heap[hole] = this.#at(child);
      hole = child;
    }
    this.#heap[hole] = id;
  }

  #before(a: number, b: number): boolean {
    const left = this.#scores[a] as number;
    const right = this.#scores[b] as number;
    return left > right || (left === right && a < b);
  }

  #at(i: number): number {
    return this.#heap[i] as number;
  }
}
