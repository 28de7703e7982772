import { narrated, type Reading, type ReadWord } from '../reading/reading.ts';
import { type Candidate, replacing } from './candidate.ts';

/** Phrases and what says the same in fewer words, whatever stands around them. */
const SHORTER: readonly (readonly [string, string])[] = [
  ['in order to', 'to'],
  ['due to the fact that', 'because'],
  ['owing to the fact that', 'because'],
  ['for the reason that', 'because'],
  ['in spite of the fact that', 'although'],
  ['despite the fact that', 'although'],
  ['in the event that', 'if'],
  ['at this point in time', 'now'],
  ['at the present time', 'now'],
  ['until such time as', 'until'],
  ['during the course of', 'during'],
  ['in close proximity to', 'near'],
  ['in the vicinity of', 'near'],
  ['in the near future', 'soon'],
  ['on a regular basis', 'regularly'],
  ['each and every', 'every'],
  ['first and foremost', 'first'],
  ['has the ability to', 'can'],
  ['have the ability to', 'can'],
  ['is able to', 'can'],
  ['are able to', 'can'],
  ['a large number of', 'many'],
  ['with the exception of', 'except'],
];
const phrases = SHORTER.map(([phrase, shorter]) => ({ words: phrase.split(' '), shorter }));

/** Phrases that can be said in fewer words. */
export function wordy(reading: Reading): Candidate[] {
  if (reading.isVerse || reading.language !== 'EN') return [];
  return narrated(reading).flatMap(({ words }) => words.flatMap((_, i) => phraseAt(reading.text, words, i) ?? []));
}

function phraseAt(text: string, words: readonly ReadWord[], at: number): Candidate | null {
  const found = phrases.find(({ words: phrase }) => phrase.every((word, i) => words[at + i]?.lower === word));
  const first = words[at];
  const last = found && words[at + found.words.length - 1];
  if (!first || !last || !words[at + found.words.length] || /[^\p{L}\s]/u.test(text.slice(first.start, last.end)))
    return null;
  return {
    ...{ kind: 'WORDY', start: first.start, end: last.end, value: words.length },
    reason: {
      EN: `“${found.words.join(' ')}” says no more than “${found.shorter}”.`,
      ZH: `“${found.words.join(' ')}”的意思与“${found.shorter}”相同。`,
    },
    suggestion: replacing(text, { start: first.start, end: last.end }, found.shorter),
    again: ({ sentences }) => sentences.reduce((sum, sentence) => sum + sentence.words.length, 0),
  };
}
