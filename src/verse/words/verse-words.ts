import { syllable } from 'syllable';
import { offensiveWords } from '../dictionaries/offensive-words.ts';
import { type PackedSounds, packSounds } from '../dictionaries/packed-sounds.ts';
import { type Pronunciation, pronunciations } from '../dictionaries/pronunciation.ts';
import { type WordCount, wordCounts } from '../dictionaries/word-counts.ts';
import { MOST_SYLLABLES, shapeBit } from '../shapes.ts';
import { buildTrie, type WordTrie } from './word-trie.ts';

/** The words that verse is written with, packed into memory that threads share. */
export interface VerseWords {
  readonly trie: WordTrie;
  /** The bit of each word's shape. // [words] */
  readonly shapes: Uint32Array;
  readonly said: PackedSounds;
  /** The words that a form does not choose by itself ([FORM12]). */
  readonly offensive: Int32Array;
  /** Words with the same number rhyme. −1 for a word that lines do not end with. // [words] */
  readonly rhymes: Int32Array;
  /** Words with the same number sound alike from the onset of the rhyme on, so they do not count as rhymes. // [words] */
  readonly sounds: Int32Array;
  /** The words of rhyme r are byRhyme[rhymeStarts[r] … rhymeStarts[r + 1]). */
  readonly byRhyme: Int32Array;
  readonly rhymeStarts: Int32Array;
}

/** Letters with a vowel among them: initials and spelled-out letters are no words of verse, but for three. */
const WORD = /^(?:[aio]|(?=[a-z]*[aeiouy])[a-z]{2,})$/;
const SHORTENED =
  /^(?:(?:i|you|he|she|it|we|they|that|there|who|what|where|how|let)'(?:s|re|ve|ll|d|m)|(?:do|does|did|is|are|was|were|have|has|had|wo|ca|could|should|would|must|need)n't)$/;
/**
 * Least numbers of occurrences: in a line, at its end, at its end for what is mostly written with a capital, and in a
 * line for a word that can be read in several ways.
 */
const USED = 5;
const USED_AT_END = 20;
const USED_AS_NAME = 1000;
const USED_OFTEN = 5000;

interface KnownWord extends Pronunciation {
  word: string;
  mayEnd: boolean;
}

/**
 * Reads the dictionaries, which takes about a second: call it in a worker. Words are used only if
 * all their pronunciations have the same syllables and stress, and a rule of spelling counts the same syllables.
 * Rare words are left out, because a model that must rhyme would take them.
 */
export function buildVerseWords(): VerseWords {
  const counts = wordCounts();
  const isUsed = (word: string): boolean =>
    SHORTENED.test(word) || ((counts.get(word)?.all ?? 0) >= USED && WORD.test(word));
  const known = [...pronunciations(isUsed)].flatMap(([word, said]) => certain(word, said, counts) ?? []);
  const rhymeNumbers = new Numbering();
  const soundNumbers = new Numbering();
  const shapes = new Uint32Array(new SharedArrayBuffer(4 * known.length));
  const rhymes = new Int32Array(new SharedArrayBuffer(4 * known.length)).fill(-1);
  const sounds = new Int32Array(new SharedArrayBuffer(4 * known.length)).fill(-1);
  known.forEach(({ syllables, stress, rhyme, onset, mayEnd }, word) => {
    shapes[word] = shapeBit(syllables, stress);
    if (rhyme === null || !mayEnd) return;
    rhymes[word] = rhymeNumbers.of(rhyme);
    sounds[word] = soundNumbers.of(`${onset} ${rhyme}`);
  });
  const trie = buildTrie(known.map(({ word }) => word));
  const said = packSounds(known.map((word) => word.sounds));
  const offensive = offensiveAmong(known);
  return { trie, shapes, said, offensive, rhymes, sounds, ...groupByRhyme(rhymes, rhymeNumbers.size) };
}

function offensiveAmong(known: readonly KnownWord[]): Int32Array {
  const offensive = offensiveWords();
  const found = known.flatMap(({ word }, index) => (offensive.has(word) ? [index] : []));
  const shared = new Int32Array(new SharedArrayBuffer(4 * found.length));
  shared.set(found);
  return shared;
}

/** The word if there is no doubt about its syllables; its rhyme is null if there is doubt about that. */
function certain(word: string, said: readonly Pronunciation[], counts: Map<string, WordCount>): KnownWord | null {
  const [first, ...others] = said;
  const { all, lower } = counts.get(word) ?? { all: 0, lower: 0 };
  if (!first || first.syllables > MOST_SYLLABLES || syllable(word) !== first.syllables) return null;
  const isSaidAs = ({ syllables, stress }: Pronunciation): boolean =>
    syllables === first.syllables && (syllables === 1 || stress === first.stress);
  const isClear = others.every(isSaidAs);
  // "am" is also read as "a.m.", which nobody does in a line.
  if (!isClear && all < USED_OFTEN) return null;
  const rhyme = others.every((other) => other.rhyme === first.rhyme) ? first.rhyme : null;
  return { ...first, word, rhyme, mayEnd: isClear && (lower >= USED_AT_END || all >= USED_AS_NAME) };
}

/** Numbers things in the order in which they are met. */
class Numbering {
  readonly #numbers = new Map<string, number>();

  of(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  get size(): number {
    return this.#numbers.size;
  }
}

function groupByRhyme(rhymes: Int32Array, count: number): Pick<VerseWords, 'byRhyme' | 'rhymeStarts'> {
  const groups = Array.from({ length: count }, (): number[] => []);
  rhymes.forEach((rhyme, word) => groups[rhyme]?.push(word));
  const rhymeStarts = new Int32Array(new SharedArrayBuffer(4 * (count + 1)));
  const byRhyme = new Int32Array(new SharedArrayBuffer(4 * groups.reduce((sum, { length }) => sum + length, 0)));
  let at = 0;
  groups.forEach((words, rhyme) => {
    rhymeStarts[rhyme] = at;
    for (const word of words) byRhyme[at++] = word;
  });
  rhymeStarts[count] = at;
  return { byRhyme, rhymeStarts };
}
