import { LRUCache } from 'lru-cache';
import { i32, u32 } from '../../lib/typed-arrays.ts';
import type { VerseWords } from './verse-words.ts';
import { type WordSet, wordSet } from './word-set.ts';
import { spelling, wordAt, type WordTrie } from './word-trie.ts';

/** A rhyme must leave this many words to choose from beside those that are needed, so that the text stays natural. */
const SPARE = 10;
/** Each set takes eight bytes for each node of the trie: about 2 MB. */
const MOST_SETS = 24;

/** What decides, beside a form, which words it may be written with. */
export interface WordChoices {
  /** Texts that must not occur: words with one of them are not used. */
  banned?: readonly string[];
  /** Words that offend but are the writer's own ([FORM12]). */
  own?: readonly string[];
}

/** The sets of words that lines end with. Those that are asked for again are kept. */
export class Rhymes {
  readonly words: VerseWords;
  /** All words, and those that a line may end with. */
  readonly all: WordSet;
  readonly endings: WordSet;
  readonly #sets = new LRUCache<string, WordSet>({ max: MOST_SETS });
  readonly #banned: ReadonlySet<number>;
  /** Of the rhymes with enough sounds to begin one: the shapes that each of their sounds has words of. */
  readonly #shapesOfSounds: ReadonlyMap<number, readonly number[]>;

  constructor(words: VerseWords, { banned = [], own = [] }: WordChoices = {}) {
    this.words = words;
    const offensive = new Set(words.offensive);
    for (const word of own) offensive.delete(wordAt(words.trie, word));
    this.#banned = new Set([...wordsWith(words.trie, banned), ...offensive]);
    this.all = wordSet(words, this.#allowed(words.shapes.keys()));
    this.endings = wordSet(words, this.#allowed(words.byRhyme));
    this.#shapesOfSounds = this.#groupSounds();
  }

  /**
   * The words that may begin a rhyme, because enough other words can end each of the lines that must rhyme with it.
   * @param endings the shapes of words that can end each of the lines
   */
  openings(endings: readonly number[]): WordSet {
    return this.#kept(`openings ${endings.join(' ')}`, () =>
      this.#openingRhymes(endings).flatMap((rhyme) => Array.from(this.#wordsOf(rhyme))),
    );
  }

  /** The shapes of those words. */
  openingShapes(endings: readonly number[]): number {
    const shapes = this.#openingRhymes(endings).flatMap((rhyme) => this.#shapesOfSounds.get(rhyme) ?? []);
    return shapes.reduce((all, one) => all | one, 0);
  }

  /** The words that rhyme with a word. @param used the sounds that were used for this rhyme, `word`'s among them */
  rhymesWith(rhyme: number, used: readonly number[]): WordSet {
    return this.#kept(`rhyme ${rhyme} without ${used.join(' ')}`, () =>
      this.#wordsOf(rhyme).filter((word) => !used.includes(i32(this.words.sounds, word))),
    );
  }

  #openingRhymes(endings: readonly number[]): number[] {
    const enough = endings.length + SPARE;
    const wanted = [...new Set(endings)];
    return [...this.#shapesOfSounds].flatMap(([rhyme, sounds]) => {
      const isEnough = (shapes: number): boolean => sounds.filter((sound) => (sound & shapes) !== 0).length >= enough;
      return wanted.every(isEnough) ? [rhyme] : [];
    });
  }

  #groupSounds(): Map<number, readonly number[]> {
    const { rhymeStarts, sounds, shapes } = this.words;
    const groups = new Map<number, readonly number[]>();
    for (let rhyme = 0; rhyme + 1 < rhymeStarts.length; rhyme++) {
      const ofSounds = new Map<number, number>();
      for (const word of this.#allowed(this.#wordsOf(rhyme))) {
        const sound = i32(sounds, word);
        ofSounds.set(sound, (ofSounds.get(sound) ?? 0) | u32(shapes, word));
      }
      if (ofSounds.size > SPARE) groups.set(rhyme, [...ofSounds.values()]);
    }
    return groups;
  }

  #wordsOf(rhyme: number): Int32Array {
    const { byRhyme, rhymeStarts } = this.words;
    return byRhyme.subarray(rhymeStarts[rhyme], rhymeStarts[rhyme + 1]);
  }

  #allowed(words: Iterable<number>): number[] {
    return Array.from(words).filter((word) => !this.#banned.has(word));
  }

  #kept(key: string, members: () => Iterable<number>): WordSet {
    const known = this.#sets.get(key);
    if (known) return known;
    const set = wordSet(this.words, this.#allowed(members()));
    this.#sets.set(key, set);
    return set;
  }
}

/** The words that contain one of these texts, case and outer spaces aside. */
function wordsWith(trie: WordTrie, texts: readonly string[]): Set<number> {
  const pieces = texts.map((text) => text.trim().toLowerCase()).filter((piece) => piece !== '' && !/\s/.test(piece));
  if (pieces.length === 0) return new Set();
  const words = trie.ends.map((_, word) => word);
  const hasPiece = (word: number): boolean => {
    const letters = spelling(trie, word);
    return pieces.some((piece) => letters.includes(piece));
  };
  return new Set(words.filter(hasPiece));
}

/** Those of the texts' words that a form would not choose by itself, each once. */
export function offensiveIn({ trie, offensive }: VerseWords, texts: readonly string[]): string[] {
  const offending = new Set(offensive);
  const said = new Set(texts.flatMap((text) => text.toLowerCase().match(/[a-z']+/g) ?? []));
  return [...said].filter((word) => offending.has(wordAt(trie, word))).sort();
}
