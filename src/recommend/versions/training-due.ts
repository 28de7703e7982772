import type { TrainableFeedback } from '../../db/recommend/recommend-queries.ts';
import type { ModelVersion } from '../contract.ts';

type Known = Pick<ModelVersion, 'parameters' | 'trainedAt'>;

/** Training begins by itself when there is this much more feedback than the newest version has seen. */
const ENOUGH_MORE = 1.5;
/** Or only so much of it is left: the rest was withdrawn, erased or removed for its age. */
const LEFT = 0.8;
/** A smaller change is trained on once the newest version is this old. */
const LONGEST_MS = 30 * 86_400_000;

/** Whether what there is to train on differs enough from what the newest version has seen ([REC10]). */
export function isTrainingDue(feedback: TrainableFeedback, newest: Known | null, now: number): boolean {
  if (feedback.count > ENOUGH_MORE * seenBy(newest) || isMuchGone(feedback, newest)) return true;
  if (!newest) return false;
  const { feedback: count, latestFeedback, readAt } = newest.parameters;
  const hasChanged = feedback.count !== Number(count ?? 0) || feedback.latest !== Number(latestFeedback);
  return hasChanged && now - Number(readAt ?? newest.trainedAt) > LONGEST_MS;
}

/** Whether so much is gone of what a version has seen that its accuracy is no reason to let it serve. */
export const isMuchGone = ({ count }: TrainableFeedback, version: Pick<Known, 'parameters'> | null): boolean =>
  count < LEFT * seenBy(version);

const seenBy = (version: Pick<Known, 'parameters'> | null): number => Number(version?.parameters.feedback ?? 0);
