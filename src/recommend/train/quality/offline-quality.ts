import { f64, u32 } from '../../../lib/typed-arrays.ts';
import { emptyVector, type SparseVector } from '../../math/sparse.ts';
import type { SparseRows } from '../../math/sparse-rows.ts';
import { intraListDiversity, mean } from '../../math/statistics.ts';
import { addImpacts, type Impact, noImpact } from './impact.ts';
import { midRanks, popularityDivergence, popularityGroups } from './popularity.ts';
import { type Known, type ScoredRows, Scorer, type Scoring } from './scorer.ts';

/** Number of tracks whose reasons are tested. */
const FIRST = 10;

/**
 * Qualities other than accuracy of a model that is evaluated on files, where nothing is known about a track except who
 * heard it.
 */
export interface OfflineQuality {
  /** The share of the items that occurs in any of the lists. */
  'Coverage@20': number;
  /** 1 − popularity, the mid-rank percentile of how often an item was heard. */
  'Novelty@20': number;
  /** 1 − cosine of two items' rows of weights. */
  'Diversity@20': number;
  /**
   * The distance between the shares of often, sometimes and rarely heard items in the list and in the history, from 0
   * to 1.
   */
  'PopularityDivergence@20': number;
  /**
   * Without the heard item that contributes most: the share of the first ten that leave the ten, and the ranks that
   * they fall.
   */
  'ReasonLeaves@10': number;
  'ReasonDrop@10': number;
  /** The same without the most popular item of the history. */
  'PopularReasonLeaves@10': number;
  'PopularReasonDrop@10': number;
}

/** Means over lists of twenty for these listeners ([EVAL2]). @param counts how often each item was heard */
export function measureOffline(
  rows: ScoredRows,
  listeners: readonly Known[],
  scoring: Scoring,
  counts: Float64Array,
): OfflineQuality {
  const scorer = new Scorer(rows, scoring);
  const lists = listeners.map((known) => [...scorer.best(known)].filter((item) => item >= 0));
  const popularity = midRanks(counts);
  const groups = popularityGroups(counts);
  const divergences = listeners.map(({ items }, u) => popularityDivergence(items, lists[u] ?? [], groups));
  const impacts = listeners.map((known, u) => impactsOf(scorer, known, (lists[u] ?? []).slice(0, FIRST), counts));
  const main = impacts.map(({ main }) => main).reduce(addImpacts, noImpact);
  const popular = impacts.map(({ popular }) => popular).reduce(addImpacts, noImpact);
  return {
    'Coverage@20': new Set(lists.flat()).size / Math.max(1, counts.length),
    'Novelty@20': mean(lists.map((list) => mean(list.map((item) => 1 - f64(popularity, item))))),
    'Diversity@20': mean(lists.map((list) => intraListDiversity(rowsOf(list, rows), rows.starts.length - 1))),
    'PopularityDivergence@20': mean(divergences.filter((divergence) => divergence !== null)),
    'ReasonLeaves@10': main.left / Math.max(1, main.cited),
    'ReasonDrop@10': main.dropped / Math.max(1, main.cited),
    'PopularReasonLeaves@10': popular.left / Math.max(1, popular.cited),
    'PopularReasonDrop@10': popular.dropped / Math.max(1, popular.cited),
  };
}

/** The items' rows of weights, scaled to length 1. */
function rowsOf(list: readonly number[], { starts, columns, values }: SparseRows): SparseVector[] {
  return list.map((item) => unit(u32(starts, item), u32(starts, item + 1), columns, values));
}

function unit(from: number, end: number, columns: Uint32Array, values: Float32Array): SparseVector {
  const own = Float64Array.from(values.subarray(from, end));
  const length = Math.sqrt(own.reduce((sum, value) => sum + value ** 2, 0));
  if (length === 0) return emptyVector;
  return { indices: Int32Array.from(columns.subarray(from, end)), values: own.map((value) => value / length) };
}

/** Tests two explanations of a list: the largest contribution, and "because you heard what most have heard". */
function impactsOf(scorer: Scorer, known: Known, list: readonly number[], counts: Float64Array) {
  const popular = mostHeard(known, counts);
  const cited = { main: scorer.mainReasons(known, list), popular: list.map(() => popular) };
  return {
    main: impactOf(scorer, known, list, cited.main),
    popular: impactOf(scorer, known, list, cited.popular),
  };
}

function mostHeard({ items }: Known, counts: Float64Array): number | null {
  const count = (item: number | null) => (item === null ? -1 : (counts[item] ?? 0));
  return items.reduce<number | null>((most, item) => (count(item) > count(most) ? item : most), null);
}

/** @param cited the item to remove for each track of the list */
function impactOf(scorer: Scorer, known: Known, list: readonly number[], cited: readonly (number | null)[]): Impact {
  let impact = noImpact;
  for (const reason of new Set(cited)) {
    if (reason === null) continue;
    const positions = [...list.keys()].filter((position) => cited[position] === reason);
    const then = scorer.positionsOf(
      without(known, reason),
      positions.flatMap((position) => list[position] ?? []),
    );
    positions.forEach((before, i) => {
      const position = then[i] ?? null;
      const left = position === null || position >= FIRST ? 1 : 0;
      impact = addImpacts(impact, { cited: 1, left, dropped: position === null ? 0 : position - before });
    });
  }
  return impact;
}

/** The history as if the item had never been heard. */
function without({ items, values }: Known, reason: number): Known {
  return { items: items.filter((item) => item !== reason), values: values.filter((_, i) => items[i] !== reason) };
}
