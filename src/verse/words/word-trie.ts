import { i32, u8 } from '../../lib/typed-arrays.ts';

/**
 * Words as a trie, in memory that threads share. A node stands for the letters on its path. Nodes are numbered so that
 * children come after their parents; node 0 is the empty word.
 */
export interface WordTrie {
  /** The last letter of each node's path, as a UTF-16 code. // [nodes] */
  readonly letters: Uint8Array;
  /** The first child, and the next child of the same parent. 0 for none. // [nodes] */
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  readonly parents: Int32Array;
  /** The index of the word that ends here. −1 for none. // [nodes] */
  readonly words: Int32Array;
  /** The node at which each word ends. // [words] */
  readonly ends: Int32Array;
}

/** @param words distinct, of ASCII characters, in any order; a word's index is its position */
export function buildTrie(words: readonly string[]): WordTrie {
  const most = words.reduce((sum, { length }) => sum + length, 1);
  const ints = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
  const trie = { letters: new Uint8Array(most), firstChild: new Int32Array(most), nextSibling: new Int32Array(most) };
  const parents = new Int32Array(most);
  const ends = ints(words.length);
  let nodes = 1;
  words.forEach((word, index) => {
    let node = 0;
    for (let at = 0; at < word.length; at++) {
      const letter = word.charCodeAt(at);
      let child = childOf(trie, node, letter);
      if (child === 0) {
        child = nodes++;
        trie.letters[child] = letter;
        parents[child] = node;
        trie.nextSibling[child] = i32(trie.firstChild, node);
        trie.firstChild[node] = child;
      }
      node = child;
    }
    ends[index] = node;
  });
  const wordOf = ints(nodes).fill(-1);
  ends.forEach((node, word) => (wordOf[node] = word));
  const shared = (from: Int32Array) => {
    const copy = ints(nodes);
    copy.set(from.subarray(0, nodes));
    return copy;
  };
  const letters = new Uint8Array(new SharedArrayBuffer(nodes));
  letters.set(trie.letters.subarray(0, nodes));
  return {
    letters,
    firstChild: shared(trie.firstChild),
    nextSibling: shared(trie.nextSibling),
    parents: shared(parents),
    words: wordOf,
    ends,
  };
}

/** The child with this letter. 0 if there is none. */
export function childOf(
  { letters, firstChild, nextSibling }: Pick<WordTrie, 'letters' | 'firstChild' | 'nextSibling'>,
  node: number,
  letter: number,
): number {
  let child = i32(firstChild, node);
  while (child !== 0 && u8(letters, child) !== letter) child = i32(nextSibling, child);
  return child;
}

/** The index of a word. −1 if it is not among them. */
export function wordAt(trie: WordTrie, word: string): number {
  let node = 0;
  for (let at = 0; at < word.length; at++) {
    node = childOf(trie, node, word.charCodeAt(at));
    if (node === 0) return -1;
  }
  return i32(trie.words, node);
}

/** The letters of a word. */
export function spelling({ letters, parents, ends }: WordTrie, word: number): string {
  let text = '';
  for (let node = i32(ends, word); node !== 0; node = i32(parents, node)) {
    text = String.fromCharCode(u8(letters, node)) + text;
  }
  return text;
}
