import type { Ranking } from '../ranking/ranking.ts';
import { byScore } from '../ranking/scores.ts';
import type { TermSource } from '../taste/taste.ts';
import { addImpacts, type Impact, noImpact } from '../train/quality/impact.ts';

/** A single object, because rankings without a source are cached by it. */
const POPULARITY: TermSource = { kind: 'popularity' };

/**
 * Counterfactual impact: for each of the first tracks the ranking is computed again without its main reason, and the
 * track is looked up in it. A true reason decides something; one that is merely stated does not. The main reason is
 * compared with the explanation that many services give, "because it is popular".
 * @param turn lets other work run: a ranking takes milliseconds
 */
export async function impactOfReasons(
  ranking: Ranking,
  first: number,
  turn: () => Promise<void>,
): Promise<{ reasons: Impact; popularity: Impact }> {
  let [reasons, popularity] = [noImpact, noImpact];
  for (const { index, scoreRank } of ranking.withScores((scores) => scores.next([], first, byScore))) {
    const main = ranking.contributions(index).find(({ value }) => value > 0);
    if (main) reasons = addImpacts(reasons, impactOf(ranking, index, scoreRank, main.source, first));
    await turn();
    popularity = addImpacts(popularity, impactOf(ranking, index, scoreRank, POPULARITY, first));
    await turn();
  }
  return { reasons, popularity };
}

function impactOf(ranking: Ranking, index: number, rank: number, source: TermSource, first: number): Impact {
  const then = ranking.without(source).rankOf(index);
  return { cited: 1, left: then === null || then > first ? 1 : 0, dropped: then === null ? 0 : then - rank };
}
