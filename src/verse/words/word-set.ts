import { i32, u32 } from '../../lib/typed-arrays.ts';
import type { VerseWords } from './verse-words.ts';

/** A set of words as a view of the trie: which shapes of its words a node leads to. */
export interface WordSet {
  /** The shape's bit of the word that ends at the node, if it is in the set; otherwise 0. // [nodes] */
  readonly own: Uint32Array;
  /** The shapes of the set's words that end at the node or below it. // [nodes] */
  readonly below: Uint32Array;
}

/** @param members indices of words */
export function wordSet({ trie, shapes }: VerseWords, members: Iterable<number>): WordSet {
  const nodes = trie.words.length;
  const own = new Uint32Array(nodes);
  for (const word of members) own[i32(trie.ends, word)] = u32(shapes, word);
  const below = own.slice();
  // Children come after their parents, so one pass from the end suffices.
  for (let node = nodes - 1; node > 0; node--) {
    const parent = i32(trie.parents, node);
    below[parent] = u32(below, parent) | u32(below, node);
  }
  return { own, below };
}
