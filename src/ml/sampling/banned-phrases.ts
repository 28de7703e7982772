import { foldCase } from '../text/fold-case.ts';
import { type Lexicon, textsOf, type TokenTexts } from '../text/token-texts.ts';
import { Utf8Stream } from '../text/utf8-stream.ts';
import { allTokens, type Constraint, forbid } from './constraint.ts';

/**
 * Keeps phrases out of a text ([GEN15]). It forbids every token that would complete one, however its characters are
 * divided into tokens, and no others. Case is ignored, and a phrase is banned inside words too.
 */
export class BannedPhrases implements Constraint {
  readonly #phrases: readonly string[];
  readonly #lexicon: Lexicon;
  readonly #texts: TokenTexts;
  /** All tokens except those that contain a phrase themselves. */
  readonly #harmless: Uint32Array;
  readonly #utf8 = new Utf8Stream();
  /** The end of the text so far, as far as a phrase can reach back. */
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

  /** For every phrase whose beginning ends the text: forbids the tokens that continue it with the entire rest. */
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

  /**
   * If the next token completes a character, its text differs from what it is by itself. Any other token leaves a
   * U+FFFD behind.
   */
  #forbidInCharacter(allowed: Uint32Array): void {
    for (const id of this.#texts.continuations) {
      const text = this.#tail + foldCase(this.#utf8.peek(this.#lexicon.bytesOf(id)));
      if (this.#phrases.some((phrase) => endsBehind(text, phrase, this.#tail.length))) forbid(allowed, id);
    }
  }
}

/** Whether a phrase ends after `position`. Phrases that end before it were already in the continued text. */
function endsBehind(text: string, phrase: string, position: number): boolean {
  return text.includes(phrase, Math.max(0, position - phrase.length + 1));
}
