import { Calibration, genreSpaceOf } from './calibration.ts';
import type { Snapshot } from './snapshot.ts';
import { addScaled, dot, emptyVector, type SparseVector } from './sparse.ts';

export interface MeasuredList {
  /** Of the snapshot's tracks, in the order of the list. */
  indices: readonly number[];
  /** The listener's genres, as `genreShares` has them. */
  genres: Float64Array | null;
}

/**
 * What lists are like besides being right, means over the lists: the share of the catalogue that is in any of them; how
 * unpopular their tracks are (1 − popularity: the expected popularity complement of Vargas & Castells, RecSys 2011); how
 * different from each other (mean of 1 − cosine of what two are made of); and how far their genres are from the listener's
 * (KL divergence, Steck 2018, smoothed; 0 is as they hear them).
 */
export interface ListQuality {
  coverage: number;
  novelty: number;
  diversity: number;
  /** Null where of no listener a genre is known. */
  miscalibration: number | null;
}

export function measureLists(lists: readonly MeasuredList[], snapshot: Snapshot): ListQuality {
  const shown = new Set(lists.flatMap(({ indices }) => indices));
  const novelty = lists.map(({ indices }) => mean(indices.map((i) => 1 - (snapshot.tracks[i]?.popularity ?? 0))));
  const calibrated = lists.flatMap(({ indices, genres }) => (genres ? [divergence(indices, genres, snapshot)] : []));
  return {
    coverage: shown.size / Math.max(1, snapshot.tracks.length),
    novelty: mean(novelty),
    diversity: mean(
      lists.map(({ indices }) => intraListDiversity(madeOf(indices, snapshot), snapshot.byFeature.length)),
    ),
    miscalibration: calibrated.length > 0 ? mean(calibrated) : null,
  };
}

/** 0 of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function divergence(indices: readonly number[], genres: Float64Array, snapshot: Snapshot): number {
  const calibration = new Calibration(genres, genreSpaceOf(snapshot));
  for (const index of indices) calibration.place(index);
  return calibration.divergence;
}

const madeOf = (indices: readonly number[], { features }: Snapshot): SparseVector[] =>
  indices.map((index) => features[index] ?? emptyVector);

/** The mean of 1 − cosine over all pairs of these unit vectors; 0 for a list of one. */
export function intraListDiversity(vectors: readonly SparseVector[], dimensions: number): number {
  const spread = new Float64Array(dimensions);
  let sum = 0;
  let pairs = 0;
  vectors.forEach((vector, i) => {
    addScaled(spread, vector, 1);
    for (const other of vectors.slice(i + 1)) {
      sum += 1 - dot(spread, other);
      pairs += 1;
    }
    for (const feature of vector.indices) spread[feature] = 0;
  });
  return sum / Math.max(1, pairs);
}
