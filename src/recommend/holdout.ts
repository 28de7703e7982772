import { randomStream } from '../lib/random.ts';
import type { Interactions } from './interactions.ts';

/** What is known of a listener, oldest first, and what they heard next; items by number. */
export interface NumberedCase {
  items: Uint32Array;
  values: Float32Array;
  targets: readonly number[];
}

export interface Holdout {
  train: Interactions;
  cases: readonly NumberedCase[];
}

/**
 * Each listener's last track, with what came before it, unless too many have the same ([REC9]): see `Targets`. Of somebody
 * with one track nothing is held out.
 */
export function holdOutLast(interactions: Interactions): Holdout {
  const { itemCount, starts, items, values } = interactions;
  const listeners = starts.length - 1;
  const rowOf = (u: number) => items.subarray(starts[u] ?? 0, starts[u + 1] ?? 0);
  const targets = new Targets<number>(listeners, itemCount).ofAll(listeners, (u, take) => lastOf(rowOf(u), take));
  const cases = targets.flatMap((last, u): NumberedCase[] => {
    if (last === null) return [];
    const [from, target] = [starts[u] ?? 0, (starts[u] ?? 0) + last];
    return [
      { items: items.subarray(from, target), values: values.subarray(from, target), targets: [items[target] ?? 0] },
    ];
  });
  const train = keep(interactions, (u) => {
    const positions = Array.from(rowOf(u).keys(), (i) => (starts[u] ?? 0) + i);
    return positions.filter((_, i) => i !== targets[u]);
  });
  return { train, cases };
}

/** As many of the listeners as may be asked for one track; with few tracks, as many more than if all were asked for alike. */
const MOST = { share: 0.01, timesEven: 2 };
/** Of the order in which listeners take their targets. */
const SEED = 1;

/**
 * What listeners are asked for when settings are chosen. Where many histories end in the same few tracks, whoever follows the
 * fashion would be found right about everybody's taste: such a target tells the less of a listener the more share it. It
 * should weigh by the inverse of its frequency (inverse propensity scores, truncated for the sake of variance: Yang et al.
 * 2018, Ionides 2008). Rather than to weigh, it is drawn from by as much: only so many listeners are asked for it, and the
 * others for what they heard before it.
 */
export class Targets<Item> {
  readonly #most: number;
  readonly #taken = new Map<Item, number>();

  constructor(listeners: number, items: number) {
    this.#most = Math.ceil(listeners * Math.max(MOST.share, MOST.timesEven / Math.max(1, items)));
  }

  /** For each listener what `choose` comes to; they take turns in an order that is drawn. */
  ofAll<Chosen>(listeners: number, choose: (u: number, take: (item: Item) => boolean) => Chosen): Chosen[] {
    const random = randomStream(SEED);
    const order = Array.from({ length: listeners }, (_, u) => ({ u, key: random() })).sort((a, b) => a.key - b.key);
    const chosen = new Map(order.map(({ u }) => [u, choose(u, (item) => this.#take(item))]));
    return Array.from({ length: listeners }, (_, u) => chosen.get(u) as Chosen);
  }

  #take(item: Item): boolean {
    const taken = this.#taken.get(item) ?? 0;
    if (taken >= this.#most) return false;
    this.#taken.set(item, taken + 1);
    return true;
  }
}

/** The position of the last item that may be taken and has one before it; null where there is none. */
export function lastOf<Item>(items: ArrayLike<Item>, take: (item: Item) => boolean): number | null {
  for (let at = items.length - 1; at > 0; at--) if (take(items[at] as Item)) return at;
  return null;
}

/** A fifth of each listener's tracks, drawn: for data whose order says nothing. One case a listener. */
export function holdOutDrawn(interactions: Interactions, seed: number): Holdout {
  const { starts, items, values } = interactions;
  const random = randomStream(seed);
  const cases: NumberedCase[] = [];
  const train = keep(interactions, (u) => {
    const [from, end] = [starts[u] ?? 0, starts[u + 1] ?? 0];
    const positions = Array.from({ length: end - from }, (_, i) => from + i);
    const drawn = new Set(positions.filter(() => random() < 0.2).slice(0, end - from - 1));
    const kept = positions.filter((at) => !drawn.has(at));
    if (drawn.size > 0) {
      const of = (array: Uint32Array | Float32Array) => kept.map((at) => array[at] ?? 0);
      cases.push({
        items: Uint32Array.from(of(items)),
        values: Float32Array.from(of(values)),
        targets: [...drawn].map((at) => items[at] ?? 0),
      });
    }
    return kept;
  });
  return { train, cases };
}

/** The interactions at the positions that `of` keeps of each listener. */
function keep({ itemCount, starts, items, values }: Interactions, of: (u: number) => readonly number[]): Interactions {
  const rows = Array.from({ length: starts.length - 1 }, (_, u) => of(u));
  const kept = rows.flat();
  const ends = new Uint32Array(starts.length);
  rows.forEach((row, u) => (ends[u + 1] = (ends[u] ?? 0) + row.length));
  return {
    itemCount,
    starts: ends,
    items: Uint32Array.from(kept, (at) => items[at] ?? 0),
    values: Float32Array.from(kept, (at) => values[at] ?? 0),
  };
}
