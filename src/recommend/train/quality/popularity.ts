import { entryOf } from '../../../lib/collections.ts';
import { f64 } from '../../../lib/typed-arrays.ts';
/**
 * For each item, the share of items that are heard less, plus half of those heard as often; 0 if nobody heard it
 * ([CAT3]).
 */
export function midRanks(counts: Float64Array): Float64Array {
  const sorted = counts.slice().sort();
  const ranks = new Map<number, number>();
  for (let from = 0, end = 0; from < sorted.length; from = end) {
    const count = f64(sorted, from);
    while (sorted[end] === count) end++;
    ranks.set(count, count === 0 ? 0 : (from + end) / 2 / sorted.length);
  }
  return counts.map((count) => entryOf(ranks, count));
}

/** The share of all plays that belongs to the most heard items, and to the least heard. */
const END_SHARE = 0.2;
const GROUPS = { head: 0, middle: 1, tail: 2 } as const;

/** The popularity group of each item: the most heard items have a fifth of all plays, and so do the least heard. */
export function popularityGroups(counts: Float64Array): Uint8Array {
  const whole = counts.reduce((sum, count) => sum + count, 0);
  const byCount = Uint32Array.from(counts.keys()).sort((a, b) => f64(counts, b) - f64(counts, a) || a - b);
  const groups = new Uint8Array(counts.length);
  let before = 0;
  for (const item of byCount) {
    const share = before / whole;
    groups[item] = share < END_SHARE ? GROUPS.head : share < 1 - END_SHARE ? GROUPS.middle : GROUPS.tail;
    before += f64(counts, item);
  }
  return groups;
}

/**
 * The distance between the shares of each group in the history and in the list: Jensen–Shannon in bits, from 0 to 1
 * (Abdollahpouri et al., "User-centered Evaluation of Popularity Bias in Recommender Systems", UMAP 2021).
 * @returns null if either is empty
 */
export function popularityDivergence(
  heard: Iterable<number>,
  list: Iterable<number>,
  groups: Uint8Array,
): number | null {
  const [p, q] = [sharesOf(heard, groups), sharesOf(list, groups)];
  if (!p || !q) return null;
  const middle = p.map((share, g) => (share + f64(q, g)) / 2);
  return (divergence(p, middle) + divergence(q, middle)) / 2;
}

function sharesOf(items: Iterable<number>, groups: Uint8Array): Float64Array | null {
  const known = [...new Set(items)].flatMap((item) => groups[item] ?? []);
  if (known.length === 0) return null;
  const shareOf = (group: number) => known.filter((one) => one === group).length / known.length;
  return Float64Array.from(Object.values(GROUPS), shareOf);
}

/** Kullback–Leibler divergence in bits. */
const divergence = (p: Float64Array, q: Float64Array): number =>
  p.reduce((sum, share, g) => (share === 0 ? sum : sum + share * Math.log2(share / f64(q, g))), 0);
