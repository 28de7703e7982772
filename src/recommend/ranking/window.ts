import { f64, i32 } from '../../lib/typed-arrays.ts';
import { addScaled, dot, emptyVector, type SparseVector } from '../math/sparse.ts';
import type { Vectors } from '../model/postings.ts';
import type { Calibration } from './calibration.ts';

/** Number of tracks that compete for each position: the best that are not in the list yet. */
export const WINDOW = 100;

export interface WindowOptions {
  /** Weight of diversity: 0 is score alone, 1 is diversity alone. */
  diversity: number;
  /** Weight of calibration: 0 ignores genres, 1 considers only the distance from the listener's genres. */
  calibration: number;
  /** The distance of the list's genres from the listener's. Null if there is nothing to compare with. */
  genres: Calibration | null;
  scoreOf: (index: number) => number;
  /** Unit vectors. */
  features: Pick<Vectors, 'of'>;
  /** One zero per feature, for writing a vector into. */
  zeros: Float64Array;
}

/**
 * The candidates for the next position of a list and what each is worth there: `(1 − d) · (1 − c) · relevance − d ·
 * likeness − c · divergence`. Relevance is the score, from 0 at the end of the first window to 1 at the top; likeness
 * is the greatest cosine with a track above (maximal marginal relevance, Carbonell & Goldstein 1998); divergence is the
 * distance of the genres from the listener's (Steck 2018). Values are in flat arrays in the order in which candidates
 * enter, which is that of their scores.
 *
 * Likeness only grows as the list does, so the known likeness gives an upper bound of the worth. It is updated for the
 * candidate that looks best until that one is the best (lazy greedy, Minoux 1978). Most pairs are never compared.
 */
export class Window {
  readonly #options: WindowOptions;
  readonly #candidates: Int32Array;
  readonly #relevance: Float64Array;
  /** Upper bound of each candidate's worth, from its known likeness. −Infinity if it has been taken. */
  readonly #bounds: Float64Array;
  /** The greatest cosine with those of `#above` that the candidate has been compared with, which are the first ones. */
  readonly #likeness: Float64Array;
  readonly #compared: Int32Array;
  readonly #above: SparseVector[];
  #placed = 0;
  #size: number;

  /**
   * @param ranked by score, best first, including tracks in the list
   * @param before the list so far
   * @param count number of positions to fill
   */
  constructor(ranked: Int32Array, before: readonly number[], count: number, options: WindowOptions) {
    const { scoreOf, genres } = options;
    this.#options = options;
    this.#candidates = without(ranked, before).subarray(0, WINDOW + count);
    const first = ranked.subarray(0, WINDOW);
    const scoreAt = (at: number): number => {
      const index = first.at(at);
      return index === undefined ? 0 : scoreOf(index);
    };
    const top = scoreAt(0);
    const span = Math.max(top - scoreAt(-1), 1e-9);
    const size = this.#candidates.length;
    this.#relevance = new Float64Array(size);
    for (let at = 0; at < size; at++) this.#relevance[at] = (scoreOf(i32(this.#candidates, at)) - top) / span + 1;
    this.#likeness = new Float64Array(size);
    this.#compared = new Int32Array(size);
    this.#bounds = new Float64Array(size);
    if (!genres) for (let at = 0; at < size; at++) this.#bound(at);
    this.#size = this.#entered;
    // Only the positions just above matter to a person who scrolls, and this limits the cost of a deep page.
    this.#above = before.slice(-WINDOW).map((index) => this.#featuresOf(index));
    if (genres) for (const index of before) genres.place(index);
  }

  /** Number of candidates for the next position. */
  get size(): number {
    return this.#size;
  }

  /** The `nth` candidate by score, from 0. */
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

  /** The candidate with the greatest worth; of equal ones the first by score. */
  best(): number | undefined {
    // The effect of each track on the genres changes with each position.
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
      const value = f64(bounds, at);
      if (value > greatest) {
        best = at;
        greatest = value;
      }
    }
    return best;
  }

  #bound(at: number): void {
    const { diversity, calibration, genres } = this.#options;
    let worth = (1 - diversity) * (genres ? 1 - calibration : 1) * f64(this.#relevance, at);
    if (genres) worth -= calibration * genres.divergenceWith(i32(this.#candidates, at));
    this.#bounds[at] = worth - diversity * f64(this.#likeness, at);
  }

  /** Compares a candidate with the tracks above that it has not been compared with. */
  #compare(at: number): void {
    const above = this.#above;
    const own = this.#featuresOf(i32(this.#candidates, at));
    const spread = this.#options.zeros;
    addScaled(spread, own, 1);
    let likeness = f64(this.#likeness, at);
    for (let i = i32(this.#compared, at); i < above.length; i++) {
      likeness = Math.max(likeness, dot(spread, above[i] ?? emptyVector));
    }
    this.#likeness[at] = likeness;
    this.#compared[at] = above.length;
    for (let i = 0; i < own.indices.length; i++) spread[i32(own.indices, i)] = 0;
  }

  /** Puts a track, from the window or not, at the next position. */
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

  /** For each candidate that leaves, another enters. */
  get #entered(): number {
    return Math.min(this.#candidates.length, WINDOW + this.#placed);
  }

  #featuresOf(index: number): SparseVector {
    return this.#options.features.of(index) ?? emptyVector;
  }
}

function without(ranked: Int32Array, before: readonly number[]): Int32Array {
  if (before.length === 0) return ranked;
  const served = new Set(before);
  return ranked.filter((index) => !served.has(index));
}
