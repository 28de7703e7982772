import { foldText } from '../../lib/text/folded-text.ts';
import { joinedSpellings } from '../../lib/text/search-terms.ts';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The words of a text in any script, as written in lower case and in normal form; punctuation is an empty word. */
export function* segmentsOf(text: string): Generator<{ written: string; word: string }> {
  for (const { segment, isWordLike } of segmenter.segment(text.normalize('NFKC'))) {
    const word = isWordLike ? foldText(segment).replace(/[^\p{L}\p{M}\p{N}]/gu, '') : '';
    if (word !== '' || /\p{P}|\n/u.test(segment)) yield { written: segment.toLowerCase(), word };
  }
}

export const isStopWord = (word: string): boolean => STOP_WORDS.has(word);

/** The words by which a stored text is found, including “acdc” for “AC/DC” and “pink” for “P!nk”. */
export function findableWords(text: string): Set<string> {
  const words = [...segmentsOf(text)].map(({ word }) => word);
  return new Set([...words, ...joinedSpellings(text)].filter((word) => word !== '' && !isStopWord(word)));
}

const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and are as at be by for from i in is it like me my of on or some something that the this to want with ' +
    '的 了 和 与 在 我 是 有 一 一些 想 要 听'
  ).split(' '),
);
