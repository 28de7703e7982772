import { dictionary } from 'cmu-pronouncing-dictionary';

/** How a word is said, as far as verse depends on it. */
export interface Pronunciation {
  /** In ARPAbet, separated by spaces. */
  sounds: string;
  syllables: number;
  /** The syllable, from 0, with the primary stress. −1 if there is none. */
  stress: number;
  /** The sounds from the last stressed vowel on: words rhyme if these are equal. Null for a word without a vowel. */
  rhyme: string | null;
  /** The consonant before that vowel. Words that also share it are identical in rhyme and not a rhyme. */
  onset: string;
}

/** `record(1)` is a second pronunciation of `record`. */
const VARIANT = /\(\d+\)$/;

/**
 * These words of the CMU Pronouncing Dictionary (North American English) with all their pronunciations, in ARPAbet:
 * vowels end in 0 (no stress), 1 (primary) or 2 (secondary).
 */
export function pronunciations(isWanted: (word: string) => boolean): Map<string, Pronunciation[]> {
  const words = new Map<string, Pronunciation[]>();
  for (const [entry, sounds] of Object.entries(dictionary)) {
    const word = entry.endsWith(')') ? entry.replace(VARIANT, '') : entry;
    if (!isWanted(word)) continue;
    const known = words.get(word);
    if (known) known.push(readSounds(sounds));
    else words.set(word, [readSounds(sounds)]);
  }
  return words;
}

/** @param sounds in ARPAbet, separated by spaces, for example `M UW1 N L AY2 T` */
function readSounds(sounds: string): Pronunciation {
  const phones = sounds.split(' ');
  const vowels = phones.filter((phone) => /\d$/.test(phone));
  const from = lastStressed(phones);
  return {
    sounds,
    syllables: vowels.length,
    stress: vowels.findIndex((vowel) => vowel.endsWith('1')),
    rhyme: from === -1 ? null : phones.slice(from).join(' ').replace(/\d/g, ''),
    onset: phones[from - 1] ?? '',
  };
}

/** Of the last vowel with a stress or, in a word without stress, the last vowel. −1 if there is no vowel. */
function lastStressed(phones: readonly string[]): number {
  const stressed = phones.findLastIndex((phone) => /[12]$/.test(phone));
  return stressed === -1 ? phones.findLastIndex((phone) => phone.endsWith('0')) : stressed;
}
