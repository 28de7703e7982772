import { randomStream } from '../../lib/random.ts';
import { f32, f64, u32 } from '../../lib/typed-arrays.ts';
import { countsOf, type Interactions } from './interactions.ts';
import { groupItems } from './item-model/item-groups.ts';

/** The size of groups, as a fraction of what is kept. */
const GROUP_SHARE = 1 / 8;

export interface Subsample {
  interactions: Interactions;
  /** The share of those who heard any of the tracks that is in the sample. */
  share: number;
}

/**
 * A sample that a model can be trained on in seconds: whole groups of tracks that the same people hear, so that
 * neighbours stay together and rarely heard tracks are included; and, if the listeners still have too many pairs of
 * tracks, a random part of them. Listeners with fewer than two remaining tracks are left out.
 */
export function sample(interactions: Interactions, most: { items: number; pairs: number }, seed: number): Subsample {
  const numbers = numberSome(interactions, most.items);
  const size = numbers.reduce((largest, number) => Math.max(largest, number + 1), 0);
  const share = Math.min(1, most.pairs / pairsOf(interactions, numbers));
  if (size === interactions.itemCount && share === 1) return { interactions, share };
  const random = randomStream(seed);
  const keeps = (count: number) => count > 1 && (share === 1 || random() < share);
  return { interactions: restrict(interactions, numbers, size, keeps), share };
}

/**
 * A smaller sample of the most heard tracks, so that most of each history stays together, in its order: whole groups
 * would leave gaps in it, and each scale would look slower than it is.
 */
export function mostHeard(interactions: Interactions, most: { items: number; pairs: number }, seed: number): Subsample {
  const counts = countsOf(interactions);
  const byCount = Uint32Array.from(counts.keys()).sort((a, b) => f64(counts, b) - f64(counts, a) || a - b);
  const kept = byCount.slice(0, most.items).sort();
  const numbers = new Int32Array(interactions.itemCount).fill(-1);
  kept.forEach((item, number) => (numbers[item] = number));
  const share = Math.min(1, most.pairs / pairsOf(interactions, numbers));
  const random = randomStream(seed);
  const keeps = (count: number) => count > 1 && (share === 1 || random() < share);
  return { interactions: restrict(interactions, numbers, kept.length, keeps), share };
}

/** The number of each item, or −1. */
function numberSome(interactions: Interactions, most: number): Int32Array {
  const { itemCount } = interactions;
  if (itemCount <= most) return Int32Array.from({ length: itemCount }, (_, item) => item);
  const groups = groupItems(interactions, Math.ceil(most * GROUP_SHARE));
  const every = Math.ceil(itemCount / most);
  const kept = groups.filter((_, g) => g % every === 0).flatMap((group) => [...group]);
  const numbers = new Int32Array(itemCount).fill(-1);
  kept.forEach((item, number) => (numbers[item] = number));
  return numbers;
}

function pairsOf({ starts, items }: Interactions, numbers: Int32Array): number {
  let pairs = 0;
  for (let u = 0; u + 1 < starts.length; u++) {
    let count = 0;
    for (let at = u32(starts, u); at < u32(starts, u + 1); at++) if ((numbers[u32(items, at)] ?? -1) >= 0) count++;
    pairs += (count * (count + 1)) / 2;
  }
  return pairs;
}

function restrict(
  { starts, items, values }: Interactions,
  numbers: Int32Array,
  itemCount: number,
  keeps: (count: number) => boolean,
): Interactions {
  const kept = { items: new Uint32Array(items.length), values: new Float32Array(items.length) };
  const ends = [0];
  let end = 0;
  for (let u = 0; u + 1 < starts.length; u++) {
    const from = end;
    for (let at = u32(starts, u); at < u32(starts, u + 1); at++) {
      const number = numbers[u32(items, at)] ?? -1;
      if (number < 0) continue;
      kept.items[end] = number;
      kept.values[end++] = f32(values, at);
    }
    if (keeps(end - from)) ends.push(end);
    else end = from;
  }
  return {
    itemCount,
    starts: Uint32Array.from(ends),
    items: kept.items.slice(0, end),
    values: kept.values.slice(0, end),
  };
}
