import { i32, u8 } from '../../../lib/typed-arrays.ts';
import type { Lexicon } from '../../text/token-texts.ts';

/** The tokens that a format may be written with. */
export interface FormatVocabulary extends Lexicon {
  /** Tokens that end a text. */
  ends: ReadonlySet<number>;
}

/** Bytes that mostly stand for themselves in a string: printable ASCII without quotation mark and backslash. */
export const isPlain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;

/**
 * The bytes of a vocabulary's tokens as a tree, in the order in which it is walked: a node's descendants follow it. Tokens
 * that end a text, and those without bytes, are not in it.
 */
export class TokenTrie {
  readonly length: number;
  readonly bytes: Uint8Array; // [nodes]
  /** Number of bytes before it // [nodes] */
  readonly depths: Uint16Array;
  /** The node after the last descendant // [nodes] */
  readonly after: Int32Array;
  /** Number of bytes of the longest token below // [nodes] */
  readonly heights: Uint16Array;
  /** 1 if all bytes below are plain // [nodes] */
  readonly plain: Uint8Array;
  /** The tokens in the order of the nodes. Those of a node and all below it are neighbours. */
  readonly tokens: Int32Array;
  /** Where the tokens of each node begin; those of the last end at the last element // [nodes + 1] */
  readonly starts: Int32Array;
  readonly deepest: number;

  constructor(vocabulary: FormatVocabulary) {
    const sorted = sortedTokens(vocabulary);
    const nodes = sorted.reduce((sum, { bytes }, i) => sum + bytes.length - sharedWith(sorted[i - 1]?.bytes, bytes), 0);
    this.length = nodes;
    this.bytes = new Uint8Array(nodes);
    this.depths = new Uint16Array(nodes);
    this.after = new Int32Array(nodes);
    this.heights = new Uint16Array(nodes);
    this.plain = new Uint8Array(nodes);
    this.tokens = Int32Array.from(sorted, ({ id }) => id);
    this.starts = new Int32Array(nodes + 1);
    this.deepest = sorted.reduce((longest, { bytes }) => Math.max(longest, bytes.length), 1);
    this.#fill(sorted);
    this.#measure();
  }

  #fill(sorted: readonly SortedToken[]): void {
    let node = 0;
    sorted.forEach(({ bytes }, i) => {
      const before = sorted[i - 1]?.bytes;
      for (let depth = sharedWith(before, bytes); depth < bytes.length; depth++, node++) {
        this.bytes[node] = u8(bytes, depth);
        this.depths[node] = depth;
        this.starts[node] = i;
      }
    });
    this.starts[node] = sorted.length;
  }

  #measure(): void {
    const open: number[] = [];
    for (let node = 0; node <= this.length; node++) {
      const depth = node < this.length ? u16(this.depths, node) : 0;
      while (open.length > depth) this.after[open.pop() ?? 0] = node;
      open.push(node);
    }
    for (let node = this.length - 1; node >= 0; node--) this.#measureNode(node);
  }

  #measureNode(node: number): void {
    let [height, plain] = [0, 1];
    for (let child = node + 1; child < i32(this.after, node); child = i32(this.after, child)) {
      height = Math.max(height, 1 + u16(this.heights, child));
      if (!isPlain(u8(this.bytes, child))) plain = 0;
      plain &= u8(this.plain, child);
    }
    this.heights[node] = height;
    this.plain[node] = plain;
  }
}

const u16 = (values: Uint16Array, at: number): number => values[at] ?? 0;

interface SortedToken {
  id: number;
  bytes: Uint8Array;
}

function sortedTokens(vocabulary: FormatVocabulary): SortedToken[] {
  const tokens: SortedToken[] = [];
  for (let id = 0; id < vocabulary.vocab; id++) {
    const bytes = vocabulary.bytesOf(id);
    if (bytes.length > 0 && !vocabulary.ends.has(id)) tokens.push({ id, bytes });
  }
  return tokens.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

/** Number of bytes that two texts begin with alike. */
function sharedWith(before: Uint8Array | undefined, bytes: Uint8Array): number {
  let shared = 0;
  while (before && shared < before.length && before[shared] === bytes[shared]) shared++;
  return shared;
}

const tries = new WeakMap<FormatVocabulary, TokenTrie>();
const alphabets = new WeakMap<FormatVocabulary, ReadonlySet<number>>();

/** Made for the first format of a model, and kept as long as its vocabulary. */
export function trieOf(vocabulary: FormatVocabulary): TokenTrie {
  const trie = tries.get(vocabulary) ?? new TokenTrie(vocabulary);
  tries.set(vocabulary, trie);
  return trie;
}

/** Bytes that are tokens by themselves, so that any text of them can be written. */
export function alphabetOf(vocabulary: FormatVocabulary): ReadonlySet<number> {
  const known = alphabets.get(vocabulary);
  if (known) return known;
  const alphabet = new Set<number>();
  for (let id = 0; id < vocabulary.vocab; id++) {
    const bytes = vocabulary.bytesOf(id);
    if (bytes.length === 1 && !vocabulary.ends.has(id)) alphabet.add(u8(bytes, 0));
  }
  alphabets.set(vocabulary, alphabet);
  return alphabet;
}
