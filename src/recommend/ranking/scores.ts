import { f64, u8 } from '../../lib/typed-arrays.ts';
import { topK } from '../math/top-k.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { recordingsOf, type Songs } from '../model/songs.ts';
import { beyondArtistCap } from './artist-cap.ts';
import { Calibration, genreShares, genreSpaceOf } from './calibration.ts';
import { chances, diversify, type DiversityOptions } from './diversity.ts';
import { type ExclusionOptions, otherVersionBit } from './exclusions.ts';
import { type Exploration, noExploration } from './exploration.ts';
import { WINDOW } from './window.ts';
import type { Board, Workspace } from './workspace.ts';

export interface RankedTrack {
  index: number;
  score: number;
  /** From 1, by score alone among all eligible tracks. */
  scoreRank: number;
  /** The probability that it was chosen for its position, given those above it. */
  propensity: number;
}

/** How a list is made from scores. */
export interface Shape {
  /** Weight of diversity: 0 is score alone, 1 is diversity alone. */
  diversity: number;
  /** Weight of calibration: 0 ignores genres, 1 matches the listener's shares. */
  calibration: number;
  /** Maximum number of tracks per artist, those with the best scores. Null for no limit. */
  maxPerArtist: number | null;
  exploration: Exploration;
}

export const byScore: Shape = {
  ...{ diversity: 0, calibration: 0, maxPerArtist: null },
  exploration: noExploration,
};

/** The score of every track, computed once, and its exclusions. Ranks and lists are derived from them. */
export class Scores {
  readonly #board: Board;
  readonly #snapshot: Snapshot;
  readonly #baseline: number;
  readonly #options: ExclusionOptions;
  readonly #workspace: Workspace;

  constructor(board: Board, snapshot: Snapshot, baseline: number, options: ExclusionOptions, workspace: Workspace) {
    this.#board = board;
    this.#snapshot = snapshot;
    this.#baseline = baseline;
    this.#options = options;
    this.#workspace = workspace;
  }

  scoreOf(index: number): number {
    return this.#board.scores[index] ?? this.#baseline;
  }

  /** The bits defined in `exclusions.ts`. */
  exclusionsOf(index: number): number {
    return u8(this.#board.excluded, index);
  }

  /** Null if the track is excluded or does not exist. */
  rankOf(index: number): number | null {
    const { scores, excluded } = this.#board;
    const own = scores[index];
    if (own === undefined || excluded[index] !== 0) return null;
    let rank = 1;
    for (let other = 0; other < scores.length; other++) {
      const score = f64(scores, other);
      if (excluded[other] === 0 && (score > own || (score === own && other < index))) rank++;
    }
    return rank;
  }

  /**
   * The next tracks after those in `before`, at most `count`, diversified ([REC5]). A track in `before` is not
   * repeated, however its score has changed.
   */
  next(before: readonly number[], count: number, shape: Shape): RankedTrack[] {
    const ranked = this.#best(before.length + count + WINDOW, shape, before);
    const picked = diversify(ranked, before, count, this.#shaping(shape));
    return picked.map(({ index, propensity }) => {
      return { index, score: this.scoreOf(index), scoreRank: ranked.indexOf(index) + 1, propensity };
    });
  }

  /**
   * The probability of each track of a list at its position, given those above it, if the list is made from this
   * ranking.
   */
  chances(list: readonly number[], shape: Shape): number[] {
    return chances(this.#best(list.length + WINDOW, shape), list, this.#shaping(shape));
  }

  #shaping({ diversity, calibration, exploration }: Shape): DiversityOptions {
    const shares = calibration > 0 ? genreShares(this.#options.taste, this.#snapshot) : null;
    return {
      ...{ diversity, calibration, exploration },
      genres: shares && new Calibration(shares, genreSpaceOf(this.#snapshot)),
      scoreOf: (index) => this.scoreOf(index),
      features: this.#snapshot.features,
      zeros: this.#workspace.zeros(this.#snapshot.byFeature.length),
    };
  }

  #best(count: number, { maxPerArtist }: Shape, before: readonly number[] = []): Int32Array {
    const { scores, excluded } = this.#board;
    const open = withoutOthersOf(before, excluded, this.#snapshot.songs);
    const mask = maxPerArtist === null ? open : beyondArtistCap(this.#snapshot, scores, open, maxPerArtist);
    return topK(scores, mask, count);
  }

  /**
   * The other recording of a track's song by which the track is excluded: the one that the listener reacted to, or the
   * one that may be in the list instead. Null if there is none, or if the listener reacted to the track itself.
   */
  otherVersionOf(index: number): number | null {
    const { excluded } = this.#board;
    const others = recordingsOf(this.#snapshot.songs, index).filter((other) => other !== index);
    if (others.length === 0 || excluded[index] === 0) return null;
    const { history } = this.#options.rules ?? this.#options.taste;
    const known = new Set(history.map(({ trackId }) => this.#snapshot.indexOf.get(trackId)));
    if (known.has(index)) return null;
    return others.find((other) => known.has(other)) ?? others.find((other) => excluded[other] === 0) ?? null;
  }
}

/**
 * The recording that scored best when the list was begun may no longer do so. A song in the list keeps its position
 * nevertheless.
 */
function withoutOthersOf(before: readonly number[], excluded: Uint8Array, songs: Songs): Uint8Array {
  const others = before.flatMap((index) =>
    [...recordingsOf(songs, index)].filter((other) => other !== index && excluded[other] === 0),
  );
  if (others.length === 0) return excluded;
  const mask = excluded.slice();
  for (const index of others) mask[index] = otherVersionBit;
  return mask;
}
