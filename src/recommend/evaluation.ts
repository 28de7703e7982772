import type { NumberedCase } from './holdout.ts';
import type { KeptRows } from './kept-rows.ts';

export interface Metrics {
  'HR@10': number;
  'NDCG@10': number;
  'Recall@20': number;
  'NDCG@20': number;
}

export interface Scoring {
  /** Of a listener's history each track counts this much of the one after it. */
  recency: number;
  /** By item, a factor on its score; none for 1. */
  scales?: Float64Array | null;
}

/** Of each case, ranked among all items with what the listener knows left out; targets beyond `itemCount` are misses. */
export function measure(rows: KeptRows, cases: readonly NumberedCase[], scoring: Scoring): Metrics[] {
  const scores = new Float64Array(rows.starts.length - 1);
  return cases.map((one) => {
    score(rows, one, scoring, scores);
    return metricsOf(ranksOf(scores, one.targets));
  });
}

/** Adds up the rows of the history; what is known is at −∞ afterwards. */
function score({ starts, columns, values }: KeptRows, known: NumberedCase, scoring: Scoring, scores: Float64Array) {
  scores.fill(0);
  let factor = 1;
  for (let i = known.items.length - 1; i >= 0; i--) {
    const row = known.items[i] ?? 0;
    const strength = factor * (known.values[i] ?? 0);
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
      const column = columns[at] ?? 0;
      scores[column] = (scores[column] ?? 0) + strength * (values[at] ?? 0);
    }
    factor *= scoring.recency;
  }
  const { scales } = scoring;
  if (scales) for (let j = 0; j < scores.length; j++) scores[j] = (scores[j] ?? 0) * (scales[j] ?? 1);
  for (const item of known.items) if (item < scores.length) scores[item] = -Infinity;
}

/** Ranks of the targets from 0, ascending; of equal scores the lower number is first. */
function ranksOf(scores: Float64Array, targets: readonly number[]): number[] {
  const ranks = targets.map((target) => {
    const own = scores[target];
    if (own === undefined || own === -Infinity) return Infinity;
    let rank = 0;
    for (let j = 0; j < scores.length; j++) {
      const other = scores[j] ?? 0;
      if (other > own || (other === own && j < target)) rank++;
    }
    return rank;
  });
  return ranks.sort((a, b) => a - b);
}

function metricsOf(ranks: readonly number[]): Metrics {
  const within = (cut: number) => ranks.filter((rank) => rank < cut);
  return {
    'HR@10': within(10).length > 0 ? 1 : 0,
    'NDCG@10': ndcg(within(10), Math.min(10, ranks.length)),
    'Recall@20': within(20).length / Math.min(20, Math.max(1, ranks.length)),
    'NDCG@20': ndcg(within(20), Math.min(20, ranks.length)),
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

/** Whether the same cases speak for the first: the mean of their differences is above `margin` standard errors of it. */
export function excels(first: readonly Metrics[], second: readonly Metrics[], margin: number): boolean {
  const differences = first.map((metrics, i) => qualityOf(metrics) - qualityOf(second[i] ?? metrics));
  const n = differences.length;
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, n - 1);
  return mean > margin * Math.sqrt(variance / n);
}

/** One number for what is chosen by: the mean of the metrics. */
export const qualityOf = (metrics: Metrics): number =>
  (metrics['HR@10'] + metrics['NDCG@10'] + metrics['Recall@20'] + metrics['NDCG@20']) / 4;
