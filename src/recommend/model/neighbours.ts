import { f32, f64, i32, u32 } from '../../lib/typed-arrays.ts';
import { emptyVector, type SparseVector, valueAt } from '../math/sparse.ts';
import { factorAt, type SparseRows } from '../math/sparse-rows.ts';
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
/** Tracks of listeners whose reasons are read. */
const MAX_CACHED_CONTENT = 500;

/** By the feature's number in the snapshot. */
export interface SharedFeature {
  feature: number;
  value: number;
}

/** What a heard track speaks for in one scale: `factor · vector`. */
export interface ScalePart {
  factor: number;
  vector: SparseVector;
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
  /** The rows of each scale, the slowest first, which includes what features say; and those of all scales together. */
  readonly #scales: readonly Rows[];
  readonly #together = new Rows();
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
    this.#scales = [new Rows(), ...weights.faster.map(() => new Rows())];
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

  /** By index of the track: how much having just heard it speaks for each neighbour; none for itself. */
  of(index: number): SparseVector {
    const [slowest, ...faster] = this.parts(index, 0);
    if (faster.length === 0) return slowest.vector;
    return this.#together.of(index, () => {
      for (const { vector } of [slowest, ...faster]) this.#sum.addScaled(vector, 1);
      return this.#sum.take();
    });
  }

  /** Only the positive weights, because a reaction against a track lowers these and raises nothing. */
  near(index: number): SparseVector {
    return positiveOf(this.of(index));
  }

  /**
   * The same by scale, the slowest first, for a track after which `age` others were liked ([REC20]). Scales in which
   * nothing is left of it are absent.
   */
  parts(index: number, age: number): readonly [ScalePart, ...ScalePart[]] {
    const slowest = this.#scales[0]?.of(index, () => this.#merge(index)) ?? emptyVector;
    const faster = this.#weights.faster.flatMap((scale, s): ScalePart[] => {
      const factor = factorAt(scale, age);
      const row = this.#rowOf(index);
      if (factor === 0 || row === undefined) return [];
      const vector = this.#scales[s + 1]?.of(index, () => {
        this.#addTrained(scale, row);
        return this.#sum.take();
      });
      return vector ? [{ factor, vector }] : [];
    });
    return [{ factor: this.recency ** age, vector: slowest }, ...faster];
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

/** Rows that are made when they are first needed. */
class Rows {
  readonly #made = new Map<number, SparseVector>();

  of(index: number, make: () => SparseVector): SparseVector {
    const known = this.#made.get(index);
    if (known) return known;
    if (this.#made.size >= MAX_CACHED_ROWS) this.#made.clear();
    const row = make();
    this.#made.set(index, row);
    return row;
  }
}

export function positiveOf({ indices, values }: SparseVector): SparseVector {
  const isFor = (_: number, at: number): boolean => f64(values, at) > 0;
  return { indices: indices.filter(isFor), values: values.filter((value) => value > 0) };
}
