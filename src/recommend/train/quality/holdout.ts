import { Counter } from '../../../lib/collections.ts';
import { randomStream, uniformAt } from '../../../lib/random.ts';
import { f32, u32 } from '../../../lib/typed-arrays.ts';
import type { Interactions } from '../interactions.ts';

/** A listener's known items, oldest first, and what they heard next; items by number. */
export interface NumberedCase {
  items: Uint32Array;
  values: Float32Array;
  targets: readonly number[];
}

export interface Holdout {
  train: Interactions;
  cases: readonly NumberedCase[];
}

/** Holds out each listener's last track, unless too many share it ([REC9]): see `lastTargets`. */
export function holdOutLast(interactions: Interactions): Holdout {
  const { starts, items, values } = interactions;
  const rows = Array.from({ length: starts.length - 1 }, (_, u) => items.subarray(u32(starts, u), u32(starts, u + 1)));
  const targets = lastTargets(rows);
  const cases = targets.flatMap((last, u): NumberedCase[] => {
    if (last === null) return [];
    const [from, target] = [u32(starts, u), u32(starts, u) + last];
    return [
      { items: items.subarray(from, target), values: values.subarray(from, target), targets: [u32(items, target)] },
    ];
  });
  const train = keep(interactions, (u) => {
    const positions = Array.from(rows[u]?.keys() ?? [], (i) => u32(starts, u) + i);
    return positions.filter((_, i) => i !== targets[u]);
  });
  return { train, cases };
}

/** The maximum share of listeners with the same target. With few tracks it is a multiple of an even share. */
const MOST = { share: 0.01, timesEven: 2 };

/**
 * The targets for choosing settings. Where many histories end in the same few tracks, a model that follows the fashion
 * would look right about everybody's taste: a target says less about a listener the more listeners share it. It should
 * be weighted by the inverse of its frequency (inverse propensity scores, truncated to limit variance: Yang et al.
 * 2018, Ionides 2008). Instead of weighting, it is sampled accordingly: only a limited number of listeners keep it, and
 * for the others an earlier track is the target.
 * @param rows what each listener heard, oldest first
 * @returns the position of each target, which has another track before it; null if there is none
 */
export function lastTargets<Item>(rows: readonly ArrayLike<Item>[]): (number | null)[] {
  const heardBy = new Counter<Item>();
  for (const row of rows) for (const item of Array.from(row)) heardBy.add(item);
  const most = Math.ceil(rows.length * Math.max(MOST.share, MOST.timesEven / Math.max(1, heardBy.size)));
  const taken = new Counter<Item>();
  const take = (item: Item): boolean => {
    const isLeft = taken.of(item) < most;
    if (isLeft) taken.add(item);
    return isLeft;
  };
  const targets = rows.map((): number | null => null);
  const turns = rows.map((row, u) => ({ u, key: turnOf(row, heardBy) })).sort((a, b) => a.key - b.key);
  for (const { u } of turns) targets[u] = lastOf(rows[u] ?? [], take);
  return targets;
}

/**
 * The order in which listeners choose their targets. It is drawn independently of the order in which tracks and
 * listeners arrived ([REC11]).
 */
function turnOf<Item>(row: ArrayLike<Item>, heardBy: Counter<Item>): number {
  let digest = row.length;
  for (let at = row.length - 1; at >= 0; at--) {
    digest = Math.imul(digest ^ heardBy.of(row[at] as Item), 0x01000193) >>> 0;
  }
  return uniformAt(digest, 0);
}

function lastOf<Item>(items: ArrayLike<Item>, take: (item: Item) => boolean): number | null {
  for (let at = items.length - 1; at > 0; at--) if (take(items[at] as Item)) return at;
  return null;
}

/** Holds out a random fifth of each listener's tracks, for data without an order. One case per listener. */
export function holdOutDrawn(interactions: Interactions, seed: number): Holdout {
  const { starts, items, values } = interactions;
  const random = randomStream(seed);
  const cases: NumberedCase[] = [];
  const train = keep(interactions, (u) => {
    const [from, end] = [u32(starts, u), u32(starts, u + 1)];
    const positions = Array.from({ length: end - from }, (_, i) => from + i);
    const drawn = new Set(positions.filter(() => random() < 0.2).slice(0, end - from - 1));
    const kept = positions.filter((at) => !drawn.has(at));
    if (drawn.size > 0) {
      cases.push({
        items: Uint32Array.from(kept, (at) => u32(items, at)),
        values: Float32Array.from(kept, (at) => f32(values, at)),
        targets: [...drawn].map((at) => u32(items, at)),
      });
    }
    return kept;
  });
  return { train, cases };
}

/** The interactions at the positions that `of` keeps for each listener. */
function keep({ itemCount, starts, items, values }: Interactions, of: (u: number) => readonly number[]): Interactions {
  const rows = Array.from({ length: starts.length - 1 }, (_, u) => of(u));
  const kept = rows.flat();
  const ends = new Uint32Array(starts.length);
  rows.forEach((row, u) => (ends[u + 1] = u32(ends, u) + row.length));
  return {
    itemCount,
    starts: ends,
    items: Uint32Array.from(kept, (at) => u32(items, at)),
    values: Float32Array.from(kept, (at) => f32(values, at)),
  };
}
