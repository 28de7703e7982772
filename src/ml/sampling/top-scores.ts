/** One in this many scores is sampled to estimate how high the best ones are. */
const STRIDE = 64;
/** Below every number but above −∞, which marks tokens that must not be chosen. */
const LOWEST = -Number.MAX_VALUE;

/**
 * Picks the tokens with the highest scores without sorting the vocabulary. It estimates a threshold from every 64th
 * score so that some more than requested should reach it, and collects those in one pass. If the threshold was too
 * high, it is lowered. The buffers are reused, so nothing is allocated.
 */
export class Shortlist {
  /** The first `count` elements are the list: tokens in ascending order, then the added ones. */
  readonly ids: Int32Array;
  count = 0;
  /** Every token with this score or more is in the list. */
  threshold = Infinity;
  readonly #highest: Float32Array; // the best scores looked at, descending

  constructor(vocab: number) {
    this.ids = new Int32Array(vocab);
    this.#highest = new Float32Array(Math.floor(vocab / STRIDE));
  }

  /** Lists at least the `most` best tokens, or all with a score above −∞. */
  collect(scores: Float32Array, most: number): void {
    const expected = most / STRIDE;
    // Three standard deviations more than needed: seldom too few, and never many in vain.
    for (let rank = Math.ceil(expected + 3 * Math.sqrt(expected) + 3); ; rank *= 4) {
      this.collectFrom(scores, this.#guess(scores, rank));
      if (this.count >= most || this.threshold === LOWEST) return;
    }
  }

  /** Lists the tokens with a score of `threshold` or more. */
  collectFrom(scores: Float32Array, threshold: number): void {
    const { ids } = this;
    let count = 0;
    const even = scores.length - (scores.length % 4);
    // Four at a time, because nearly every comparison fails and the loop itself would cost more.
    for (let id = 0; id < even; id += 4) {
      if ((scores[id] as number) >= threshold) ids[count++] = id;
      if ((scores[id + 1] as number) >= threshold) ids[count++] = id + 1;
      if ((scores[id + 2] as number) >= threshold) ids[count++] = id + 2;
      if ((scores[id + 3] as number) >= threshold) ids[count++] = id + 3;
    }
    for (let id = even; id < scores.length; id++) if ((scores[id] as number) >= threshold) ids[count++] = id;
    this.count = count;
    this.threshold = threshold;
  }

  /** Adds a token whose score was too low before. */
  add(id: number): void {
    this.ids[this.count++] = id;
  }

  /** The `rank`-th highest of the sampled scores. */
  #guess(scores: Float32Array, rank: number): number {
    const highest = this.#highest;
    if (rank > highest.length) return LOWEST;
    let count = 0;
    for (let id = STRIDE >> 1; id < scores.length; id += STRIDE) {
      const score = scores[id] as number;
      if (count === rank && !(score > (highest[count - 1] as number))) continue;
      let position = count < rank ? count++ : count - 1;
      for (; position > 0 && (highest[position - 1] as number) < score; position--) {
        highest[position] = highest[position - 1] as number;
      }
      highest[position] = score;
    }
    return Math.max(highest[rank - 1] as number, LOWEST);
  }
}

/**
 * Yields tokens in descending order of score, of equal scores the lower id first, if it is not known how many will be
 * needed. A binary heap is built in O(n), and each token costs O(log n). Its buffers are reused.
 */
export class TopScores {
  readonly #heap: Int32Array;
  #size = 0;
  #scores: Float32Array = new Float32Array(0);

  constructor(capacity: number) {
    this.#heap = new Int32Array(capacity);
  }

  /** Starts over with the listed tokens whose score is above −∞. `scores` must not change while tokens are taken. */
  start(scores: Float32Array, { ids, count }: Shortlist): void {
    this.#scores = scores;
    this.#size = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if ((scores[id] as number) >= LOWEST) this.#heap[this.#size++] = id;
    }
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The best remaining token, or −1. */
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
