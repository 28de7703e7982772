import { i32, u32 } from '../../lib/typed-arrays.ts';
import { allShapes, type WordShape } from '../shapes.ts';
import type { VerseWords } from './verse-words.ts';
import { wordAt } from './word-trie.ts';

/** How a word is said, where there is no doubt about it. */
export interface Saying extends WordShape {
  /** Words with the same number rhyme. Null for a word whose rhyme is in doubt, or that lines do not end with. */
  rhyme: number | null;
}

/** Whether it is one of the words that verse is written with. @param spelling in lower case */
export const isWord = ({ trie }: VerseWords, spelling: string): boolean => wordAt(trie, spelling) !== -1;

/** @param spelling in lower case. @returns null for a word that is not known, or can be said in several ways */
export function sayingOf({ trie, shapes, rhymes }: VerseWords, spelling: string): Saying | null {
  const word = wordAt(trie, spelling);
  if (word === -1) return null;
  const shape = allShapes[31 - Math.clz32(u32(shapes, word))];
  const rhyme = i32(rhymes, word);
  return shape ? { ...shape, rhyme: rhyme === -1 ? null : rhyme } : null;
}
