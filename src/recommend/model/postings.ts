import type { Sliced } from '../../lib/async/slices.ts';
import type { SparseVector } from '../math/sparse.ts';

/** Sparse vectors by number. */
export interface Vectors {
  length: number;
  /** Undefined for an empty vector. */
  of(number: number): SparseVector | undefined;
}

/** Sparse vectors in three arrays: as objects, the vectors of a catalogue would take most of its memory. */
export class Postings implements Vectors {
  readonly #starts: Int32Array;
  readonly #indices: Int32Array;
  readonly #values: Float64Array;

  /** @param starts the start of each vector, and the end of the last */
  constructor(starts: Int32Array, indices: Int32Array, values: Float64Array) {
    this.#starts = starts;
    this.#indices = indices;
    this.#values = values;
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  of(number: number): SparseVector | undefined {
    const [from, to] = [this.#starts[number] ?? 0, this.#starts[number + 1] ?? 0];
    if (from >= to) return undefined;
    return { indices: this.#indices.subarray(from, to), values: this.#values.subarray(from, to) };
  }
}

/** The transpose: for each column, the rows with a value in it and these values. */
export function* transposed(rows: Vectors, columns: number): Sliced<Postings> {
  const ends = new Int32Array(columns + 1);
  for (let row = 0; row < rows.length; row++) {
    const { indices = none } = rows.of(row) ?? {};
    for (let i = 0; i < indices.length; i++) ends[(indices[i] ?? 0) + 1] = (ends[(indices[i] ?? 0) + 1] ?? 0) + 1;
    yield;
  }
  for (let column = 0; column < columns; column++) ends[column + 1] = (ends[column + 1] ?? 0) + (ends[column] ?? 0);
  const starts = ends.slice();
  const total = ends[columns] ?? 0;
  const [found, weights] = [new Int32Array(total), new Float64Array(total)];
  for (let row = 0; row < rows.length; row++) {
    const vector = rows.of(row);
    for (let i = 0; vector && i < vector.indices.length; i++) {
      const column = vector.indices[i] ?? 0;
      const at = ends[column] ?? 0;
      ends[column] = at + 1;
      found[at] = row;
      weights[at] = vector.values[i] ?? 0;
    }
    yield;
  }
  return new Postings(starts, found, weights);
}

const none = new Int32Array();
