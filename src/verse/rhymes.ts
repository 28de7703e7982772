import { LRUCache } from 'lru-cache';
import { i32, u32 } from '../lib/typed-arrays.ts';
import type { VerseWords } from './verse-words.ts';
import { type WordSet, wordSet } from './word-set.ts';
import { spelling, type WordTrie } from './word-trie.ts';

/** A rhyme must leave this many words to choose from beside those that are needed, so that the text stays natural. */
const SPARE = 10;
/** Each set takes eight bytes for each node of the trie: about 2 MB. */
const MOST_SETS = 24;

/** The sets of words that lines end with. Those that are asked for again are kept. */
export class Rhymes {
  readonly words: VerseWords;
  /** All words, and those that a line may end with. */
  readonly all: WordSet;
  readonly endings: WordSet;
  readonly #sets = new LRUCache<string, WordSet>({ max: MOST_SETS });

  readonly #banned: ReadonlySet<number>;

  /** @param banned texts that must not occur: words with one of them are not used */
  constructor(words: VerseWords, banned: readonly string[] = []) {
    this.words = words;
    this.#banned = wordsWith(words.trie, banned);
    this.all = wordSet(words, this.#allowed(words.shapes.keys()));
    this.endings = wordSet(words, this.#allowed(words.byRhyme));
  }

  /**
   * The words that may begin a rhyme, because enough other words can end each of the lines that must rhyme with it.
   * @param endings the shapes of words that can end each of the lines
   */
  openings(endings: readonly number[]): WordSet {
    return this.#kept(`openings ${endings.join(' ')}`, () => {
      const rhymes = new Set<number>();
      const enough = endings.length + SPARE;
      for (let rhyme = 0; rhyme + 1 < this.words.rhymeStarts.length; rhyme++) {
        if (this.#wordsOf(rhyme).length < enough) continue;
        if (endings.every((shapes) => this.#countSounds(rhyme, shapes) >= enough)) rhymes.add(rhyme);
      }
      return [...this.words.rhymes.keys()].filter((word) => rhymes.has(i32(this.words.rhymes, word)));
    });
  }

  /** The words that rhyme with a word. @param used the sounds that were used for this rhyme, `word`'s among them */
  rhymesWith(rhyme: number, used: readonly number[]): WordSet {
    return this.#kept(`rhyme ${rhyme} without ${used.join(' ')}`, () =>
      this.#wordsOf(rhyme).filter((word) => !used.includes(i32(this.words.sounds, word))),
    );
  }

  /** The number of different sounds of a rhyme among the words of these shapes. */
  #countSounds(rhyme: number, shapes: number): number {
    const { byRhyme, rhymeStarts, sounds } = this.words;
    const found = new Set<number>();
    for (let at = i32(rhymeStarts, rhyme); at < i32(rhymeStarts, rhyme + 1); at++) {
      const word = i32(byRhyme, at);
      if ((u32(this.words.shapes, word) & shapes) !== 0 && !this.#banned.has(word)) found.add(i32(sounds, word));
    }
    return found.size;
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
  return new Set(words.filter((word) => pieces.some((piece) => spelling(trie, word).includes(piece))));
}
