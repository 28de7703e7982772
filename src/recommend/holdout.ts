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

/** Each listener's last track; of somebody with one track nothing is held out. */
export function holdOutLast(interactions: Interactions): Holdout {
  const { starts, items, values } = interactions;
  const cases: NumberedCase[] = [];
  const train = keep(interactions, (u) => {
    const [from, end] = [starts[u] ?? 0, starts[u + 1] ?? 0];
    const last = end - from > 1 ? end - 1 : end;
    if (last < end)
      cases.push({
        items: items.subarray(from, last),
        values: values.subarray(from, last),
        targets: [items[last] ?? 0],
      });
    return Array.from({ length: last - from }, (_, i) => from + i);
  });
  return { train, cases };
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
