import { u32 } from '../../lib/typed-arrays.ts';
import { childOf, type WordChoice, type WordSet, type WordTrie } from '../../verse/verse.ts';
import type { Lexicon } from '../text/token-texts.ts';

/** Tokens that continue a word, as a trie over their letters in lower case. */
interface TokenNode {
  letter: number;
  tokens: number[];
  children: TokenNode[];
}

const emptyNode = (letter: number): TokenNode => ({ letter, tokens: [], children: [] });

/** A token that begins a word, and the trie's node for its letters. */
interface StartingToken {
  id: number;
  node: number;
}

/** Masks that are kept for one set of words, beyond which all are dropped. */
const MOST_MASKS = 64;

/** A vocabulary by what its tokens spell: parts of words, and the rest, which is short text without letters. */
export class WordTokens {
  /** Tokens that begin a word, after a space of their own or without one, by the node of the words' trie they lead to. */
  readonly #spaced: StartingToken[] = [];
  readonly #starting: StartingToken[] = [];
  /** Tokens that continue a word. */
  readonly #inner = emptyNode(0);
  /** Tokens of spaces and punctuation marks. */
  readonly marks: readonly { id: number; text: string }[];
  readonly #byText = new Map<string, number>();
  readonly #masks = new WeakMap<WordSet, Map<string, Uint32Array>>();
  readonly #trie: WordTrie;
  readonly #vocab: number;

  constructor(lexicon: Lexicon, trie: WordTrie) {
    this.#trie = trie;
    this.#vocab = lexicon.vocab;
    const marks: { id: number; text: string }[] = [];
    for (let id = 0; id < lexicon.vocab; id++) {
      const text = Buffer.from(lexicon.bytesOf(id)).toString('latin1');
      if (/^[ -~\n]+$/.test(text) && !this.#byText.has(text)) this.#byText.set(text, id);
      if (/^[ ,.;:!?\n]+$/.test(text)) marks.push({ id, text });
      if (!/^ ?[A-Za-z'][a-z']*$/.test(text)) continue;
      const letters = text.trimStart();
      const isSpaced = letters !== text;
      const node = nodeOf(trie, letters.toLowerCase());
      if (node !== 0) (isSpaced ? this.#spaced : this.#starting).push({ id, node });
      if (!isSpaced && letters === letters.toLowerCase()) insert(this.#inner, letters, id);
    }
    this.marks = marks;
  }

  /** Allows the tokens that `text` begins with. */
  allowPrefixes(allowed: Uint32Array, text: string): void {
    for (let length = 1; length <= text.length; length++) {
      const id = this.#byText.get(text.slice(0, length));
      if (id !== undefined) allow(allowed, id);
    }
  }

  /** Allows the tokens that continue the word at `node`, or begin one if that is 0, towards one of these words. */
  allowLetters(allowed: Uint32Array, choices: readonly WordChoice[], node: number): void {
    for (const choice of choices) {
      if (node === 0) union(allowed, this.#mask('letters', choice));
      else this.#visit(this.#inner, node, choice, allowed);
    }
  }

  /** Allows the tokens of a space and the beginning of one of these words. */
  allowSpaced(allowed: Uint32Array, choices: readonly WordChoice[]): void {
    for (const choice of choices) union(allowed, this.#mask('spaced', choice));
  }

  /** Lines of a form begin many words with the same choice, so masks at the start of a word are kept with their set. */
  #mask(kind: 'letters' | 'spaced', { set, shapes }: WordChoice): Uint32Array {
    const masks = this.#masks.get(set) ?? new Map<string, Uint32Array>();
    this.#masks.set(set, masks);
    const key = `${kind} ${shapes}`;
    const known = masks.get(key);
    if (known) return known;
    if (masks.size >= MOST_MASKS) masks.clear();
    const mask = new Uint32Array(Math.ceil(this.#vocab / 32));
    for (const { id, node } of kind === 'spaced' ? this.#spaced : this.#starting) {
      if ((u32(set.below, node) & shapes) !== 0) allow(mask, id);
    }
    masks.set(key, mask);
    return mask;
  }

  #visit(tokens: TokenNode, node: number, choice: WordChoice, allowed: Uint32Array): void {
    for (const child of tokens.children) {
      const next = childOf(this.#trie, node, child.letter);
      if (next === 0 || (u32(choice.set.below, next) & choice.shapes) === 0) continue;
      for (const id of child.tokens) allow(allowed, id);
      this.#visit(child, next, choice, allowed);
    }
  }
}

/** The node at the end of these letters. 0 if no word begins with them. */
function nodeOf(trie: WordTrie, letters: string): number {
  let node = 0;
  for (let at = 0; at < letters.length; at++) {
    node = childOf(trie, node, letters.charCodeAt(at));
    if (node === 0) return 0;
  }
  return node;
}

function insert(root: TokenNode, letters: string, id: number): void {
  let node = root;
  for (let at = 0; at < letters.length; at++) {
    const letter = letters.charCodeAt(at);
    let child = node.children.find((one) => one.letter === letter);
    if (!child) node.children.push((child = emptyNode(letter)));
    node = child;
  }
  node.tokens.push(id);
}

function allow(allowed: Uint32Array, token: number): void {
  allowed[token >> 5] = u32(allowed, token >> 5) | (1 << (token & 31));
}

function union(allowed: Uint32Array, mask: Uint32Array): void {
  for (let word = 0; word < mask.length; word++) allowed[word] = u32(allowed, word) | u32(mask, word);
}
