import { i32 } from '../../lib/typed-arrays.ts';
import type { VerseWords } from './verse-words.ts';
import { spelling, wordAt } from './word-trie.ts';

/** Other words that are said as a word is, in lower case. None of a word that is not known. @param word in lower case */
export function homophonesOf({ trie, said }: VerseWords, word: string): string[] {
  const own = wordAt(trie, word);
  if (own === -1) return [];
  const { codes, starts } = said;
  const from = i32(starts, own);
  const length = i32(starts, own + 1) - from;
  const found: string[] = [];
  for (let other = 0; other < trie.ends.length; other++) {
    const start = i32(starts, other);
    if (other === own || i32(starts, other + 1) - start !== length) continue;
    let alike = 0;
    while (alike < length && codes[from + alike] === codes[start + alike]) alike++;
    if (alike === length) found.push(spelling(trie, other));
  }
  return found;
}
