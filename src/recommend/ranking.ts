import { diversify, WINDOW } from './diversity.ts';
import { chanceOf, noExploration, type Exploration } from './exploration.ts';
import { exclusionsOf, type ExclusionOptions } from './exclusions.ts';
import type { Neighbours } from './neighbours.ts';
import type { Snapshot } from './snapshot.ts';
import { addScaled, topIndices, valueAt } from './sparse.ts';
import { baselineOf, tasteWithout, termsOf, type Source, type Term } from './taste.ts';

export interface Contribution {
  source: Source;
  value: number;
}

export interface RankedTrack {
  index: number;
  score: number;
  /** 1-based, by score alone among all that may be in the list. */
  scoreRank: number;
  /** The chance that it had of its place, given those before it. */
  propensity: number;
}

/** How a list is made of a ranking. */
export interface Shape {
  /** 0: by score alone … 1: by difference alone. */
  diversity: number;
  exploration: Exploration;
}

export const byScore: Shape = { diversity: 0, exploration: noExploration };

/** One listener's scores for every track of a snapshot, and what they are made of. */
export class Ranking {
  readonly snapshot: Snapshot;
  readonly baseline: number;
  readonly #neighbours: Neighbours;
  readonly #options: ExclusionOptions;
  readonly #terms: readonly Term[];
  readonly #scores: Float64Array;
  readonly #excluded: Uint8Array;
  /**
   * The tracks of a list share their reasons, so one answer asks for few of these, over and over, in one turn of the event
   * loop. For that turn they are kept; longer, a list that is remembered would hold on to megabytes.
   */
  readonly #without = new Map<Source, WeakRef<Ranking>>();

  constructor(snapshot: Snapshot, neighbours: Neighbours, options: ExclusionOptions) {
    this.snapshot = snapshot;
    this.baseline = baselineOf(snapshot);
    this.#neighbours = neighbours;
    this.#options = options;
    this.#terms = termsOf(options.taste, snapshot, neighbours);
    this.#scores = new Float64Array(snapshot.tracks.length).fill(this.baseline);
    for (const { vector, factor } of this.#terms) addScaled(this.#scores, vector, factor);
    this.#excluded = exclusionsOf(snapshot, options);
  }

  scoreOf(index: number): number {
    return this.#scores[index] ?? this.baseline;
  }

  /** Bits of `exclusions.ts`. */
  exclusionsOf(index: number): number {
    return this.#excluded[index] ?? 0;
  }

  /** Null when the track may not be in the list, or there is none. */
  rankOf(index: number): number | null {
    if (this.#scores[index] === undefined || this.exclusionsOf(index) !== 0) return null;
    const own = this.scoreOf(index);
    let rank = 1;
    for (let other = 0; other < this.#scores.length; other++) {
      const score = this.#scores[other] ?? 0;
      if (this.#excluded[other] === 0 && (score > own || (score === own && other < index))) rank++;
    }
    return rank;
  }

  /** Those that are not 0, the largest for or against first; with the baseline they add up to the score. */
  contributions(index: number): Contribution[] {
    const values = this.#terms.map(({ source, factor, vector }) => ({
      source,
      value: factor * valueAt(vector, index),
    }));
    return values.filter(({ value }) => value !== 0).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  }

  /**
   * The tracks after those in `before`, as far as `count`, diversified ([REC5]); a track in `before` is not repeated,
   * whatever has happened to its score.
   */
  next(before: readonly number[], count: number, shape: Shape): RankedTrack[] {
    const ranked = this.#best(before.length + count + WINDOW);
    const rank = new Map(ranked.map((index, i) => [index, i + 1]));
    const picked = diversify(ranked, before, count, {
      ...shape,
      scoreOf: (index) => this.scoreOf(index),
      features: this.snapshot.features,
      featureCount: this.snapshot.byFeature.length,
    });
    return picked.map(({ index, propensity }) => {
      return { index, score: this.scoreOf(index), scoreRank: rank.get(index) ?? 0, propensity };
    });
  }

  /** The chance that this track would be next after those in `before`. */
  chance(before: readonly number[], index: number, shape: Shape): number {
    const served = new Set(before);
    const window = this.#best(before.length + WINDOW).filter((other) => !served.has(other));
    const candidates = window.slice(0, WINDOW);
    if (!candidates.includes(index)) return 0;
    const [best] = this.next(before, 1, { ...shape, exploration: noExploration });
    return chanceOf(best?.index === index, candidates.length, shape.exploration.rate);
  }

  #best(count: number): number[] {
    return topIndices(this.#scores, count, (index) => this.#excluded[index] === 0);
  }

  /** The whole ranking computed again as if this had not been said or done ([REC2]). */
  without(source: Source): Ranking {
    const known = this.#without.get(source)?.deref();
    if (known) return known;
    const taste = tasteWithout(this.#options.taste, source);
    const ranking = new Ranking(this.snapshot, this.#neighbours, { ...this.#options, taste });
    this.#without.set(source, new WeakRef(ranking));
    return ranking;
  }
}
