import type { NumberedCase } from './holdout.ts';
import { type ScoredRows, Scorer, type Scoring } from './scorer.ts';

export interface Metrics {
  'HR@10': number;
  'NDCG@10': number;
  'Recall@20': number;
  'NDCG@20': number;
}

/**
 * Metrics of each case, ranked among all items, without known items unless they may recur. Targets from `itemCount` on
 * are misses. Of a track heard several times, the last counts.
 */
export function measure(rows: ScoredRows, cases: readonly NumberedCase[], scoring: Scoring): Metrics[] {
  const scorer = new Scorer(rows, scoring);
  return cases.map((one) => {
    const best = scorer.best(one);
    const positions = one.targets.map((target) => best.indexOf(target)).filter((position) => position >= 0);
    return metricsOf(positions, one.targets.length);
  });
}

/** @param positions of the targets that are found, from 0 @param targets number of targets */
function metricsOf(positions: readonly number[], targets: number): Metrics {
  const within = (cut: number) => positions.filter((position) => position < cut);
  return {
    'HR@10': within(10).length > 0 ? 1 : 0,
    'NDCG@10': ndcg(within(10), Math.min(10, targets)),
    'Recall@20': within(20).length / Math.max(1, targets),
    'NDCG@20': ndcg(within(20), Math.min(20, targets)),
  };
}

/** Järvelin & Kekäläinen 2002, with gains of 0 and 1. */
function ndcg(ranks: readonly number[], relevant: number): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  let ideal = 0;
  for (let rank = 0; rank < relevant; rank++) ideal += gain(rank);
  return ideal === 0 ? 0 : ranks.reduce((sum, rank) => sum + gain(rank), 0) / ideal;
}

export function meanOf(measured: readonly Metrics[]): Metrics {
  const mean = (name: keyof Metrics) =>
    measured.reduce((sum, one) => sum + one[name], 0) / Math.max(1, measured.length);
  return {
    'HR@10': mean('HR@10'),
    'NDCG@10': mean('NDCG@10'),
    'Recall@20': mean('Recall@20'),
    'NDCG@20': mean('NDCG@20'),
  };
}

/** Whether the first is better on the same cases: the mean difference exceeds `margin` standard errors. */
export function excels(first: readonly Metrics[], second: readonly Metrics[], margin: number): boolean {
  const differences = first.map((metrics, i) => qualityOf(metrics) - qualityOf(second[i] ?? metrics));
  const n = differences.length;
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, n - 1);
  return mean > margin * Math.sqrt(variance / n);
}

/** The number by which models are chosen: the mean of the metrics. */
export const qualityOf = (metrics: Metrics): number =>
  (metrics['HR@10'] + metrics['NDCG@10'] + metrics['Recall@20'] + metrics['NDCG@20']) / 4;
