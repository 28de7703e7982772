import { checkFirst } from '../../lib/page.ts';
import type { Recommendation, TrackExplanation } from '../contract.ts';
import { type OpenedList, recommendationOf } from '../lists/opened-list.ts';
import { exclusionNames } from '../ranking/exclusions.ts';
import { byScore } from '../ranking/scores.ts';
import { explain } from './explanation.ts';
import { Telling } from './telling.ts';
import { whyNotSentence } from './why-not.ts';

/** Why a track has its rank, or is excluded ([REC12]). Null for a track that the ranking does not know. */
export function explainTrack({ ranking, madeFrom }: OpenedList, trackId: number): TrackExplanation | null {
  const { snapshot } = ranking;
  const index = snapshot.indexOf.get(trackId);
  if (index === undefined) return null;
  // Kept with the explanation, whose parts are computed from them on demand.
  const scores = ranking.scores();
  const scoreRank = scores.rankOf(index);
  const excludedBy = exclusionNames(scores.exclusionsOf(index));
  const other = scores.otherVersionOf(index);
  const otherVersionId = other === null ? null : (snapshot.tracks[other]?.id ?? null);
  const above = (first: number): Recommendation[] => {
    const telling = new Telling('above', madeFrom);
    const better = scores.next([], Math.min(first, (scoreRank ?? 1) - 1), byScore);
    return better.map((one) => recommendationOf(ranking, one, one.scoreRank, telling));
  };
  return {
    ...{ trackId, score: scores.scoreOf(index), scoreRank, excludedBy, otherVersionId },
    explanation: explain(ranking, index, new Telling('alone', madeFrom)),
    outweighedBy: (first) => above(checkFirst(first)),
    summary: (locale) => {
      const found = { excludedBy, otherVersionId, scoreRank, first: above(1)[0] ?? null };
      return whyNotSentence(found, snapshot, locale);
    },
  };
}
