import type { Calibration } from './calibration.ts';
import { addScaled, dot, emptyVector, type SparseVector } from './sparse.ts';

/** Tracks that compete for each place: the best that are not in the list yet. */
export const WINDOW = 100;

export interface WindowOptions {
  /** 0: by score alone … 1: by difference alone. */
  diversity: number;
  /** 0: whatever genres come … 1: by how near the list's genres are to the listener's alone. */
  calibration: number;
  /** How far the list's genres are from the listener's; null where there is nothing to compare with. */
  genres: Calibration | null;
  scoreOf: (index: number) => number;
  /** Unit vectors over `featureCount` features. */
  features: readonly SparseVector[];
  featureCount: number;
}

/**
 * The candidates for the next place of a list and what each is worth there:
 * `(1 − d) · (1 − c) · relevance − d · likeness − c · divergence`. Relevance is the score, from 0 at the first window's end
 * to 1 at the top; likeness the greatest cosine with a track above (maximal marginal relevance, Carbonell & Goldstein
 * 1998); divergence how far the genres would be from the listener's (Steck 2018). Numbers lie in flat arrays by the order
 * in which candidates enter, which is that of their scores.
 *
 * Likeness only grows as the list does, so what is known of it bounds the worth from above: it is brought up to date for
 * the candidate that looks best, until that one is (lazy greedy, Minoux 1978). Most are never compared with most.
 */
export class Window {
  readonly #options: WindowOptions;
  readonly #candidates: Int32Array;
  readonly #relevance: Float64Array;
  /** The greatest to those of `#above` that it has been compared with: the first so many. */
  readonly #likeness: Float64Array;
  readonly #compared: Int32Array;
  readonly #above: SparseVector[];
  readonly #isTaken: Uint8Array;
  #placed = 0;

  /**
   * @param ranked by score, best first, what is in the list already among them
   * @param before the list so far
   * @param count places to be filled
   */
  constructor(ranked: Int32Array, before: readonly number[], count: number, options: WindowOptions) {
    const { scoreOf, genres } = options;
    const served = new Set(before);
    this.#options = options;
    this.#candidates = ranked.filter((index) => !served.has(index)).subarray(0, WINDOW + count);
    const top = scoreOf(ranked[0] ?? 0);
    const span = Math.max(top - scoreOf(ranked[Math.min(WINDOW, ranked.length) - 1] ?? 0), 1e-9);
    const size = this.#candidates.length;
    this.#relevance = new Float64Array(size);
    for (let at = 0; at < size; at++) this.#relevance[at] = (scoreOf(this.#candidates[at] ?? 0) - top) / span + 1;
    this.#likeness = new Float64Array(size);
    this.#compared = new Int32Array(size);
    this.#isTaken = new Uint8Array(size);
    // Only the places just above matter to a reader who scrolls, and they keep the cost of a deep page bounded.
    this.#above = before.slice(-WINDOW).map((index) => this.#featuresOf(index));
    if (genres) for (const index of before) genres.place(index);
  }

  /** How many compete for the next place. */
  get size(): number {
    let size = 0;
    for (let at = 0; at < this.#entered; at++) size += this.#isTaken[at] === 0 ? 1 : 0;
    return size;
  }

  /** The `nth` of those that compete, from 0, by score. */
  nth(nth: number): number | undefined {
    let left = nth;
    for (let at = 0; at < this.#entered; at++) {
      if (this.#isTaken[at] === 0 && left-- === 0) return this.#candidates[at];
    }
    return undefined;
  }

  has(index: number): boolean {
    const at = this.#candidates.indexOf(index);
    return at >= 0 && at < this.#entered && this.#isTaken[at] === 0;
  }

  /** Of the greatest worth; of equal ones the first by score. */
  best(): number | undefined {
    const worth = this.#worthByItself();
    for (;;) {
      const at = this.#greatest(worth);
      if (at < 0) return undefined;
      if (this.#options.diversity === 0 || this.#compared[at] === this.#above.length) return this.#candidates[at];
      this.#compare(at);
    }
  }

  /** Without likeness. */
  #worthByItself(): Float64Array {
    const { diversity, calibration, genres } = this.#options;
    if (genres === null && diversity === 0) return this.#relevance;
    const own = (1 - diversity) * (genres ? 1 - calibration : 1);
    const worth = new Float64Array(this.#entered);
    for (let at = 0; at < worth.length; at++) {
      worth[at] = own * (this.#relevance[at] ?? 0);
      if (genres && this.#isTaken[at] === 0) {
        worth[at] = (worth[at] ?? 0) - calibration * genres.divergenceWith(this.#candidates[at] ?? 0);
      }
    }
    return worth;
  }

  #greatest(worth: Float64Array): number {
    const { diversity } = this.#options;
    let best = -1;
    let greatest = -Infinity;
    for (let at = 0; at < this.#entered; at++) {
      if (this.#isTaken[at] !== 0) continue;
      const value = (worth[at] ?? 0) - diversity * (this.#likeness[at] ?? 0);
      if (value > greatest) {
        best = at;
        greatest = value;
      }
    }
    return best;
  }

  /** With those above that it has not been compared with yet. */
  #compare(at: number): void {
    const own = this.#featuresOf(this.#candidates[at] ?? 0);
    const spread = scratch(this.#options.featureCount);
    addScaled(spread, own, 1);
    for (let i = this.#compared[at] ?? 0; i < this.#above.length; i++) {
      const likeness = dot(spread, this.#above[i] ?? emptyVector);
      if (likeness > (this.#likeness[at] ?? 0)) this.#likeness[at] = likeness;
    }
    this.#compared[at] = this.#above.length;
    for (let i = 0; i < own.indices.length; i++) spread[own.indices[i] ?? 0] = 0;
  }

  /** Gives the next place to a track, of the window or not. */
  take(index: number): void {
    const at = this.#candidates.indexOf(index);
    if (at >= 0) this.#isTaken[at] = 1;
    this.#placed += 1;
    this.#above.push(this.#featuresOf(index));
    this.#options.genres?.place(index);
  }

  /** One enters for each that leaves. */
  get #entered(): number {
    return Math.min(this.#candidates.length, WINDOW + this.#placed);
  }

  #featuresOf(index: number): SparseVector {
    return this.#options.features[index] ?? emptyVector;
  }
}

let zeros = new Float64Array();

/**
 * Zeros, one for each feature. One vector at a time is spread out there, so that its product with another costs a look-up
 * an entry, and wiped away again: a request has to do with few of the features, and making this anew would cost more.
 */
function scratch(length: number): Float64Array {
  if (zeros.length < length) zeros = new Float64Array(length);
  return zeros;
}
