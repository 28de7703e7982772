import type { ReportLanguage, TextSpan } from '../contract.ts';
import { blocksOf } from './blocks.ts';
import { languageOf } from './language.ts';
import { quotesOf } from './quotes.ts';
import type { ReadBlock, Reading, ReadSentence, ReadWord } from './reading.ts';
import { sentencesOf } from './sentences.ts';
import { isInVerse } from './verse-lines.ts';

/** What a part of a text has in common with the whole. */
interface Known {
  language: ReportLanguage;
  isVerse: boolean;
}

export function readText(text: string): Reading {
  return readAgain(text, { language: languageOf(text), isVerse: isInVerse(text, blocksOf(text)) });
}

/** Reads a text that came of another one, or a part of it. */
export function readAgain(text: string, { language, isVerse }: Known): Reading {
  const ranges = blocksOf(text);
  const { quotes } = quotesOf(text, ranges);
  const blocks = ranges.map((range) => readBlock(text, range, { language, isVerse }, quotes));
  const sentences = blocks.flatMap((block) => block.sentences);
  return { text, language, isVerse, blocks, sentences, quotes };
}

function readBlock(text: string, range: TextSpan, known: Known, quotes: readonly TextSpan[]): ReadBlock {
  const own = quotes.filter(({ start, end }) => start < range.end && end > range.start);
  const sentences = sentencesOf(text.slice(range.start, range.end), known).map((sentence): ReadSentence => {
    const moved = move(sentence, range.start);
    const words = sentence.words.map((word): ReadWord => move(word, range.start));
    const isQuoted = own.some(({ start, end }) => start < moved.end && end > moved.start);
    return { ...moved, words, isQuoted };
  });
  return { ...range, sentences };
}

const move = <Part extends TextSpan>(part: Part, by: number): Part => ({
  ...part,
  start: part.start + by,
  end: part.end + by,
});
