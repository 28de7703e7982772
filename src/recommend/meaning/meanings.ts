import { LRUCache } from 'lru-cache';
import { ModelUnavailableError, OverloadedError } from '../../lib/errors.ts';
import { requestWords } from '../model/request-words.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { findableWords } from '../model/words.ts';
import { type NameVectors, product } from './name-vectors.ts';

/** What a text means for the catalogue: the genres and tags whose names are nearest to it, as plain data. */
export interface Meaning {
  /** What was meant: the words that were written, without those that are not wanted. */
  text: string;
  /** In the order of closeness, in (0, 1]. `feature` is a name of `Snapshot.featureNames`. */
  near: readonly { feature: string; closeness: number }[];
}

/** Number of names that one text may mean. */
const MOST_NEAR = 30;
/** The least similarity of the nearest name. Below it the text has nothing to do with any. */
const LEAST = 0.25;
/** How much less similar than the nearest name others may be. Closeness falls to 0 at the end of it. */
const SPAN = 0.2;
const REMEMBERED = 500;

/**
 * Texts as the genres and tags that they mean. Where there is no encoder, and while many new names are being read, texts mean
 * nothing, and only their words count.
 */
export class Meanings {
  readonly #vectors: NameVectors;
  readonly #found = new LRUCache<string, Meaning>({ max: REMEMBERED });
  /** The names of the genres and tags that `#found` was found among. */
  #names: ReadonlyMap<string, string> = new Map();

  constructor(vectors: NameVectors) {
    this.#vectors = vectors;
  }

  /** The same object for the same text, as long as the catalogue has the same names. Null if it means nothing. */
  async of(text: string, snapshot: Snapshot): Promise<Meaning | null> {
    const said = requestWords(text);
    const wanted = said
      .filter(({ use }) => use !== 'NEGATED')
      .map(({ written }) => written)
      .join(' ');
    if (!said.some(({ use }) => use === 'WANTED')) return null;
    const negated = new Set(said.filter(({ use }) => use === 'NEGATED').map(({ word }) => word));
    try {
      if (!(await this.#vectors.follow(snapshot))) return null;
      const names = this.#vectors.namesIn(snapshot);
      if (this.#names !== names) this.#found.clear();
      this.#names = names;
      return await this.#find(wanted, negated);
    } catch (error) {
      if (error instanceof ModelUnavailableError || error instanceof OverloadedError) return null;
      throw error;
    }
  }

  async #find(wanted: string, negated: ReadonlySet<string>): Promise<Meaning | null> {
    const key = JSON.stringify([wanted, ...negated]);
    const found = this.#found.get(key) ?? (await this.#search(wanted, negated));
    this.#found.set(key, found);
    return found.near.length > 0 ? found : null;
  }

  async #search(wanted: string, negated: ReadonlySet<string>): Promise<Meaning> {
    const embedding = await this.#vectors.encode(wanted);
    const similar = [...this.#names].flatMap(([feature, name]) => {
      const vector = this.#vectors.of(name);
      if (!vector || [...findableWords(name)].some((word) => negated.has(word))) return [];
      return [{ feature, similarity: product(vector, embedding) }];
    });
    const order = similar.sort((a, b) => b.similarity - a.similarity || (a.feature < b.feature ? -1 : 1));
    const best = order[0]?.similarity ?? 0;
    if (best < LEAST) return { text: wanted, near: [] };
    const near = order.slice(0, MOST_NEAR).map(({ feature, similarity }) => {
      return { feature, closeness: 1 - (best - similarity) / SPAN };
    });
    return { text: wanted, near: near.filter(({ closeness }) => closeness > 0) };
  }
}
