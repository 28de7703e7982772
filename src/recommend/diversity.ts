import { dot, emptyVector, type SparseVector } from './sparse.ts';

/** Tracks that compete for each place: the best that are not in the list yet. */
const WINDOW = 100;

export interface DiversityOptions {
  /** 0: by score alone … 1: by difference alone. */
  diversity: number;
  scoreOf: (index: number) => number;
  /** Unit vectors. */
  features: readonly SparseVector[];
}

/**
 * Maximal marginal relevance (Carbonell & Goldstein 1998): each place goes to the track of the window with the greatest
 * `(1 − d) · relevance − d · likeness`, relevance being the score scaled to the window's span and likeness the greatest
 * cosine with a track above. The list grows at its end only, so it is the same however it is cut into pages.
 *
 * @param ranked by score, best first; at least the window more than are asked for, if there are so many
 */
export function diversify(
  ranked: readonly number[],
  before: readonly number[],
  count: number,
  { diversity, scoreOf, features }: DiversityOptions,
): number[] {
  const taken = new Set(before);
  const open = ranked.filter((index) => !taken.has(index));
  if (diversity === 0) return open.slice(0, count);
  const likeness = new Map<number, number>();
  const featuresOf = (index: number) => features[index] ?? emptyVector;
  const top = scoreOf(ranked[0] ?? 0);
  const span = Math.max(top - scoreOf(ranked[Math.min(WINDOW, ranked.length) - 1] ?? 0), 1e-9);
  const value = (index: number): number =>
    (1 - diversity) * ((scoreOf(index) - top) / span + 1) - diversity * (likeness.get(index) ?? 0);
  const note = (picked: number, candidates: readonly number[]): void => {
    for (const index of candidates) {
      likeness.set(index, Math.max(likeness.get(index) ?? 0, dot(featuresOf(index), featuresOf(picked))));
    }
  };
  // Only the places just above matter to a reader who scrolls, and they keep the cost of a deep page bounded.
  const recent = [...before].slice(-WINDOW);
  const picked: number[] = [];
  const window = open.splice(0, WINDOW);
  for (const index of recent) note(index, window);
  while (picked.length < count && window.length > 0) {
    const best = window.reduce((a, b) => (value(b) > value(a) ? b : a));
    window.splice(window.indexOf(best), 1);
    picked.push(best);
    const entering = open.splice(0, 1);
    for (const index of [...recent, ...picked].slice(-WINDOW)) note(index, entering);
    note(best, window);
    window.push(...entering);
  }
  return picked;
}
