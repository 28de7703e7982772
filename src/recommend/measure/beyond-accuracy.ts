import { emptyVector, type SparseVector } from '../math/sparse.ts';
import { intraListDiversity, mean } from '../math/statistics.ts';
import { type Snapshot, trackAt } from '../model/snapshot.ts';
import { Calibration, genreSpaceOf } from '../ranking/calibration.ts';

export interface MeasuredList {
  /** Indices of the snapshot's tracks, in the list's order. */
  indices: readonly number[];
  /** The listener's genres, as in `genreShares`. */
  genres: Float64Array | null;
}

/**
 * Qualities of lists other than accuracy, as means over the lists: the share of the catalogue that occurs in any of
 * them; how unpopular their tracks are (1 − popularity: the expected popularity complement of Vargas & Castells, RecSys
 * 2011); how different they are (mean of 1 − cosine of two tracks' features); and how far their genres are from the
 * listener's (KL divergence, Steck 2018, smoothed; 0 if they match).
 */
export interface ListQuality {
  coverage: number;
  novelty: number;
  diversity: number;
  /** Null if no listener's genres are known. */
  miscalibration: number | null;
}

export function measureLists(lists: readonly MeasuredList[], snapshot: Snapshot): ListQuality {
  const shown = new Set(lists.flatMap(({ indices }) => indices));
  const novelty = lists.map(({ indices }) => mean(indices.map((i) => 1 - trackAt(snapshot, i).popularity)));
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

function divergence(indices: readonly number[], genres: Float64Array, snapshot: Snapshot): number {
  const calibration = new Calibration(genres, genreSpaceOf(snapshot));
  for (const index of indices) calibration.place(index);
  return calibration.divergence;
}

const madeOf = (indices: readonly number[], { features }: Snapshot): SparseVector[] =>
  indices.map((index) => features.of(index) ?? emptyVector);
