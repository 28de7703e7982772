import { emptyVector, type SparseVector } from '../math/sparse.ts';
import type { SparseRows } from '../math/sparse-rows.ts';
import { SparseSum } from '../math/sparse-sum.ts';
import { topK } from '../math/top-k.ts';
import { LearnedContent } from './learned-content.ts';
import type { Snapshot } from './snapshot.ts';
import type { ItemWeights } from './weights.ts';

/**
 * Weight of similarity by artist, genres and tags relative to similarity by listeners, for tracks known to training and
 * if nothing was learned about features: enough that a track nobody has heard has neighbours, too little to outweigh
 * what listeners do.
 */
const CONTENT_SHARE = 0.08;
const CONTENT_NEIGHBOURS = 60;
const MAX_CACHED_ROWS = 20_000;
/** Maximum number of cached rows of newest tracks, which include what comes right after them. */
const MAX_CACHED_NEXT = 4_000;

/** A version of the weights applied to a snapshot of the catalogue: the neighbours of each track. */
export class Neighbours {
  readonly version: string;
  readonly snapshot: Snapshot;
  /** Each track of a history counts this much of the one after it. */
  readonly recency: number;
  readonly #weights: ItemWeights;
  readonly #rowOfTrack: ReadonlyMap<number, number>;
  readonly #cache = new Map<number, SparseVector>();
  readonly #withNext = new Map<number, SparseVector>();
  readonly #content: LearnedContent | null;
  /** By row of the weights. −1 for a track that has left the catalogue since the training. */
  readonly #indexOfRow: Int32Array;
  readonly #sum: SparseSum;

  constructor(version: string, snapshot: Snapshot, weights: ItemWeights) {
    this.version = version;
    this.snapshot = snapshot;
    this.#weights = weights;
    this.recency = weights.recency;
    this.#rowOfTrack = new Map(Array.from(weights.ids, (id, row) => [id, row]));
    this.#indexOfRow = Int32Array.from(weights.ids, (id) => snapshot.indexOf.get(id) ?? -1);
    this.#sum = new SparseSum(snapshot.tracks.length);
    const isTrained = (index: number) => this.#rowOfTrack.has(snapshot.tracks[index]?.id ?? -1);
    this.#content = weights.content && new LearnedContent(weights.content, snapshot, isTrained);
  }

  /** Whether it matters which track of a history is the newest ([REC8]). */
  get knowsNext(): boolean {
    return this.#weights.next !== null;
  }

  /** How much hearing this track speaks for each neighbour, excluding itself. */
  of(index: number): SparseVector {
    const known = this.#cache.get(index);
    if (known) return known;
    if (this.#cache.size >= MAX_CACHED_ROWS) this.#cache.clear();
    const row = this.#merge(index);
    this.#cache.set(index, row);
    return row;
  }

  /**
   * The same for the newest liked track of a history, which also raises what comes right after it. It is one row,
   * because it is the term of one event, and it lowers no neighbour.
   */
  ofNewest(index: number): SparseVector {
    const row = this.#weights.next ? this.#rowOf(index) : undefined;
    if (row === undefined || !this.#weights.next) return this.of(index);
    const known = this.#withNext.get(index);
    if (known) return known;
    if (this.#withNext.size >= MAX_CACHED_NEXT) this.#withNext.clear();
    const own = this.of(index);
    this.#sum.addScaled(own, 1);
    this.#addTrained(this.#weights.next, row);
    const sum = this.#sum.take();
    this.#withNext.set(index, sum);
    return sum;
  }

  /** Only the positive weights, because a reaction against a track lowers these and raises nothing. */
  near(index: number): SparseVector {
    const { indices, values } = this.of(index);
    const isFor = (_: number, at: number): boolean => (values[at] ?? 0) > 0;
    return { indices: indices.filter(isFor), values: values.filter((value) => value > 0) };
  }

  #merge(index: number): SparseVector {
    const sum = this.#sum;
    this.#alike(index, (at, cosine) => {
      if (!this.#content?.speaks(index, at)) sum.add(at, CONTENT_SHARE * cosine);
    });
    this.#content?.nearest(index, CONTENT_NEIGHBOURS).forEach(([at, weight]) => sum.add(at, weight));
    const row = this.#rowOf(index);
    if (row !== undefined) this.#addTrained(this.#weights, row);
    return sum.take();
  }

  /** The row of the weights. Undefined for a track that training did not know. */
  #rowOf(index: number): number | undefined {
    return this.#rowOfTrack.get(this.snapshot.tracks[index]?.id ?? -1);
  }

  #addTrained({ starts, columns, values }: SparseRows, row: number): void {
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
      const neighbour = this.#indexOfRow[columns[at] ?? 0] ?? -1;
      if (neighbour >= 0) this.#sum.add(neighbour, values[at] ?? 0);
    }
  }

  /** Reports the nearest tracks by the cosine of their features, among those that share any. */
  #alike(index: number, tell: (at: number, cosine: number) => void): void {
    const { features, byFeature } = this.snapshot;
    const own = features[index] ?? emptyVector;
    own.indices.forEach((feature, i) => this.#sum.addScaled(byFeature[feature] ?? emptyVector, own.values[i] ?? 0));
    const { indices, values } = this.#sum.take();
    const mask = new Uint8Array(indices.length);
    mask[indices.indexOf(index)] = 1;
    for (const at of topK(values, mask, CONTENT_NEIGHBOURS)) {
      const cosine = values[at] ?? 0;
      if (cosine > 0) tell(indices[at] ?? 0, cosine);
    }
  }
}
