import type { TrainingRow } from '../../db/recommend/recommend-queries.ts';
import { entryOf } from '../../lib/collections.ts';
import { uniformAt } from '../../lib/random.ts';
import { f32, f64, u32 } from '../../lib/typed-arrays.ts';
import { currentReactions } from '../taste/strengths.ts';

/** Who heard what, by listener: row u is `items[starts[u] … starts[u + 1]]`, in the order of hearing. */
export interface Interactions {
  itemCount: number;
  starts: Uint32Array;
  items: Uint32Array;
  /** Strengths, above 0. */
  values: Float32Array;
}

/** The interactions by item: item i was heard by `listeners[starts[i] … starts[i + 1]]`. */
export interface ByItem {
  starts: Uint32Array;
  listeners: Uint32Array;
  values: Float32Array;
  listenerCount: number;
}

interface Heard {
  trackId: number;
  /** Above 0. */
  strength: number;
  /** Milliseconds since the epoch, if known. */
  at?: number;
}

/** One listener's liked tracks, in the order of hearing. */
export type History = readonly Heard[];

/**
 * Each listener's positive reactions; listeners without any are left out. Among reactions at the same time, as in
 * imports of counts, the order is drawn. In the order of ids the last would be the catalogue's newest and least heard,
 * and a measurement on it would be meaningless.
 */
export async function readHistories(batches: AsyncIterable<readonly TrainingRow[]>): Promise<History[]> {
  const histories: History[] = [];
  let listenerId: number | null = null;
  let rows: TrainingRow[] = [];
  const take = (): void => {
    const history = currentReactions(rows)
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

/** Whether the order of most neighbouring tracks is known and not drawn. Imported counts all have the same time. */
export function isOrdered(histories: readonly History[]): boolean {
  let [known, pairs] = [0, 0];
  for (const history of histories) {
    history.slice(1).forEach((heard, i) => {
      pairs += 1;
      if (heard.at !== history[i]?.at) known += 1;
    });
  }
  return 2 * known > pairs;
}

/**
 * Maximum number of a listener's newest tracks in training. Cost grows with pairs of tracks, so that a listener with a
 * million would cost 10¹².
 */
const LONGEST_HISTORY = 1_000;

/** The interactions over the tracks that have any, and the ids of these tracks in ascending order, by number. */
export function toInteractions(histories: readonly History[]): { ids: number[]; interactions: Interactions } {
  const newest = histories.map((history) => history.slice(-LONGEST_HISTORY));
  const ids = [...new Set(newest.flatMap((history) => history.map(({ trackId }) => trackId)))].sort((a, b) => a - b);
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const starts = new Uint32Array(newest.length + 1);
  newest.forEach((history, u) => (starts[u + 1] = u32(starts, u) + history.length));
  const items = new Uint32Array(u32(starts, newest.length));
  const values = new Float32Array(items.length);
  newest.forEach((history, u) => {
    history.forEach(({ trackId, strength }, i) => {
      items[u32(starts, u) + i] = entryOf(numbers, trackId);
      values[u32(starts, u) + i] = strength;
    });
  });
  return { ids, interactions: { itemCount: ids.length, starts, items, values } };
}

/** The interactions with each track of a listener once, where it was heard last. */
export function withoutRepeats(interactions: Interactions): Interactions {
  const { itemCount, starts, items, values } = interactions;
  const lastHeardBy = new Int32Array(itemCount).fill(-1);
  const isKept = new Uint8Array(items.length);
  const ends = new Uint32Array(starts.length);
  for (let u = 0; u + 1 < starts.length; u++) {
    let count = 0;
    for (let at = u32(starts, u + 1) - 1; at >= u32(starts, u); at--) {
      const item = u32(items, at);
      if (lastHeardBy[item] === u) continue;
      lastHeardBy[item] = u;
      isKept[at] = 1;
      count++;
    }
    ends[u + 1] = u32(ends, u) + count;
  }
  if (ends.at(-1) === items.length) return interactions;
  const keep = (_: number, at: number) => isKept[at] === 1;
  return { itemCount, starts: ends, items: items.filter(keep), values: values.filter(keep) };
}

/** How often each item was heard. */
export function countsOf({ itemCount, items }: Interactions): Float64Array {
  const counts = new Float64Array(itemCount);
  for (const item of items) counts[item] = f64(counts, item) + 1;
  return counts;
}

export function transpose({ itemCount, starts, items, values }: Interactions): ByItem {
  const byItem = new Uint32Array(itemCount + 1);
  for (const item of items) byItem[item + 1] = u32(byItem, item + 1) + 1;
  for (let i = 0; i < itemCount; i++) byItem[i + 1] = u32(byItem, i + 1) + u32(byItem, i);
  const next = byItem.slice();
  const listeners = new Uint32Array(items.length);
  const strengths = new Float32Array(items.length);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let a = u32(starts, u); a < u32(starts, u + 1); a++) {
      const item = u32(items, a);
      const at = u32(next, item);
      next[item] = at + 1;
      listeners[at] = u;
      strengths[at] = f32(values, a);
    }
  }
  return { starts: byItem, listeners, values: strengths, listenerCount: starts.length - 1 };
}
