import { syllable } from 'syllable';
import { soundsOf } from '../dictionaries/packed-sounds.ts';
import { syllableBreaks } from './syllable-breaks.ts';
import type { VerseWords } from './verse-words.ts';
import { wordAt } from './word-trie.ts';

const LONGEST_WORD = 60;

/**
 * The words of a line in syllables, as they are sung: marks stay with their syllable, and a hyphen parts two. Words that
 * the dictionary lacks are parted by their spelling.
 */
export function sungWords(line: string, words: VerseWords): string[][] {
  const found = line.slice(0, 1000).match(/\S+/g) ?? [];
  const sung = found.filter((word) => /[\p{L}\p{N}]/u.test(word));
  return sung.map((word) => word.split(/[-–—]+/).flatMap((part) => (part === '' ? [] : syllablesOf(part, words))));
}

function syllablesOf(part: string, words: VerseWords): string[] {
  const letters = /\p{L}[\p{L}'’]*/u.exec(part);
  if (!letters) return [part];
  const { 0: word, index: from } = letters;
  const breaks = knownBreaks(word.toLowerCase().replaceAll('’', "'"), words) ?? breaksBySpelling(word);
  const ends = [...breaks.map((at) => from + at), part.length];
  return ends.map((end, i) => part.slice(i === 0 ? 0 : ends[i - 1], end));
}

function knownBreaks(word: string, { trie, said }: VerseWords): number[] | null {
  const index = wordAt(trie, word);
  return index === -1 ? null : syllableBreaks(word, soundsOf(said, index));
}

/** Before the consonant that precedes each further group of vowels, as many as the word has syllables. */
function breaksBySpelling(word: string): number[] {
  if (word.length > LONGEST_WORD) return [];
  const groups = [...word.matchAll(/(?:[cpstw]h|qu|[^aeiouy])?[aeiouyà-öø-ÿ]+/gi)].map(({ index }) => index);
  return groups.slice(1, Math.max(1, syllable(word)));
}
