import { f64, i32 } from '../../lib/typed-arrays.ts';
import type { SparseVector } from './sparse.ts';

/** From this fraction of all indices on, scanning all of them is cheaper than sorting those that occur. */
const MANY = 1 / 16;

/** Adds up values at indices in any order. Its memory is reused for the next sum. */
export class SparseSum {
  readonly #values: Float64Array;
  readonly #isThere: Uint8Array;
  readonly #indices: Int32Array;
  #count = 0;

  /** @param length of the vectors that are added */
  constructor(length: number) {
    this.#values = new Float64Array(length);
    this.#isThere = new Uint8Array(length);
    this.#indices = new Int32Array(length);
  }

  add(index: number, value: number): void {
    if (this.#isThere[index] === 0) {
      this.#isThere[index] = 1;
      this.#indices[this.#count++] = index;
    }
    this.#values[index] = f64(this.#values, index) + value;
  }

  addScaled({ indices, values }: SparseVector, factor: number): void {
    for (let i = 0; i < indices.length; i++) this.add(i32(indices, i), factor * f64(values, i));
  }

  /** Returns the sum and starts a new one. */
  take(): SparseVector {
    const indices = this.#ascending();
    const values = new Float64Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const index = i32(indices, i);
      values[i] = f64(this.#values, index);
      this.#values[index] = 0;
      this.#isThere[index] = 0;
    }
    this.#count = 0;
    return { indices, values };
  }

  #ascending(): Int32Array {
    const found = this.#indices.subarray(0, this.#count);
    if (this.#count < MANY * this.#isThere.length) return found.slice().sort();
    let at = 0;
    for (let index = 0; index < this.#isThere.length; index++) if (this.#isThere[index] === 1) found[at++] = index;
    return found.slice();
  }
}
