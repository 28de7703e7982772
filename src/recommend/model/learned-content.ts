import { dot, emptyVector, type SparseVector, topIndices } from '../math/sparse.ts';
import { type ContentWeights, renumber, saidBy } from './content-weights.ts';
import type { Snapshot } from './snapshot.ts';

/** Applies what training learned about features to tracks that it did not know, for a snapshot of the catalogue. */
export class LearnedContent {
  readonly #weights: ContentWeights;
  /** By track, with the features' numbers in the weights. */
  readonly #features: readonly SparseVector[];
  readonly #isTrained: (index: number) => boolean;
  readonly #untrained: readonly number[];
  readonly #everything: readonly number[];

  constructor(weights: ContentWeights, { features, featureNames }: Snapshot, isTrained: (index: number) => boolean) {
    const known = new Map(weights.names.map((name, number) => [name, number]));
    const numbers = Int32Array.from(featureNames, (name) => known.get(name) ?? -1);
    this.#weights = weights;
    this.#isTrained = isTrained;
    this.#everything = [...features.keys()];
    this.#untrained = this.#everything.filter((index) => !isTrained(index));
    this.#features = this.#untrained.length > 0 ? features.map((vector) => renumber(vector, numbers)) : [];
  }

  /**
   * Whether what was learned applies to these two: at least one was unknown to training, and both have a known feature.
   */
  speaks(index: number, other: number): boolean {
    return (!this.#isTrained(index) || !this.#isTrained(other)) && this.#isKnown(index) && this.#isKnown(other);
  }

  #isKnown(index: number): boolean {
    return (this.#features[index]?.indices.length ?? 0) > 0;
  }

  /** The tracks that this one speaks for by its features, where training has no better knowledge. */
  nearest(index: number, most: number): readonly (readonly [index: number, weight: number])[] {
    const others = this.#isTrained(index) ? this.#untrained : this.#everything;
    if (others.length === 0) return [];
    const said = saidBy(this.#weights, this.#features[index] ?? emptyVector);
    const weights = Float64Array.from(others, (other) => dot(said, this.#features[other] ?? emptyVector));
    const best = topIndices(weights, most, (at) => others[at] !== index && (weights[at] ?? 0) > 0);
    return best.map((at) => [others[at] ?? 0, weights[at] ?? 0] as const);
  }
}
