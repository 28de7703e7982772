import { narrated, type Reading, type ReadWord } from '../reading/reading.ts';
import { type Candidate, round } from './candidate.ts';

const FILLERS = new Set(['really', 'actually', 'basically', 'literally', 'totally', 'definitely', 'absolutely']);
const FILLERS_ZH = new Set(['其实', '基本上', '事实上', '说实话', '总的来说', '老实说']);
/** After these the word is part of the meaning: "not really". */
const NEGATED = /^(?:not|never|nor|no|hardly|cannot|without|if|whether|or|than)$|n't$/;
const KEPT_AFTER_VERY = new Set([
  'much',
  'few',
  'little',
  'many',
  'same',
  'first',
  'last',
  'well',
  'own',
  'best',
  'least',
]);
const KEPT_BEFORE_VERY = new Set([
  'the',
  'this',
  'that',
  'these',
  'those',
  'my',
  'his',
  'her',
  'its',
  'their',
  'our',
  'your',
  'so',
  'how',
]);

/** Words of a text's own voice that only fill. */
export function fillers(reading: Reading): Candidate[] {
  if (reading.isVerse || reading.language === 'OTHER') return [];
  return narrated(reading).flatMap(({ words }) => {
    const ranges = words.map((_, i) => fillerRange(reading, words, i));
    const value = rate(ranges.filter((range) => range !== null).length, words);
    return words.flatMap((word, i): Candidate[] => {
      const range = ranges[i];
      if (!range) return [];
      return [
        {
          ...{ kind: 'FILLER', start: word.start, end: word.end, value },
          reason: {
            EN: `“${word.text}” can be left out: the sentence says the same without it.`,
            ZH: `“${word.text}”可以省去，句意不变。`,
          },
          suggestion: { ...range, text: '' },
          again: fillerRate,
        },
      ];
    });
  });
}

const fillerRate = (reading: Reading): number =>
  rate(
    fillerCount(reading),
    reading.sentences.flatMap(({ words }) => words),
  );

/** Number of words that only fill. */
export const fillerCount = (reading: Reading): number =>
  reading.isVerse ? 0 : narrated(reading).reduce((sum, { words }) => sum + fillersAmong(reading, words), 0);

const fillersAmong = (reading: Reading, words: readonly ReadWord[]): number =>
  words.filter((_, i) => fillerRange(reading, words, i) !== null).length;

/** In a hundred words. */
const rate = (fillers: number, { length }: { length: number }): number =>
  round((100 * fillers) / Math.max(1, length), 1);

/** What is deleted with the word: the space, or the Chinese comma, after it. */
function fillerRange({ text, language }: Reading, words: readonly ReadWord[], at: number) {
  const [before, word, after] = [words[at - 1], words[at], words[at + 1]];
  if (!word || !after || language === 'OTHER') return null;
  if (language === 'ZH') {
    if (!FILLERS_ZH.has(word.lower)) return null;
    return { start: word.start, end: word.end + (text.charAt(word.end) === '，' ? 1 : 0) };
  }
  const isBetween =
    before && /^\s$/.test(text.slice(before.end, word.start)) && /^\s$/.test(text.slice(word.end, after.start));
  // Without the word it might have to be "an", and the other way round.
  if (!isBetween || NEGATED.test(before.lower) || /^an?$/.test(before.lower)) return null;
  if (!(word.lower === 'very' ? isIdleVery(before, after) : FILLERS.has(word.lower))) return null;
  return { start: word.start, end: after.start };
}

const isIdleVery = (before: ReadWord, after: ReadWord): boolean =>
  !KEPT_BEFORE_VERY.has(before.lower) &&
  !KEPT_AFTER_VERY.has(after.lower) &&
  after.tags.has('Adjective') &&
  before.lower !== 'very';
