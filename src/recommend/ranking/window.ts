import { addScaled, dot, emptyVector, type SparseVector } from '../math/sparse.ts';
import type { Calibration } from './calibration.ts';

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
  /** Unit vectors. */
  features: readonly SparseVector[];
  /** One for each feature, to spread a vector out on. */
  zeros: Float64Array;
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
  /** What each is worth at most, by what is known of its likeness; −Infinity once it is taken. */
  readonly #bounds: Float64Array;
  /** The greatest to those of `#above` that it has been compared with: the first so many. */
  readonly #likeness: Float64Array;
  readonly #compared: Int32Array;
  readonly #above: SparseVector[];
  #placed = 0;
  #size: number;

  /**
   * @param ranked by score, best first, what is in the list already among them
   * @param before the list so far
   * @param count places to be filled
   */
  constructor(ranked: Int32Array, before: readonly number[], count: number, options: WindowOptions) {
    const { scoreOf, genres } = options;
    this.#options = options;
    this.#candidates = without(ranked, before).subarray(0, WINDOW + count);
    const top = scoreOf(ranked[0] ?? 0);
    const span = Math.max(top - scoreOf(ranked[Math.min(WINDOW, ranked.length) - 1] ?? 0), 1e-9);
    const size = this.#candidates.length;
    this.#relevance = new Float64Array(size);
    for (let at = 0; at < size; at++) this.#relevance[at] = (scoreOf(this.#candidates[at] ?? 0) - top) / span + 1;
    this.#likeness = new Float64Array(size);
    this.#compared = new Int32Array(size);
    this.#bounds = new Float64Array(size);
    if (!genres) for (let at = 0; at < size; at++) this.#bound(at);
    this.#size = this.#entered;
    // Only the places just above matter to a reader who scrolls, and they keep the cost of a deep page bounded.
    this.#above = before.slice(-WINDOW).map((index) => this.#featuresOf(index));
    if (genres) for (const index of before) genres.place(index);
  }

  /** How many compete for the next place. */
  get size(): number {
    return this.#size;
  }

  /** The `nth` of those that compete, from 0, by score. */
  nth(nth: number): number | undefined {
    let left = nth;
    for (let at = 0; at < this.#entered; at++) {
      if (!this.#isTaken(at) && left-- === 0) return this.#candidates[at];
    }
    return undefined;
  }

  has(index: number): boolean {
    const at = this.#candidates.indexOf(index);
    return at >= 0 && at < this.#entered && !this.#isTaken(at);
  }

  /** Of the greatest worth; of equal ones the first by score. */
  best(): number | undefined {
    // What every track would do to the genres changes with each place.
    if (this.#options.genres) for (let at = 0; at < this.#entered; at++) if (!this.#isTaken(at)) this.#bound(at);
    for (;;) {
      const at = this.#greatest();
      if (at < 0) return undefined;
      if (this.#options.diversity === 0 || this.#compared[at] === this.#above.length) return this.#candidates[at];
      this.#compare(at);
      this.#bound(at);
    }
  }

  #greatest(): number {
    const bounds = this.#bounds;
    const entered = this.#entered;
    let best = -1;
    let greatest = -Infinity;
    for (let at = 0; at < entered; at++) {
      const value = bounds[at] ?? 0;
      if (value > greatest) {
        best = at;
        greatest = value;
      }
    }
    return best;
  }

  #bound(at: number): void {
    const { diversity, calibration, genres } = this.#options;
    let worth = (1 - diversity) * (genres ? 1 - calibration : 1) * (this.#relevance[at] ?? 0);
    if (genres) worth -= calibration * genres.divergenceWith(this.#candidates[at] ?? 0);
    this.#bounds[at] = worth - diversity * (this.#likeness[at] ?? 0);
  }

  /** With those above that it has not been compared with yet. */
  #compare(at: number): void {
    const above = this.#above;
    const own = this.#featuresOf(this.#candidates[at] ?? 0);
    const spread = this.#options.zeros;
    addScaled(spread, own, 1);
    let likeness = this.#likeness[at] ?? 0;
    for (let i = this.#compared[at] ?? 0; i < above.length; i++) {
      likeness = Math.max(likeness, dot(spread, above[i] ?? emptyVector));
    }
    this.#likeness[at] = likeness;
    this.#compared[at] = above.length;
    for (let i = 0; i < own.indices.length; i++) spread[own.indices[i] ?? 0] = 0;
  }

  /** Gives the next place to a track, of the window or not. */
  take(index: number): void {
    const at = this.#candidates.indexOf(index);
    const next = this.#entered;
    if (at >= 0 && !this.#isTaken(at)) {
      if (at < next) this.#size -= 1;
      this.#bounds[at] = -Infinity;
    }
    this.#placed += 1;
    if (this.#entered > next && !this.#isTaken(next)) this.#size += 1;
    this.#above.push(this.#featuresOf(index));
    this.#options.genres?.place(index);
  }

  #isTaken(at: number): boolean {
    return this.#bounds[at] === -Infinity;
  }

  /** One enters for each that leaves. */
  get #entered(): number {
    return Math.min(this.#candidates.length, WINDOW + this.#placed);
  }

  #featuresOf(index: number): SparseVector {
    return this.#options.features[index] ?? emptyVector;
  }
}

function without(ranked: Int32Array, before: readonly number[]): Int32Array {
  if (before.length === 0) return ranked;
  const served = new Set(before);
  return ranked.filter((index) => !served.has(index));
}
