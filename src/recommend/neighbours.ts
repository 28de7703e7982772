import type { Snapshot } from './snapshot.ts';
import { addScaled, emptyVector, sparseVector, topIndices, type SparseVector } from './sparse.ts';
import type { ItemWeights } from './weights.ts';

/**
 * What is alike by its artist, genres and tags counts this much of what is heard by the same people: enough that a track
 * nobody has heard yet has neighbours, too little to outweigh what listeners do.
 */
const CONTENT_SHARE = 0.08;
const CONTENT_NEIGHBOURS = 60;
const MAX_CACHED_ROWS = 20_000;

/** A version of the weights against a snapshot of the catalogue: the tracks next to a track. */
export class Neighbours {
  readonly version: string;
  readonly snapshot: Snapshot;
  /** Of a history each track counts this much of the one after it. */
  readonly recency: number;
  readonly #weights: ItemWeights;
  readonly #rowOfTrack: ReadonlyMap<number, number>;
  readonly #cache = new Map<number, SparseVector>();

  constructor(version: string, snapshot: Snapshot, weights: ItemWeights) {
    this.version = version;
    this.snapshot = snapshot;
    this.#weights = weights;
    this.recency = weights.recency;
    this.#rowOfTrack = new Map(Array.from(weights.ids, (id, row) => [id, row]));
  }

  /** By index of the track: how much hearing it speaks for each neighbour; none for itself. */
  of(index: number): SparseVector {
    const known = this.#cache.get(index);
    if (known) return known;
    if (this.#cache.size >= MAX_CACHED_ROWS) this.#cache.clear();
    const row = this.#merge(index);
    this.#cache.set(index, row);
    return row;
  }

  /** Only what it speaks for: a reaction against a track lowers those, and raises none. */
  near(index: number): SparseVector {
    const { indices, values } = this.of(index);
    const positive = [...indices.keys()].filter((i) => (values[i] ?? 0) > 0);
    return sparseVector(positive.map((i) => [indices[i] ?? 0, values[i] ?? 0] as const));
  }

  #merge(index: number): SparseVector {
    const sums = new Map<number, number>();
    const add = (at: number, value: number) => sums.set(at, (sums.get(at) ?? 0) + value);
    const alike = this.#alike(index);
    alike.indices.forEach((at, i) => add(at, CONTENT_SHARE * (alike.values[i] ?? 0)));
    this.#trained(index, add);
    return sparseVector(sums);
  }

  #trained(index: number, add: (at: number, value: number) => void): void {
    const row = this.#rowOfTrack.get(this.snapshot.tracks[index]?.id ?? -1);
    if (row === undefined) return;
    const { starts, columns, values, ids } = this.#weights;
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
      // A track that has left the catalogue since the training has no index.
      const neighbour = this.snapshot.indexOf.get(ids[columns[at] ?? 0] ?? -1);
      if (neighbour !== undefined) add(neighbour, values[at] ?? 0);
    }
  }

  /** Cosine of the features, over the tracks that share any. */
  #alike(index: number): SparseVector {
    const { features, byFeature, tracks } = this.snapshot;
    const own = features[index] ?? emptyVector;
    const cosine = new Float64Array(tracks.length);
    own.indices.forEach((feature, i) => addScaled(cosine, byFeature[feature] ?? emptyVector, own.values[i] ?? 0));
    const nearest = topIndices(cosine, CONTENT_NEIGHBOURS, (at) => at !== index && (cosine[at] ?? 0) > 0);
    return sparseVector(nearest.map((at) => [at, cosine[at] ?? 0] as const));
  }
}
