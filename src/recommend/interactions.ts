import type { TrainingRow } from '../db/recommend-queries.ts';
import { uniformAt } from '../lib/random.ts';
import type { Interactions } from './ease.ts';
import { LARGEST_SYSTEM } from './ease.ts';
import { standingReactions } from './strengths.ts';

/** One listener's liked tracks in the order in which they came: by track id, with strengths above 0. */
export type History = readonly { trackId: number; strength: number }[];

/**
 * Everybody's positive standing reactions, listener by listener; a listener without any is left out. Of the same time, as
 * where counts were imported, which comes last is drawn: in the order of the ids it would be the catalogue's newest and
 * least heard, and a measurement on it would say nothing.
 */
export async function readHistories(batches: AsyncIterable<readonly TrainingRow[]>): Promise<History[]> {
  const histories: History[] = [];
  let listenerId: number | null = null;
  let rows: TrainingRow[] = [];
  const take = (): void => {
    const history = standingReactions(rows)
      .filter(({ strength }) => strength > 0)
      .sort((a, b) => a.at - b.at || drawOf(a.trackId, listenerId) - drawOf(b.trackId, listenerId));
    if (history.length > 0) histories.push(history);
    rows = [];
  };
  for await (const batch of batches) {
    for (const row of batch) {
      if (row.listenerId !== listenerId) take();
      listenerId = row.listenerId;
      rows.push(row);
    }
  }
  take();
  return histories;
}

const drawOf = (trackId: number, listenerId: number | null): number => uniformAt(trackId, listenerId ?? 0);

/** Interactions over the tracks that have any, and those tracks' ids in the order of their numbers. */
export function toInteractions(histories: readonly History[]): { ids: number[]; interactions: Interactions } {
  const ids = tracksToTrain(histories);
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const starts = new Uint32Array(histories.length + 1);
  const entries: { item: number; value: number }[] = [];
  histories.forEach((history, u) => {
    const row = history.flatMap(({ trackId, strength }) => {
      const item = numbers.get(trackId);
      return item === undefined ? [] : [{ item, value: strength }];
    });
    for (const entry of row.sort((a, b) => a.item - b.item)) entries.push(entry);
    starts[u + 1] = entries.length;
  });
  const items = Uint32Array.from(entries, ({ item }) => item);
  const values = Float32Array.from(entries, ({ value }) => value);
  return { ids, interactions: { itemCount: ids.length, starts, items, values } };
}

/**
 * The tracks with listeners, ids ascending. Where both tracks and listeners are more than the largest system, the tracks
 * with the most listeners: the others are recommended by what they are made of.
 */
function tracksToTrain(histories: readonly History[]): number[] {
  const listeners = new Map<number, number>();
  for (const history of histories) {
    for (const { trackId } of history) listeners.set(trackId, (listeners.get(trackId) ?? 0) + 1);
  }
  const byListeners = [...listeners].sort(([a, m], [b, n]) => n - m || a - b);
  const isTooLarge = byListeners.length > LARGEST_SYSTEM && histories.length > LARGEST_SYSTEM;
  const kept = isTooLarge ? byListeners.slice(0, LARGEST_SYSTEM) : byListeners;
  return kept.map(([id]) => id).sort((a, b) => a - b);
}
