import { uniformAt } from '../../lib/random.ts';

/** How far a list tries what it would not have chosen ([EXPLORE1]). */
export interface Exploration {
  /** ε, the chance that a place is drawn; 0 explores nothing. */
  rate: number;
  /** Of the draws. */
  seed: number;
}

export const noExploration: Exploration = { rate: 0, seed: 0 };

/** The draws of a list are a function of its name: the 48 bits of a random UUID before its version. */
export const seedOf = (requestId: string): number => parseInt(requestId.replaceAll('-', '').slice(0, 12), 16);

/**
 * ε-greedy: with probability ε a place goes to one of its candidates drawn evenly, else to the best. Each place has draws
 * of its own, so a list is the same however it is cut into pages ([EXPLORE2]).
 *
 * @param place 0-based, in the whole list
 * @returns the number of the candidate that is drawn; null for the best
 */
export function drawPlace(candidates: number, place: number, { rate, seed }: Exploration): number | null {
  const isDrawn = rate > 0 && uniformAt(seed, 2 * place) < rate;
  return isDrawn ? Math.floor(uniformAt(seed, 2 * place + 1) * candidates) : null;
}

/** What one of so many candidates has of the place, drawn or as the best. */
export const chanceOf = (isBest: boolean, candidates: number, rate: number): number =>
  rate / candidates + (isBest ? 1 - rate : 0);
