import { dot, emptyVector, topIndices } from '../math/sparse.ts';
import { type ContentWeights, renumber, saidBy } from './content-weights.ts';
import type { Vectors } from './postings.ts';
import type { Snapshot } from './snapshot.ts';

/** Applies what training learned about features to tracks that it did not know, for a snapshot of the catalogue. */
export class LearnedContent {
  readonly #weights: ContentWeights;
  readonly #features: Vectors;
  /** Maps the snapshot's numbers of features to those of the weights; −1 for features that these lack. */
  readonly #numbers: Int32Array;
  readonly #isTrained: (index: number) => boolean;
  readonly #untrained: readonly number[];
  readonly #everything: readonly number[];

  constructor(weights: ContentWeights, { features, featureNames }: Snapshot, isTrained: (index: number) => boolean) {
    const known = numbersOf(weights);
    this.#weights = weights;
    this.#features = features;
    this.#numbers = Int32Array.from(featureNames, (name) => known.get(name) ?? -1);
    this.#isTrained = isTrained;
    this.#everything = Array.from({ length: features.length }, (_, index) => index);
    this.#untrained = this.#everything.filter((index) => !isTrained(index));
  }

  /** Whether what was learned applies to these two: at least one was unknown to training, and both have a known feature. */
  speaks(index: number, other: number): boolean {
    return (!this.#isTrained(index) || !this.#isTrained(other)) && this.#isKnown(index) && this.#isKnown(other);
  }

  #isKnown(index: number): boolean {
    return (this.#features.of(index) ?? emptyVector).indices.some((feature) => (this.#numbers[feature] ?? -1) >= 0);
  }

  /** The tracks that this one speaks for by its features, where training has no better knowledge. */
  nearest(index: number, most: number): readonly (readonly [index: number, weight: number])[] {
    const others = this.#isTrained(index) ? this.#untrained : this.#everything;
    if (others.length === 0) return [];
    const said = this.saidBy(index);
    const weights = Float64Array.from(others, (other) => dot(said, this.#features.of(other) ?? emptyVector));
    const best = topIndices(weights, most, (at) => others[at] !== index && (weights[at] ?? 0) > 0);
    return best.map((at) => [others[at] ?? 0, weights[at] ?? 0] as const);
  }

  /** The track's weight for each feature, by the snapshot's numbers. */
  saidBy(index: number): Float64Array {
    const said = saidBy(this.#weights, renumber(this.#features.of(index) ?? emptyVector, this.#numbers));
    const spread = new Float64Array(this.#numbers.length);
    this.#numbers.forEach((number, feature) => {
      if (number >= 0) spread[feature] = said[number] ?? 0;
    });
    return spread;
  }
}

const known = new WeakMap<ContentWeights, ReadonlyMap<string, number>>();

function numbersOf(weights: ContentWeights): ReadonlyMap<string, number> {
  const numbers = known.get(weights) ?? new Map(weights.names.map((name, number) => [name, number]));
  known.set(weights, numbers);
  return numbers;
}
