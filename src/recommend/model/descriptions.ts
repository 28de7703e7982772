import type { CatalogueRow, TrackDescription } from '../../db/catalogue/catalogue-changes.ts';
import { foldText } from '../../lib/text/folded-text.ts';
import { songKey } from '../../lib/text/song-key.ts';
import type { SparseVector } from '../math/sparse.ts';
import { NumberedNames } from './vocabulary.ts';
import { findableWords } from './words.ts';

/** The parts of a track that do not depend on popularity. They are computed once for each version of the track. */
export interface Description {
  /** The main artists. The same object for all tracks of one artist. */
  artistIds: readonly number[];
  genreSlugs: readonly string[];
  /** Weights by the features' numbers in the vocabulary. */
  features: SparseVector;
  /** Weights by the words' numbers in the vocabulary. */
  words: SparseVector;
  /** The key of the song that the track is a recording of. */
  song: string;
  /** Null if that is not known. */
  feel: Feel | null;
}

/** How music feels: how pleasant, and how lively; each from 0 to 1. */
export interface Feel {
  valence: number;
  energy: number;
}

/** Weights of genres. The first that a source names is the main one. */
const SIDE_GENRE = 0.6;
/** Weight of a matching word, by where it occurs. */
const WORD_WEIGHTS = { genre: 1, tag: 1, artist: 0.8, title: 0.5 } as const;

export const genreFeature = (slug: string): string => `g:${slug}`;
export const artistFeature = (id: number): string => `a:${id}`;
/** @param tag folded */
export const tagFeature = (tag: string): string => `t:${tag}`;

/** Vocabularies of features and words, whose numbers stay the same from one state of the catalogue to the next. */
export class Descriptions {
  readonly features = new NumberedNames();
  readonly words = new NumberedNames();
  readonly genreNames = new Map<string, string>();
  readonly artistNames = new Map<number, string>();
  /** The lists of one artist each, because most tracks have one. */
  readonly #alone = new Map<number, readonly number[]>();
  /** Words of genres and tags, cached because many tracks share them. */
  readonly #wordsOf = new Map<string, readonly number[]>();

  describe(
    track: Pick<CatalogueRow, 'title' | 'artist'>,
    { artists, genres, tags, feel }: TrackDescription,
  ): Description {
    const features = new Heaviest();
    const words = new Heaviest();
    genres.forEach(([slug, name], i) => {
      const weight = i === 0 ? 1 : SIDE_GENRE;
      this.genreNames.set(slug, name);
      features.add(this.features.numberOf(genreFeature(slug)), weight);
      words.addAll(this.#sharedWords(`${slug} ${name}`), WORD_WEIGHTS.genre * weight);
    });
    for (const [id, name] of artists) {
      this.artistNames.set(id, name);
      features.add(this.features.numberOf(artistFeature(id)), 1);
      words.addAll(this.#sharedWords(name), WORD_WEIGHTS.artist);
    }
    for (const [name, weight] of tags) {
      const tag = foldText(name);
      features.add(this.features.numberOf(tagFeature(tag)), weight);
      words.addAll(this.#sharedWords(tag), WORD_WEIGHTS.tag * weight);
    }
    words.addAll(this.#numbersOf(track.title), WORD_WEIGHTS.title);
    const genreSlugs = genres.map(([slug]) => slug);
    const song = songKey(track.artist, track.title);
    const artistIds = this.#shared(artists.map(([id]) => id));
    return { artistIds, genreSlugs, features: features.vector(), words: words.vector(), song, feel: feelOf(feel) };
  }

  #shared(ids: readonly number[]): readonly number[] {
    const [only, second] = ids;
    if (only === undefined || second !== undefined) return ids;
    const known = this.#alone.get(only);
    if (!known) this.#alone.set(only, ids);
    return known ?? ids;
  }

  #sharedWords(text: string): readonly number[] {
    const known = this.#wordsOf.get(text);
    if (known) return known;
    const numbers = this.#numbersOf(text);
    this.#wordsOf.set(text, numbers);
    return numbers;
  }

  #numbersOf(text: string): number[] {
    return Array.from(findableWords(text), (word) => this.words.numberOf(word));
  }
}

/** Numbers on another scale say nothing that could be compared. */
function feelOf(numbers: TrackDescription['feel']): Feel | null {
  if (!numbers?.every((number) => number >= 0 && number <= 1)) return null;
  const [valence, energy] = numbers;
  return { valence, energy };
}

/** Keeps the highest weight of each entry that occurs several times. */
class Heaviest {
  readonly #weights = new Map<number, number>();

  add(number: number, weight: number): void {
    this.#weights.set(number, Math.max(this.#weights.get(number) ?? 0, weight));
  }

  addAll(numbers: readonly number[], weight: number): void {
    for (const number of numbers) this.add(number, weight);
  }

  /** In the order of first occurrence. */
  vector(): SparseVector {
    return { indices: Int32Array.from(this.#weights.keys()), values: Float64Array.from(this.#weights.values()) };
  }
}
