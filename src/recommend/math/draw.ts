import { randomStream } from '../../lib/random.ts';

/** A random sample of at most this many items, the same each time. */
export function drawn<Item>(all: readonly Item[], most: number, seed: number): readonly Item[] {
  if (all.length <= most) return all;
  const random = randomStream(seed);
  return all
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, most)
    .map(({ item }) => item);
}
