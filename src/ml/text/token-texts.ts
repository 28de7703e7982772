import { foldCase } from './fold-case.ts';
import { Utf8Stream } from './utf8-stream.ts';

/** The texts of a model's tokens. */
export interface Lexicon {
  readonly vocab: number;
  /** UTF-8; characters may be split between tokens. */
  bytesOf(id: number): Uint8Array;
}

/** No text contains U+0000; it is shown as U+FFFD ([GEN6]). */
const BORDER = '\0';

/** The case-folded texts of a whole vocabulary in one string, so that a search for a piece is one scan. */
export class TokenTexts {
  readonly vocab: number;
  /** Tokens whose first byte belongs to a character that another token begins. */
  readonly continuations: readonly number[];
  readonly #joined: string;
  /** The start of each token's text in `#joined`, after its border. */
  readonly #starts: Int32Array; // [vocab]

  constructor(lexicon: Lexicon) {
    const { vocab } = lexicon;
    this.vocab = vocab;
    this.#starts = new Int32Array(vocab);
    const continuations: number[] = [];
    const parts: string[] = [];
    const utf8 = new Utf8Stream();
    for (let id = 0, length = 0; id < vocab; id++) {
      const bytes = lexicon.bytesOf(id);
      if (((bytes[0] ?? 0) & 0xc0) === 0x80) continuations.push(id);
      const text = BORDER + foldCase(asciiOf(bytes) ?? utf8.peek(bytes));
      parts.push(text);
      this.#starts[id] = length + 1;
      length += text.length;
    }
    this.continuations = continuations;
    this.#joined = parts.join('');
  }

  /** Tokens whose text contains `piece`, which is case-folded. */
  containing(piece: string): number[] {
    return this.#find(piece);
  }

  /** Tokens whose text begins with `piece`, which is case-folded. */
  beginningWith(piece: string): number[] {
    return this.#find(BORDER + piece);
  }

  #find(needle: string): number[] {
    const found: number[] = [];
    for (let at = this.#joined.indexOf(needle); at !== -1;) {
      const id = this.#tokenAt(at + needle.length - 1);
      found.push(id);
      // A token counts once, however often it contains the piece.
      const next = this.#starts[id + 1];
      at = next === undefined ? -1 : this.#joined.indexOf(needle, next - 1);
    }
    return found;
  }

  /** The last token that begins at or before this position. */
  #tokenAt(position: number): number {
    let low = 0;
    let high = this.vocab - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The text of an ASCII token, which most are, without the decoder. Null for any other. */
function asciiOf(bytes: Uint8Array): string | null {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0 || byte >= 0x80) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

const known = new WeakMap<Lexicon, TokenTexts>();

/** Created when a draft first needs it, and kept as long as the vocabulary. */
export function textsOf(lexicon: Lexicon): TokenTexts {
  const texts = known.get(lexicon) ?? new TokenTexts(lexicon);
  known.set(lexicon, texts);
  return texts;
}
