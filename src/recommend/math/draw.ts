import { randomStream } from '../../lib/random.ts';

/** At most so many of them, the same each time. */
export function drawn<Item>(all: readonly Item[], most: number, seed: number): readonly Item[] {
  if (all.length <= most) return all;
  const random = randomStream(seed);
  return all
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, most)
    .map(({ item }) => item);
}
