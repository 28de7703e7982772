import { u32 } from '../../lib/typed-arrays.ts';
import { Rhymes, VerseAutomaton, type VersePosition, type VerseWords } from '../../verse/verse.ts';
import type { VerseRequest } from '../contract.ts';
import type { Lexicon } from '../text/token-texts.ts';
import { type Constraint } from './constraint.ts';
import { WordTokens } from './word-tokens.ts';

/** A vocabulary whose texts may end, in the form that verse is written with. */
export interface VerseVocabulary extends Lexicon {
  /** Tokens that end a text. */
  ends: ReadonlySet<number>;
}

/** Keeps a text in its form ([FORM1]): it forbids every token after which the form could not be completed. */
export class VerseConstraint implements Constraint {
  readonly #automaton: VerseAutomaton;
  readonly #tokens: WordTokens;
  readonly #vocabulary: VerseVocabulary;
  readonly #allowed: Uint32Array;
  #position: VersePosition;

  /**
   * @param banned texts that must not occur, so that no word is begun that could only be finished with one
   * @throws Error if what was written does not keep the form
   */
  constructor(
    { form, words, own, lead, written }: VerseRequest,
    vocabulary: VerseVocabulary,
    banned: readonly string[] = [],
  ) {
    const known = knownFor(vocabulary, words);
    const isUsual = banned.length === 0 && own.length === 0;
    this.#automaton = new VerseAutomaton(form, isUsual ? known.rhymes : new Rhymes(words, { banned, own }));
    this.#tokens = known.tokens;
    this.#vocabulary = vocabulary;
    this.#allowed = new Uint32Array(Math.ceil(vocabulary.vocab / 32));
    this.#position = this.#read(this.#automaton.begin(lead), written);
  }

  accept(token: number): void {
    this.#position = this.#read(this.#position, Buffer.from(this.#vocabulary.bytesOf(token)).toString('latin1'));
  }

  mask(allowed: Uint32Array): void {
    this.#allowed.fill(0);
    this.#allowText(this.#position);
    for (let word = 0; word < this.#allowed.length; word++) {
      allowed[word] = u32(allowed, word) & u32(this.#allowed, word);
    }
  }

  #allowText(position: VersePosition): void {
    const automaton = this.#automaton;
    if (position.forced !== '') {
      this.#tokens.allowPrefixes(this.#allowed, position.forced);
      return;
    }
    this.#tokens.allowLetters(this.#allowed, automaton.words(position), position.node);
    this.#tokens.allowSpaced(this.#allowed, automaton.wordsAfterSpace(position));
    for (const { id, text } of this.#tokens.marks) if (this.#follow(position, text)) this.#allow(id);
    if (automaton.mayEnd(position)) for (const id of this.#vocabulary.ends) this.#allow(id);
  }

  #allow(token: number): void {
    this.#allowed[token >> 5] = u32(this.#allowed, token >> 5) | (1 << (token & 31));
  }

  #follow(position: VersePosition, text: string): VersePosition | null {
    let at: VersePosition | null = position;
    for (const character of text) at &&= this.#automaton.step(at, character);
    return at;
  }

  #read(position: VersePosition, text: string): VersePosition {
    const next = this.#follow(position, text);
    if (!next) throw new Error(`the text leaves its form at ${JSON.stringify(text)}`);
    return next;
  }
}

interface Known {
  words: VerseWords;
  rhymes: Rhymes;
  tokens: WordTokens;
}

/** Made for the first verse of a model, and kept as long as its vocabulary. */
const knownVocabularies = new WeakMap<VerseVocabulary, Known>();

function knownFor(vocabulary: VerseVocabulary, words: VerseWords): Known {
  const found = knownVocabularies.get(vocabulary);
  if (found) return found;
  const known = { words, rhymes: new Rhymes(words), tokens: new WordTokens(vocabulary, words.trie) };
  knownVocabularies.set(vocabulary, known);
  return known;
}
