import { ModelUnavailableError } from '../lib/errors.ts';
import type { EncodedText } from '../ml/engine.ts';
import type { TextHead } from './heads/head-file.ts';
import { labelScores } from './heads/score-text.ts';

const PLEASANT = ['joy'];
const UNPLEASANT = ['anger', 'disgust', 'fear', 'sadness'];

/**
 * How positive a text is, in (−1, 1): the probability of a pleasant emotion less that of any unpleasant one.
 * @throws ModelUnavailableError if the classifier has no such labels
 */
export function sentimentOf(emotions: TextHead, { states }: EncodedText): number {
  const scores = labelScores(emotions, states);
  const anyOf = (labels: readonly string[]) => {
    const found = scores.filter(({ label }) => labels.includes(label));
    if (found.length === 0)
      throw new ModelUnavailableError(`the classifier ${emotions.name} has none of the labels ${labels.join(', ')}`);
    return 1 - found.reduce((none, { probability }) => none * (1 - probability), 1);
  };
  return anyOf(PLEASANT) - anyOf(UNPLEASANT);
}
