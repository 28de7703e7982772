import { foldCase } from '../text/fold-case.ts';
import { type Lexicon, textsOf, type TokenTexts } from '../text/token-texts.ts';
import { Utf8Stream } from '../text/utf8-stream.ts';
import { allTokens, type Constraint, forbid } from './constraint.ts';

/**
 * Keeps phrases out of a text (SPEC [GEN15]): forbids every token that would complete one, whatever tokens its
 * characters are spread over, and no other. Case does not matter; a phrase is banned inside of words too.
 */
export class BannedPhrases implements Constraint {
  readonly #phrases: readonly string[];
  readonly #lexicon: Lexicon;
  readonly #texts: TokenTexts;
  /** All but the tokens that hold a phrase by themselves. */
  readonly #harmless: Uint32Array;
  readonly #utf8 = new Utf8Stream();
  /** The end of the text so far, as long as a phrase may reach back. */
  #tail = '';
  readonly #completing = new Map<string, readonly number[]>();

  /** @param before the text that is continued */
  constructor(phrases: readonly string[], lexicon: Lexicon, before = '') {
    this.#phrases = phrases.map(foldCase);
    this.#lexicon = lexicon;
    this.#texts = textsOf(lexicon);
    this.#harmless = allTokens(lexicon.vocab);
    for (const phrase of this.#phrases) {
      for (const id of this.#texts.containing(phrase)) forbid(this.#harmless, id);
    }
    this.#append(before);
  }

  accept(token: number): void {
    this.#append(this.#utf8.push(this.#lexicon.bytesOf(token)));
  }

  mask(allowed: Uint32Array): void {
    for (let word = 0; word < this.#harmless.length; word++) {
      allowed[word] = (allowed[word] as number) & (this.#harmless[word] as number);
    }
    if (this.#utf8.pendingBytes > 0) this.#forbidInCharacter(allowed);
    else this.#forbidInText(allowed);
  }

  #append(text: string): void {
    const longest = Math.max(...this.#phrases.map(({ length }) => length));
    this.#tail = longest > 1 ? (this.#tail + foldCase(text)).slice(1 - longest) : '';
  }

  /** For every phrase of which the text ends with a beginning: the tokens that go on with all the rest. */
  #forbidInText(allowed: Uint32Array): void {
    for (const phrase of this.#phrases) {
      for (let said = Math.min(phrase.length - 1, this.#tail.length); said > 0; said--) {
        if (!this.#tail.endsWith(phrase.slice(0, said))) continue;
        for (const id of this.#beginningWith(phrase.slice(said))) forbid(allowed, id);
      }
    }
  }

  #beginningWith(rest: string): readonly number[] {
    const found = this.#completing.get(rest) ?? this.#texts.beginningWith(rest);
    this.#completing.set(rest, found);
    return found;
  }

  /** The next token's text is another than by itself when it goes on with a character; any other leaves a U+FFFD behind. */
  #forbidInCharacter(allowed: Uint32Array): void {
    for (const id of this.#texts.continuations) {
      const text = this.#tail + foldCase(this.#utf8.peek(this.#lexicon.bytesOf(id)));
      if (this.#phrases.some((phrase) => endsBehind(text, phrase, this.#tail.length))) forbid(allowed, id);
    }
  }
}

/** Whether a phrase ends behind `place`; what ends before was there when the text was continued. */
function endsBehind(text: string, phrase: string, place: number): boolean {
  return text.includes(phrase, Math.max(0, place - phrase.length + 1));
}
