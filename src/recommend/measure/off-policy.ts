import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../../db/client.ts';
import { readRecentLists } from '../../db/queries/served-list-queries.ts';
import { Counter } from '../../lib/collections.ts';
import type { OffPolicyEstimate } from '../contract.ts';
import { shapeOf } from '../lists/list-pages.ts';
import { fromRow, type ServedList } from '../lists/served-lists.ts';
import type { Serving } from '../model/serving.ts';
import { Ranking } from '../ranking/ranking.ts';

/** Maximum number of lists that an estimate reads: the newest that can still be paged through. */
const MOST_LISTS = 1_000;
/** Minimum effective sample size: with fewer, a few positions of great weight decide, and the interval is too narrow. */
const ENOUGH_IMPRESSIONS = 100;
/** The quantile of the standard normal distribution for 95 %. */
const Z = 1.96;

/** A served position: how much more likely the other version fills it in the same way, and whether it was clicked. */
export interface WeightedPosition {
  list: string;
  /** The probability under the evaluated version, divided by the propensity with which it was served. */
  weight: number;
  isClicked: boolean;
}

/**
 * Each position is a decision whose context is the listener and the tracks above, as served. Its probability under the
 * other version is computed exactly, in the way in which the list was made, including exploration.
 * @param servedAfter when the version's training read the feedback: it has learned from earlier clicks
 */
export async function estimateOffPolicy(
  database: Database,
  serving: Serving,
  servedAfter: Date | null,
  signal?: AbortSignal,
): Promise<OffPolicyEstimate> {
  const positions: WeightedPosition[] = [];
  for await (const { rows, clicks } of readRecentLists(database.under(signal), MOST_LISTS, servedAfter)) {
    const clicked = new Set(clicks.map(({ requestId, trackId }) => `${requestId}:${trackId}`));
    for (const row of rows) {
      positions.push(...weigh(fromRow(row), serving, clicked));
      // Lets requests be served in between.
      await turn();
      signal?.throwIfAborted();
    }
  }
  return { modelVersion: serving.neighbours.version, servedAfter, ...estimate(positions) };
}

function weigh(list: ServedList, serving: Serving, clicked: ReadonlySet<string>): WeightedPosition[] {
  const indices = list.positions.flatMap(({ trackId }) => serving.snapshot.indexOf.get(trackId) ?? []);
  // If a track has left the catalogue, the list cannot be evaluated as it was.
  if (indices.length < list.positions.length) return [];
  const chances = new Ranking(serving, list).withScores((scores) => scores.chances(indices, shapeOf(list)));
  return list.positions.map(({ trackId, propensity }, i) => {
    const weight = (chances[i] ?? 0) / propensity;
    return { list: list.id, weight, isClicked: clicked.has(`${list.id}:${trackId}`) };
  });
}

export function estimate(
  positions: readonly WeightedPosition[],
): Omit<OffPolicyEstimate, 'modelVersion' | 'servedAfter'> {
  const sum = (of: (position: WeightedPosition) => number) =>
    positions.reduce((total, position) => total + of(position), 0);
  const n = positions.length;
  const weights = sum(({ weight }) => weight);
  const effectiveSampleSize = weights > 0 ? weights ** 2 / sum(({ weight }) => weight ** 2) : 0;
  const refusal = n === 0 ? 'NO_LISTS' : effectiveSampleSize < ENOUGH_IMPRESSIONS ? 'TOO_FEW' : null;
  return {
    lists: new Set(positions.map(({ list }) => list)).size,
    impressions: n,
    ctr: n > 0 ? sum(({ isClicked }) => (isClicked ? 1 : 0)) / n : null,
    meanWeight: n > 0 ? weights / n : null,
    effectiveSampleSize,
    refusal,
    ...(refusal === null ? scoresOf(positions, weights) : { ips: null, snips: null, low: null, high: null }),
  };
}

function scoresOf(positions: readonly WeightedPosition[], weights: number) {
  const gained = positions.reduce((sum, { weight, isClicked }) => sum + (isClicked ? weight : 0), 0);
  const snips = gained / weights;
  const deviation = deviationOf(positions, snips, weights);
  return {
    ips: gained / positions.length,
    snips,
    low: deviation === null ? null : Math.max(0, snips - Z * deviation),
    high: deviation === null ? null : Math.min(1, snips + Z * deviation),
  };
}

/**
 * The standard deviation of the ratio, by the delta method. Null for a single list, which says nothing about the
 * variation between lists.
 */
function deviationOf(positions: readonly WeightedPosition[], snips: number, weights: number): number | null {
  const byList = new Counter<string>();
  for (const { list, weight, isClicked } of positions) {
    byList.add(list, weight * ((isClicked ? 1 : 0) - snips));
  }
  if (byList.size < 2) return null;
  return Math.sqrt([...byList.values()].reduce((sum, value) => sum + value ** 2, 0)) / weights;
}
