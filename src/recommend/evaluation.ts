import type { History } from './interactions.ts';
import { topIndices } from './sparse.ts';
import type { ItemWeights } from './weights.ts';

/** What is known of a listener, and what they heard next. */
export interface HoldoutCase {
  history: History;
  targets: readonly number[];
}

export interface Metrics {
  'HR@10': number;
  'NDCG@10': number;
  'Recall@20': number;
  'NDCG@20': number;
}

/** The last track of everybody who has at least two; the others train whole. */
export function holdOutLast(histories: readonly History[]): { train: History[]; cases: HoldoutCase[] } {
  const cases: HoldoutCase[] = [];
  const train = histories.map((history) => {
    const last = history.at(-1);
    if (!last || history.length < 2) return history;
    const known = history.slice(0, -1);
    cases.push({ history: known, targets: [last.trackId] });
    return known;
  });
  return { train, cases };
}

/** Means over the cases, each ranked among all trained tracks with what the listener knows left out. */
export function evaluate(weights: ItemWeights, cases: readonly HoldoutCase[]): Metrics {
  const numbers = new Map(Array.from(weights.ids, (id, number) => [id, number]));
  const totals: Metrics = { 'HR@10': 0, 'NDCG@10': 0, 'Recall@20': 0, 'NDCG@20': 0 };
  const scores = new Float64Array(weights.ids.length);
  for (const { history, targets } of cases) {
    const known = scoreHistory(weights, numbers, history, scores);
    const ranked = topIndices(scores, 20, (number) => !known.has(number)).map((number) => weights.ids[number] ?? 0);
    const hits = ranked.map((id) => targets.includes(id));
    totals['HR@10'] += hits.slice(0, 10).some(Boolean) ? 1 : 0;
    totals['NDCG@10'] += ndcg(hits.slice(0, 10), targets.length);
    totals['Recall@20'] += hits.filter(Boolean).length / Math.min(targets.length, 20);
    totals['NDCG@20'] += ndcg(hits, targets.length);
  }
  const mean = (total: number) => total / Math.max(1, cases.length);
  return {
    'HR@10': mean(totals['HR@10']),
    'NDCG@10': mean(totals['NDCG@10']),
    'Recall@20': mean(totals['Recall@20']),
    'NDCG@20': mean(totals['NDCG@20']),
  };
}

function scoreHistory(
  { starts, columns, values }: ItemWeights,
  numbers: ReadonlyMap<number, number>,
  history: History,
  scores: Float64Array,
): Set<number> {
  scores.fill(0);
  const known = new Set<number>();
  for (const { trackId, strength } of history) {
    const row = numbers.get(trackId);
    if (row === undefined) continue;
    known.add(row);
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
      const column = columns[at] ?? 0;
      scores[column] = (scores[column] ?? 0) + strength * (values[at] ?? 0);
    }
  }
  return known;
}

/** Järvelin & Kekäläinen 2002, with gains of 0 and 1. */
function ndcg(hits: readonly boolean[], relevant: number): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const got = hits.reduce((sum, hit, rank) => sum + (hit ? gain(rank) : 0), 0);
  let ideal = 0;
  for (let rank = 0; rank < Math.min(relevant, hits.length); rank++) ideal += gain(rank);
  return ideal === 0 ? 0 : got / ideal;
}
