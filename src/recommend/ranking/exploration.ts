import { uniformAt } from '../../lib/random.ts';

/** How much a list explores ([EXPLORE1]). */
export interface Exploration {
  /** ε, the probability that a position is filled at random. 0 disables exploration. */
  rate: number;
  /** The seed of the draws. */
  seed: number;
}

export const noExploration: Exploration = { rate: 0, seed: 0 };

/** The seed of a list's draws, a function of its id: the 48 bits of a digest before its version. */
export const seedOf = (requestId: string): number => parseInt(requestId.replaceAll('-', '').slice(0, 12), 16);

/**
 * ε-greedy: with probability ε a position goes to one of its candidates, drawn uniformly, otherwise to the best. Each
 * position has its own draws, so a list is the same however it is divided into pages ([EXPLORE2]).
 * @param position in the whole list, from 0
 * @returns the number of the drawn candidate; null for the best
 */
export function drawPosition(candidates: number, position: number, { rate, seed }: Exploration): number | null {
  const isDrawn = rate > 0 && uniformAt(seed, 2 * position) < rate;
  return isDrawn ? Math.floor(uniformAt(seed, 2 * position + 1) * candidates) : null;
}

/** The probability of one of the candidates for a position, drawn or as the best. */
export const chanceOf = (isBest: boolean, candidates: number, rate: number): number =>
  rate / candidates + (isBest ? 1 - rate : 0);
