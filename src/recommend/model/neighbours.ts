import { f32, f64, i32, u32 } from '../../lib/typed-arrays.ts';
import { emptyVector, type SparseVector, valueAt } from '../math/sparse.ts';
import type { SparseRows } from '../math/sparse-rows.ts';
import { SparseSum } from '../math/sparse-sum.ts';
import { topK } from '../math/top-k.ts';
import { LearnedContent } from './learned-content.ts';
import type { Snapshot } from './snapshot.ts';
import type { ItemWeights } from './weights.ts';

/**
 * Between tracks that were trained on, and where nothing was learned of features: what is alike by its artist, genres and
 * tags counts this much of what is heard by the same people: enough that a track
 * nobody has heard yet has neighbours, too little to outweigh what listeners do.
 */
const CONTENT_SHARE = 0.08;
const CONTENT_NEIGHBOURS = 60;
const MAX_CACHED_ROWS = 20_000;
/** Newest tracks of listeners, whose rows are kept a second time, with what comes right after them. */
const MAX_CACHED_NEXT = 4_000;
/** Tracks of listeners whose reasons are read. */
const MAX_CACHED_CONTENT = 500;

/** By the feature's number in the snapshot. */
export interface SharedFeature {
  feature: number;
  value: number;
}

/** Of a snapshot what stays when only popularity changes. */
type Made = Pick<Snapshot, 'indexOf' | 'features' | 'byFeature'>;

/**
 * A version of the weights against a snapshot of the catalogue: the tracks next to a track. For all snapshots whose tracks are
 * made of the same it is the same.
 */
export class Neighbours {
  readonly version: string;
  /** Of a history each track counts this much of the one after it. */
  readonly recency: number;
  readonly #made: Made;
  /** By index. */
  readonly #ids: Float64Array;
  readonly #weights: ItemWeights;
  readonly #rowOfTrack: ReadonlyMap<number, number>;
  readonly #cache = new Map<number, SparseVector>();
  readonly #withNext = new Map<number, SparseVector>();
  readonly #byContent = new Map<number, readonly number[]>();
  readonly #content: LearnedContent | null;
  /** By row of the weights; −1 for a track that has left the catalogue since the training. */
  readonly #indexOfRow: Int32Array;
  readonly #sum: SparseSum;

  constructor(version: string, snapshot: Snapshot, weights: ItemWeights) {
    this.version = version;
    const { indexOf, features, byFeature } = snapshot;
    this.#made = { indexOf, features, byFeature };
    this.#ids = Float64Array.from(snapshot.tracks, ({ id }) => id);
    this.#weights = weights;
    this.recency = weights.recency;
    this.#rowOfTrack = new Map(Array.from(weights.ids, (id, row) => [id, row]));
    this.#indexOfRow = Int32Array.from(weights.ids, (id) => indexOf.get(id) ?? -1);
    this.#sum = new SparseSum(snapshot.tracks.length);
    const isTrained = (index: number) => this.#rowOf(index) !== undefined;
    this.#content = weights.content && new LearnedContent(weights.content, snapshot, isTrained);
  }

  /** Whether these are of the snapshot's tracks. */
  isOf({ indexOf }: Snapshot): boolean {
    return indexOf === this.#made.indexOf;
  }

  /** Whether it matters which of a history's tracks is the newest ([REC8]). */
  get knowsNext(): boolean {
    return this.#weights.next !== null;
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

  /**
   * The same of the newest liked track of a history, for which what comes right after it counts as well: in one row, for it is
   * one event's term. None of its neighbours loses by that.
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
    const isFor = (_: number, at: number): boolean => f64(values, at) > 0;
    return { indices: indices.filter(isFor), values: values.filter((value) => value > 0) };
  }

  /**
   * What of the weight of one track for another comes from features that both have. With what comes from listeners, and from
   * features that training found to go together, these are the weight.
   */
  shared(index: number, other: number): readonly SharedFeature[] {
    if (!this.#contentNeighbours(index).includes(other)) return [];
    const { features } = this.#made;
    const [own, its] = [features.of(index) ?? emptyVector, features.of(other) ?? emptyVector];
    const said = this.#content?.speaks(index, other) ? this.#content.saidBy(index) : null;
    return [...its.indices].flatMap((feature, at): SharedFeature[] => {
      const weight = valueAt(own, feature);
      const value = f64(its.values, at) * (said ? f64(said, feature) : CONTENT_SHARE * weight);
      return weight > 0 && value > 0 ? [{ feature, value }] : [];
    });
  }

  /** The tracks that this one speaks for by features at all. Those of a few tracks are kept, as lists refer to them repeatedly. */
  #contentNeighbours(index: number): readonly number[] {
    const known = this.#byContent.get(index);
    if (known) return known;
    if (this.#byContent.size >= MAX_CACHED_CONTENT) this.#byContent.clear();
    const found: number[] = [];
    this.#alike(index, (at) => {
      if (!this.#content?.speaks(index, at)) found.push(at);
    });
    this.#content?.nearest(index, CONTENT_NEIGHBOURS).forEach(([at]) => found.push(at));
    this.#byContent.set(index, found);
    return found;
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

  /** Of the weights; undefined for a track that was not trained on. */
  #rowOf(index: number): number | undefined {
    return this.#rowOfTrack.get(this.#ids[index] ?? -1);
  }

  #addTrained({ starts, columns, values }: SparseRows, row: number): void {
    for (let at = u32(starts, row); at < u32(starts, row + 1); at++) {
      const neighbour = this.#indexOfRow[u32(columns, at)] ?? -1;
      if (neighbour >= 0) this.#sum.add(neighbour, f32(values, at));
    }
  }

  /** Reports the nearest tracks by the cosine of their features, among those that share any. */
  #alike(index: number, tell: (at: number, cosine: number) => void): void {
    const { features, byFeature } = this.#made;
    const own = features.of(index) ?? emptyVector;
    own.indices.forEach((feature, i) => this.#sum.addScaled(byFeature.of(feature) ?? emptyVector, f64(own.values, i)));
    const { indices, values } = this.#sum.take();
    const mask = new Uint8Array(indices.length);
    mask[indices.indexOf(index)] = 1;
    for (const at of topK(values, mask, CONTENT_NEIGHBOURS)) {
      const cosine = f64(values, at);
      if (cosine > 0) tell(i32(indices, at), cosine);
    }
  }
}
