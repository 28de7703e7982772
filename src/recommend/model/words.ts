import { foldText } from '../../lib/text/folded-text.ts';
import { joinedSpellings } from '../../lib/text/search-terms.ts';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The words of a text in any script, in normal form, without stop words, each once. */
export function wordsOf(text: string): string[] {
  return [...writtenWords(text).keys()];
}

/** The words of `wordsOf`, each with its spelling in lower case. */
export function writtenWords(text: string): Map<string, string> {
  const words = new Map<string, string>();
  for (const { segment, isWordLike } of segmenter.segment(text.normalize('NFKC'))) {
    const word = isWordLike ? foldText(segment).replace(/[^\p{L}\p{M}\p{N}]/gu, '') : '';
    if (word !== '' && !STOP_WORDS.has(word) && !words.has(word)) words.set(word, segment.toLowerCase());
  }
  return words;
}

/** The words by which a stored text is found, including “acdc” for “AC/DC” and “pink” for “P!nk”. */
export function findableWords(text: string): Set<string> {
  return new Set([...wordsOf(text), ...joinedSpellings(text)].filter((word) => !STOP_WORDS.has(word)));
}

const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and are as at be by for from i in is it like me my of on or some something that the this to want with ' +
    '的 了 和 与 在 我 是 有 一 一些 想 要 听'
  ).split(' '),
);
