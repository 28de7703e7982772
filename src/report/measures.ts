import { syllable } from 'syllable';
import type { TextMeasures } from './contract.ts';
import { round } from './findings/candidate.ts';
import { fillerCount } from './findings/fillers.ts';
import { lengthOf } from './findings/long-sentences.ts';
import { passiveSentences } from './findings/passive.ts';
import { narrated, type Reading, type ReadWord } from './reading/reading.ts';

const FEWEST_GRADED = 10;
/** Words that are looked at together for variety. */
const WINDOW = 100;
const LONGEST_WORD = 60;

export function measureText(reading: Reading): TextMeasures {
  const { sentences, language, isVerse } = reading;
  const words = sentences.flatMap((sentence) => sentence.words);
  const lengths = sentences.map((sentence) => lengthOf(sentence, language));
  const count = Math.max(1, sentences.length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / count;
  const variance = lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / count;
  const isEnglish = language === 'EN';
  const isGraded = isEnglish && !isVerse && words.length >= FEWEST_GRADED;
  return {
    words: words.length,
    sentences: sentences.length,
    meanSentence: round(mean),
    sentenceDeviation: round(Math.sqrt(variance)),
    readingGrade: isGraded ? gradeOf(words, sentences.length) : null,
    variety: varietyOf(words),
    dialogueShare: dialogueShare(reading),
    passiveShare:
      isEnglish && !isVerse ? round(passiveSentences(reading) / Math.max(1, narrated(reading).length), 4) : null,
    fillerShare: round(fillerCount(reading) / Math.max(1, words.length), 4),
  };
}

/** The grade of a school in the United States in which a text is read with ease. */
function gradeOf(words: readonly ReadWord[], sentences: number): number {
  const syllables = words.reduce(
    (sum, { lower }) => sum + (lower.length > LONGEST_WORD ? 1 : Math.max(1, syllable(lower))),
    0,
  );
  return round((0.39 * words.length) / sentences + (11.8 * syllables) / words.length - 15.59, 1);
}

function varietyOf(words: readonly ReadWord[]): number | null {
  if (words.length < WINDOW) return null;
  const inWindow = new Map<string, number>();
  let sum = 0;
  words.forEach(({ lower }, i) => {
    inWindow.set(lower, (inWindow.get(lower) ?? 0) + 1);
    if (i < WINDOW - 1) return;
    sum += inWindow.size / WINDOW;
    const first = words[i - WINDOW + 1]?.lower ?? '';
    const left = (inWindow.get(first) ?? 1) - 1;
    if (left === 0) inWindow.delete(first);
    else inWindow.set(first, left);
  });
  return round(sum / (words.length - WINDOW + 1), 3);
}

function dialogueShare({ quotes, blocks }: Reading): number {
  const total = blocks.reduce((sum, { start, end }) => sum + end - start, 0);
  const quoted = quotes.reduce((sum, { start, end }) => sum + end - start, 0);
  return round(quoted / Math.max(1, total), 3);
}
