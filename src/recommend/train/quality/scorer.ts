import { f32, f64, i32, u32 } from '../../../lib/typed-arrays.ts';
import { factorAt, type SparseRows, type TimeScale } from '../../math/sparse-rows.ts';
import type { NumberedCase } from './holdout.ts';

/** Item–item weights, and those of faster scales. */
export interface ScoredRows extends SparseRows {
  faster?: readonly TimeScale[];
}

export interface Scoring {
  /** Each track of a history counts this much of the one after it. */
  recency: number;
  /**
   * How much having heard a track speaks for hearing it again, in addition to the weights. Null excludes heard tracks.
   */
  repeats?: number | null;
  /** A factor on the score of each item. Null for 1. */
  scales?: Float64Array | null;
  /** How many have heard each item. Of equal scores the more heard comes first, then the lower number. */
  counts?: ArrayLike<number>;
}

/** What is known about a listener. */
export type Known = Pick<NumberedCase, 'items' | 'values'>;

interface HeardTerm {
  item: number;
  /** Weighted by its age in the first scale. */
  strength: number;
  parts: readonly { rows: SparseRows; strength: number }[];
}

/** Number of positions that metrics consider. */
const POSITIONS = 20;

/** Smaller than any weight: the initial advantage of the most heard track over one that nobody heard. */
const LEAST_SCORE = 1e-9;

/** Scores one listener after the other as served lists are scored: by sums over what was heard. */
export class Scorer {
  readonly #rows: ScoredRows;
  readonly #scoring: Scoring;
  /** Each track's score before anything is known about the listener. */
  readonly #start: Float64Array;
  readonly #scores: Float64Array;
  readonly #best = new Int32Array(POSITIONS);

  constructor(rows: ScoredRows, scoring: Scoring) {
    const { counts } = scoring;
    this.#rows = rows;
    this.#scoring = scoring;
    this.#start = new Float64Array(rows.starts.length - 1);
    const most = counts ? Array.from(counts).reduce((a, b) => Math.max(a, b), 1) : 1;
    if (counts) this.#start.forEach((_, i) => (this.#start[i] = (LEAST_SCORE * (counts[i] ?? 0)) / most));
    this.#scores = new Float64Array(this.#start.length);
  }

  /** The first positions, best first. The next call overwrites the result. */
  best(known: Known): Int32Array {
    this.#score(known);
    return this.#first();
  }

  /** The number of items that outrank each of these. Null for an excluded item. */
  positionsOf(known: Known, items: readonly number[]): (number | null)[] {
    this.#score(known);
    const scores = this.#scores;
    return items.map((item) => {
      const own = scores[item] ?? -Infinity;
      let above = 0;
      for (let i = 0; i < scores.length; i++) {
        const score = f64(scores, i);
        if (score > own || (score === own && i < item)) above++;
      }
      return own === -Infinity ? null : above;
    });
  }

  /** For each item, the heard one that contributes most. Null if there is none. */
  mainReasons(known: Known, items: readonly number[]): (number | null)[] {
    const positionOf = new Map(items.map((item, position) => [item, position]));
    const reasons = items.map((): number | null => null);
    const greatest = new Float64Array(items.length);
    const said = new Float64Array(items.length);
    for (const term of this.#terms(known)) {
      said.fill(0);
      this.#tell(term, (item, value) => {
        const position = positionOf.get(item);
        if (position !== undefined) said[position] = f64(said, position) + value;
      });
      said.forEach((value, position) => {
        if (value <= f64(greatest, position)) return;
        greatest[position] = value;
        reasons[position] = term.item;
      });
    }
    return reasons;
  }

  /** Adds everything that one heard track contributes. */
  #tell({ item: heard, strength: base, parts }: HeardTerm, tell: (item: number, value: number) => void): void {
    for (const { rows, strength } of parts) {
      const [from, end] = rowAt(rows.starts, heard);
      for (let at = from; at < end; at++) {
        tell(u32(rows.columns, at), strength * f32(rows.values, at));
      }
    }
    tell(heard, base * (this.#scoring.repeats ?? 0));
  }

  #score(known: Known): void {
    const { repeats = null, scales } = this.#scoring;
    const scores = this.#scores;
    const terms = this.#terms(known);
    scores.set(this.#start);
    for (const { item, strength: base, parts } of terms) {
      for (const { rows, strength } of parts) this.#addRow(rows, item, strength);
      if (repeats !== null && item < scores.length) scores[item] = f64(scores, item) + repeats * base;
    }
    if (scales) for (let j = 0; j < scores.length; j++) scores[j] = f64(scores, j) * f64(scales, j);
    if (repeats === null) for (const { item } of terms) if (item < scores.length) scores[item] = -Infinity;
  }

  /** The heard items, newest first, each once with its weight in each scale. A negative one makes no other older. */
  #terms({ items, values }: Known): HeardTerm[] {
    const faster = this.#rows.faster ?? [];
    const terms = new Map<number, HeardTerm>();
    let age = 0;
    for (let i = items.length - 1; i >= 0; i--) {
      const [item, value] = [u32(items, i), f32(values, i)];
      if (terms.has(item)) continue;
      const strength = value * this.#scoring.recency ** age;
      const parts = faster.flatMap((rows) => {
        const factor = factorAt(rows, age);
        return factor > 0 ? [{ rows, strength: value * factor }] : [];
      });
      terms.set(item, { item, strength, parts: [{ rows: this.#rows, strength }, ...parts] });
      if (value > 0) age += 1;
    }
    return [...terms.values()];
  }

  #addRow({ starts, columns, values }: SparseRows, row: number, strength: number): void {
    const scores = this.#scores;
    const [from, end] = rowAt(starts, row);
    for (let at = from; at < end; at++) {
      const column = columns[at] ?? 0;
      scores[column] = (scores[column] ?? 0) + strength * (values[at] ?? 0);
    }
  }

  /** Insertion sort: an item that is not among the first costs one comparison. */
  #first(): Int32Array {
    const scores = this.#scores;
    const best = this.#best.fill(-1);
    let least = -Infinity;
    for (let j = 0; j < scores.length; j++) {
      const score = f64(scores, j);
      if (score <= least) continue;
      let position = POSITIONS - 1;
      for (; position > 0 && (scores[i32(best, position - 1)] ?? -Infinity) < score; position--)
        best[position] = i32(best, position - 1);
      best[position] = j;
      const last = best[POSITIONS - 1] ?? -1;
      if (last >= 0) least = f64(scores, last);
    }
    return best;
  }
}

/** Where a row begins and ends; what was not trained on has a number beyond the last, and no row. */
const rowAt = (starts: Uint32Array, row: number): [from: number, end: number] =>
  row + 1 < starts.length ? [u32(starts, row), u32(starts, row + 1)] : [0, 0];
