import { drawPlace, type Exploration } from './exploration.ts';
import { addScaled, dot, emptyVector, type SparseVector } from './sparse.ts';

/** Tracks that compete for each place: the best that are not in the list yet. */
export const WINDOW = 100;

export interface DiversityOptions {
  /** 0: by score alone … 1: by difference alone. */
  diversity: number;
  scoreOf: (index: number) => number;
  /** Unit vectors over `featureCount` features. */
  features: readonly SparseVector[];
  featureCount: number;
  exploration: Exploration;
}

export interface Picked {
  index: number;
  /** The chance that it had of its place, given those before it. */
  propensity: number;
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
  { diversity, scoreOf, features, featureCount, exploration }: DiversityOptions,
): Picked[] {
  const served = new Set(before);
  const open = ranked.filter((index) => !served.has(index));
  if (diversity === 0 && exploration.rate === 0) {
    return open.slice(0, count).map((index) => ({ index, propensity: 1 }));
  }
  const top = scoreOf(ranked[0] ?? 0);
  const span = Math.max(top - scoreOf(ranked[Math.min(WINDOW, ranked.length) - 1] ?? 0), 1e-9);
  const featuresOf = (index: number) => features[index] ?? emptyVector;
  // Only the places just above matter to a reader who scrolls, and they keep the cost of a deep page bounded.
  const above = before.slice(-WINDOW).map(featuresOf);
  // One vector at a time is spread out here: its product with another then costs a look-up an entry.
  const spread = new Float64Array(featureCount);
  const withSpread = (vector: SparseVector, use: () => void): void => {
    addScaled(spread, vector, 1);
    use();
    addScaled(spread, vector, -1);
  };
  const enter = (index: number): Candidate => {
    const candidate = { index, relevance: (scoreOf(index) - top) / span + 1, features: featuresOf(index), likeness: 0 };
    withSpread(candidate.features, () => {
      for (const other of above) liken(candidate, dot(spread, other));
    });
    return candidate;
  };
  const window = open.slice(0, WINDOW).map(enter);
  const picked: Picked[] = [];
  while (picked.length < count && window.length > 0) {
    const place = before.length + picked.length;
    const { at, propensity } = drawPlace(bestOf(window, diversity), window.length, place, exploration);
    const [taken] = window.splice(at, 1) as [Candidate];
    picked.push({ index: taken.index, propensity });
    above.push(taken.features);
    if (above.length > WINDOW) above.shift();
    withSpread(taken.features, () => {
      for (const candidate of window) liken(candidate, dot(spread, candidate.features));
    });
    const next = open[WINDOW + picked.length - 1];
    if (next !== undefined) window.push(enter(next));
  }
  return picked;
}

interface Candidate {
  index: number;
  /** The score, from 0 at the window's end to 1 at the top. */
  relevance: number;
  features: SparseVector;
  /** The greatest so far. */
  likeness: number;
}

function liken(candidate: Candidate, likeness: number): void {
  if (likeness > candidate.likeness) candidate.likeness = likeness;
}

/** Where the candidate of the greatest value is; of equal ones the first. */
function bestOf(window: readonly Candidate[], diversity: number): number {
  let [best, greatest] = [-1, -Infinity];
  window.forEach(({ relevance, likeness }, i) => {
    const value = (1 - diversity) * relevance - diversity * likeness;
    if (value > greatest) [best, greatest] = [i, value];
  });
  return best;
}
