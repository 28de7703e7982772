import { setImmediate } from 'node:timers/promises';
import type { Serving } from '../model/serving.ts';
import { genreShares } from '../ranking/calibration.ts';
import { Ranking } from '../ranking/ranking.ts';
import { byScore } from '../ranking/scores.ts';
import type { KnownTaste } from '../taste/taste.ts';
import { addImpacts, noImpact } from '../train/quality/impact.ts';
import { type MeasuredList, measureLists } from './beyond-accuracy.ts';
import { impactOfReasons } from './counterfactual-impact.ts';

/** The default options of a list. */
const USUAL = { ...byScore, diversity: 0.2 };
const LENGTH = 20;
const FIRST = 10;

/**
 * Measures what a version serves to these listeners. The names are those stored beside its accuracy: the qualities of
 * the lists (`measureLists`), and the effect of their reasons (`impactOfReasons`): the share of the first ten tracks
 * that leave the ten without their main reason and the ranks that they fall, and the same without popularity.
 * @throws the signal's reason if it aborts
 */
export async function measureServed(
  serving: Serving,
  tastes: readonly KnownTaste[],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  if (tastes.length === 0 || serving.snapshot.tracks.length === 0) return {};
  const lists: MeasuredList[] = [];
  const turn = async (): Promise<void> => {
    await setImmediate();
    signal.throwIfAborted();
  };
  let [reasons, popularity] = [noImpact, noImpact];
  for (const known of tastes) {
    const taste = { ...known, seedTrackIds: [], contextText: null };
    const ranking = new Ranking(serving, { taste, filter: null, includeHeard: false });
    const indices = ranking.withScores((scores) => scores.next([], LENGTH, USUAL)).map(({ index }) => index);
    lists.push({ indices, genres: genreShares(taste, serving.snapshot) });
    const impact = await impactOfReasons(ranking, FIRST, turn);
    reasons = addImpacts(reasons, impact.reasons);
    popularity = addImpacts(popularity, impact.popularity);
    // Lets requests be served in between.
    await turn();
  }
  const { coverage, novelty, diversity, miscalibration } = measureLists(lists, serving.snapshot);
  return {
    ...{ 'Coverage@20': coverage, 'Novelty@20': novelty, 'Diversity@20': diversity },
    ...(miscalibration !== null && { 'Miscalibration@20': miscalibration }),
    'ReasonLeaves@10': reasons.left / Math.max(1, reasons.cited),
    'ReasonDrop@10': reasons.dropped / Math.max(1, reasons.cited),
    'PopularityLeaves@10': popularity.left / Math.max(1, popularity.cited),
    'PopularityDrop@10': popularity.dropped / Math.max(1, popularity.cited),
  };
}
