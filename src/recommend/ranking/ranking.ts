import { f64 } from '../../lib/typed-arrays.ts';
import { addScaled, type SparseVector, valueAt } from '../math/sparse.ts';
import type { Neighbours, SharedFeature } from '../model/neighbours.ts';
import type { Serving } from '../model/serving.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { keepBestRecordings } from '../model/songs.ts';
import { tasteWithout, type TermSource } from '../taste/taste.ts';
import { type ExclusionOptions, markExclusions, otherVersionBit } from './exclusions.ts';
import { Scores } from './scores.ts';
import { baselineOf, type Term, termsOf } from './terms.ts';
import { type Board, boardOf, type Workspace } from './workspace.ts';

export interface Contribution {
  source: TermSource;
  value: number;
  /** What its term's vector is multiplied by. */
  factor: number;
  /** The part of the value that is there because the track was heard lately. Absent where nothing is. */
  lately?: { value: number; age: number };
}

/**
 * The terms of one listener's scores. The scores themselves are computed on demand, for every track of the snapshot,
 * each time again.
 */
export class Ranking {
  readonly snapshot: Snapshot;
  readonly baseline: number;
  readonly #neighbours: Neighbours;
  readonly #workspace: Workspace;
  readonly #options: ExclusionOptions;
  readonly #terms: readonly Term[];
  /**
   * The tracks of a list share reasons, so one response needs a few of these repeatedly, within one turn of the event
   * loop. They are kept for that turn. Keeping them longer would let a cached list hold on to megabytes.
   */
  readonly #without = new Map<TermSource, WeakRef<Scores>>();

  constructor({ snapshot, neighbours, workspace }: Serving, options: ExclusionOptions) {
    this.snapshot = snapshot;
    this.baseline = baselineOf(snapshot);
    this.#neighbours = neighbours;
    this.#workspace = workspace;
    this.#options = options;
    this.#terms = termsOf(options.taste, snapshot, neighbours);
  }

  /** Computes the scores in memory that is lent until `use` returns. They must not be kept. */
  withScores<Result>(use: (scores: Scores) => Result): Result {
    return this.#workspace.lend(this.snapshot.tracks.length, (board) => use(this.#compute(board)));
  }

  /** Computes the scores in memory of their own: nine bytes per track of the catalogue, as long as they are kept. */
  scores(): Scores {
    return this.#compute(boardOf(this.snapshot.tracks.length));
  }

  #compute(board: Board): Scores {
    const { scores, excluded } = board;
    scores.fill(this.baseline);
    for (const { vector, factor, faster } of this.#terms) {
      addTerm(scores, vector, factor);
      for (const part of faster?.parts ?? []) addTerm(scores, part.vector, part.factor);
    }
    markExclusions(excluded, this.snapshot, this.#options);
    keepBestRecordings(scores, excluded, this.snapshot.songs, otherVersionBit);
    return new Scores(board, this.snapshot, this.baseline, this.#options, this.#workspace);
  }

  /** The contributions other than 0, largest first. With the baseline they add up to the score. */
  contributions(index: number): Contribution[] {
    const found: Contribution[] = [];
    for (const { source, factor, vector, faster } of this.#terms) {
      const slow =
        factor * (isDense(vector, this.snapshot.tracks) ? f64(vector.values, index) : valueAt(vector, index));
      const fast = faster?.parts.reduce((sum, part) => sum + part.factor * valueAt(part.vector, index), 0) ?? 0;
      const value = slow + fast;
      const lately = faster && fast !== 0 ? { value: fast, age: faster.age } : undefined;
      if (value !== 0) found.push({ source, value, factor, ...(lately && { lately }) });
    }
    return found.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  }

  /** What a heard track's weight for another owes to features that both have, by the feature's number. */
  sharedWith(trackId: number, index: number): readonly SharedFeature[] {
    const heard = this.snapshot.indexOf.get(trackId);
    return heard === undefined ? [] : this.#neighbours.shared(heard, index);
  }

  /** All scores computed again as if this reaction, preference or request did not exist ([REC2]). */
  without(source: TermSource): Scores {
    const known = this.#without.get(source)?.deref();
    if (known) return known;
    const taste = tasteWithout(this.#options.taste, source);
    const serving = { snapshot: this.snapshot, neighbours: this.#neighbours, workspace: this.#workspace };
    const scores = new Ranking(serving, { ...this.#options, taste }).scores();
    this.#without.set(source, new WeakRef(scores));
    return scores;
  }
}

/** A vector over all tracks is added without looking up indices. */
const isDense = ({ indices }: SparseVector, all: ArrayLike<unknown>): boolean => indices.length === all.length;

function addTerm(scores: Float64Array, vector: SparseVector, factor: number): void {
  if (!isDense(vector, scores)) {
    addScaled(scores, vector, factor);
    return;
  }
  const { values } = vector;
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) + factor * (values[i] ?? 0);
}
