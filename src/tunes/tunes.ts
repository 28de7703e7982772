import { InvalidInputError } from '../lib/errors.ts';
import { MOST_ABC, parseTune } from './abc/parse-tune.ts';
import type { TuneProblem } from './abc/problems.ts';

export { readCorpus } from './corpus/read-corpus.ts';
export { type AskedTune, obeysHeader } from './evaluate/measure-tune.ts';
export { summariseTunes, type TuneSummary } from './evaluate/summary.ts';
export { trainingSet } from './corpus/training-set.ts';
export type { TuneProblem } from './abc/problems.ts';
export { type AbcTokenizer, createAbcTokenizer } from './abc/tokenizer.ts';
export { planTune, type TuneTask } from './form/compose.ts';
export { planExtension, planInfill, planVariation } from './form/revise.ts';
export { nearestMoodWords } from './form/mood.ts';
export type { TuneInput } from './form/settings.ts';
export { readSong, type SungLine } from './song/song.ts';
export { type LineWords, setWords } from './song/set-words.ts';
export { TuneConstraint } from './decoding/tune-constraint.ts';
export type { TunePlan } from './form/plan.ts';

/**
 * What is wrong with a tune in ABC, in the order of its text ([ABC3]). Nothing if it can be played as written.
 * @throws InvalidInputError for a text that is too long to be a tune
 */
export function checkTune(abc: string): readonly TuneProblem[] {
  if (abc.length > MOST_ABC) {
    throw new InvalidInputError(`abc may have at most ${MOST_ABC} characters, not ${abc.length}`, 'abc');
  }
  return parseTune(abc).problems;
}
