import { addScaled, type SparseVector, valueAt } from '../math/sparse.ts';
import { topK } from '../math/top-k.ts';
import type { Neighbours } from '../model/neighbours.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { keepBestRecordings, recordingsOf, type Songs } from '../model/songs.ts';
import { type Source, tasteWithout } from '../taste/taste.ts';
import { beyondArtistCap } from './artist-cap.ts';
import { Calibration, genreShares, genreSpaceOf } from './calibration.ts';
import { chances, diversify, type DiversityOptions } from './diversity.ts';
import { type ExclusionOptions, markExclusions, otherVersionBit } from './exclusions.ts';
import { type Exploration, noExploration } from './exploration.ts';
import { type Board, SharedBoard } from './score-board.ts';
import { baselineOf, type Term, termsOf } from './terms.ts';
import { WINDOW } from './window.ts';

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
  /** 0: whatever genres come … 1: as the listener's own are spread. */
  calibration: number;
  /** Only so many tracks of an artist, those with the best scores, may be in the list; null: any number. */
  maxPerArtist: number | null;
  exploration: Exploration;
}

export const byScore: Shape = {
  ...{ diversity: 0, calibration: 0, maxPerArtist: null },
  exploration: noExploration,
};

/** Of the rankings that lists begin from. */
const common = new SharedBoard();

/** One listener's scores for every track of a snapshot, and what they are made of. */
export class Ranking {
  readonly snapshot: Snapshot;
  readonly baseline: number;
  readonly #neighbours: Neighbours;
  readonly #options: ExclusionOptions;
  readonly #terms: readonly Term[];
  readonly #boards: SharedBoard;
  readonly #owner = {};
  /**
   * The tracks of a list share their reasons, so one answer asks for few of these, over and over, in one turn of the event
   * loop. For that turn they are kept, each with a board of its own; longer, a list that is remembered would hold on to
   * megabytes.
   */
  readonly #without = new Map<Source, WeakRef<Ranking>>();

  constructor(snapshot: Snapshot, neighbours: Neighbours, options: ExclusionOptions, boards = common) {
    this.snapshot = snapshot;
    this.baseline = baselineOf(snapshot);
    this.#neighbours = neighbours;
    this.#options = options;
    this.#terms = termsOf(options.taste, snapshot, neighbours);
    this.#boards = boards;
  }

  get #board(): Board {
    return this.#boards.of(this.#owner, this.snapshot.tracks.length, ({ scores, excluded }) => {
      scores.fill(this.baseline);
      for (const { vector, factor } of this.#terms) addTerm(scores, vector, factor);
      markExclusions(excluded, this.snapshot, this.#options);
      keepBestRecordings(scores, excluded, this.snapshot.songs, otherVersionBit);
    });
  }

  scoreOf(index: number): number {
    return this.#board.scores[index] ?? this.baseline;
  }

  /** Bits of `exclusions.ts`. */
  exclusionsOf(index: number): number {
    return this.#board.excluded[index] ?? 0;
  }

  /** Null when the track may not be in the list, or there is none. */
  rankOf(index: number): number | null {
    const { scores, excluded } = this.#board;
    const own = scores[index];
    if (own === undefined || excluded[index] !== 0) return null;
    let rank = 1;
    for (let other = 0; other < scores.length; other++) {
      const score = scores[other] ?? 0;
      if (excluded[other] === 0 && (score > own || (score === own && other < index))) rank++;
    }
    return rank;
  }

  /** Those that are not 0, the largest for or against first; with the baseline they add up to the score. */
  contributions(index: number): Contribution[] {
    const found: Contribution[] = [];
    for (const { source, factor, vector } of this.#terms) {
      const value =
        factor * (isDense(vector, this.snapshot.tracks) ? (vector.values[index] ?? 0) : valueAt(vector, index));
      if (value !== 0) found.push({ source, value });
    }
    return found.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  }

  /**
   * The tracks after those in `before`, as far as `count`, diversified ([REC5]); a track in `before` is not repeated,
   * whatever has happened to its score.
   */
  next(before: readonly number[], count: number, shape: Shape): RankedTrack[] {
    const ranked = this.#best(before.length + count + WINDOW, shape, before);
    const picked = diversify(ranked, before, count, this.#shaping(shape));
    return picked.map(({ index, propensity }) => {
      return { index, score: this.scoreOf(index), scoreRank: ranked.indexOf(index) + 1, propensity };
    });
  }

  /** The chance that each track of a list has of its place, given those before it, if the list is made of this ranking. */
  chances(list: readonly number[], shape: Shape): number[] {
    return chances(this.#best(list.length + WINDOW, shape), list, this.#shaping(shape));
  }

  #shaping({ diversity, calibration, exploration }: Shape): DiversityOptions {
    const shares = calibration > 0 ? genreShares(this.#options.taste, this.snapshot) : null;
    return {
      ...{ diversity, calibration, exploration },
      genres: shares && new Calibration(shares, genreSpaceOf(this.snapshot)),
      scoreOf: (index) => this.scoreOf(index),
      features: this.snapshot.features,
      featureCount: this.snapshot.byFeature.length,
    };
  }

  #best(count: number, { maxPerArtist }: Shape, before: readonly number[] = []): Int32Array {
    const { scores, excluded } = this.#board;
    const open = withoutOthersOf(before, excluded, this.snapshot.songs);
    const mask = maxPerArtist === null ? open : beyondArtistCap(this.snapshot, scores, open, maxPerArtist);
    return topK(scores, mask, count);
  }

  /**
   * The other recording of a track's song that has to do with why it is not in the list: the one that the listener reacted to,
   * or the one that may be in the list instead. Null where there is none, or the track itself was reacted to.
   */
  otherVersionOf(index: number): number | null {
    const { excluded } = this.#board;
    const others = recordingsOf(this.snapshot.songs, index).filter((other) => other !== index);
    if (others.length === 0 || excluded[index] === 0) return null;
    const { history } = this.#options.rules ?? this.#options.taste;
    const known = new Set(history.map(({ trackId }) => this.snapshot.indexOf.get(trackId)));
    if (known.has(index)) return null;
    return others.find((other) => known.has(other)) ?? others.find((other) => excluded[other] === 0) ?? null;
  }

  /** The whole ranking computed again as if this had not been said or done ([REC2]). */
  without(source: Source): Ranking {
    const known = this.#without.get(source)?.deref();
    if (known) return known;
    const taste = tasteWithout(this.#options.taste, source);
    const ranking = new Ranking(this.snapshot, this.#neighbours, { ...this.#options, taste }, new SharedBoard());
    this.#without.set(source, new WeakRef(ranking));
    return ranking;
  }
}

/** What scored best when the list was begun may not any more: a song that is in it has its place all the same. */
function withoutOthersOf(before: readonly number[], excluded: Uint8Array, songs: Songs): Uint8Array {
  const others = before.flatMap((index) =>
    [...recordingsOf(songs, index)].filter((other) => other !== index && excluded[other] === 0),
  );
  if (others.length === 0) return excluded;
  const mask = excluded.slice();
  for (const index of others) mask[index] = otherVersionBit;
  return mask;
}

/** A vector over all tracks is added without looking up where each value belongs. */
const isDense = ({ indices }: SparseVector, all: ArrayLike<unknown>): boolean => indices.length === all.length;

function addTerm(scores: Float64Array, vector: SparseVector, factor: number): void {
  if (!isDense(vector, scores)) {
    addScaled(scores, vector, factor);
    return;
  }
  const { values } = vector;
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) + factor * (values[i] ?? 0);
}
