import { f32, f64, u32 } from '../../lib/typed-arrays.ts';
export interface SparseRows {
  /** Row i is `columns[starts[i] … starts[i + 1]]`. */
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
}

/** Weights by how recently a track was heard: they count `decay` times as much with each liked track since. */
export interface TimeScale extends SparseRows {
  decay: number;
}

/** Smaller factors are left out, so that a fast scale costs a few rows and not all of a history. */
const LEAST_FACTOR = 1e-4;

/** How much a scale's weights count of a track after which `age` others were liked. */
export function factorAt({ decay }: TimeScale, age: number): number {
  const factor = decay ** age;
  return factor < LEAST_FACTOR ? 0 : factor;
}

/** Minimum number of weights kept per row, however many rows there are. */
const LEAST_ROW = 50;
/** Smaller weights are rounding noise. */
const LEAST_WEIGHT = 1e-6;

/** Takes rows of weights in order, and keeps those furthest from 0 in each. */
export class RowKeeper {
  readonly #perRow: number;
  readonly #sizes: Float64Array;
  readonly #starts: Uint32Array;
  readonly #columns: Uint32Array;
  readonly #values: Float32Array;
  #row = 0;
  #kept = 0;

  /** @param entries total number of weights to keep */
  constructor(n: number, entries: number) {
    this.#perRow = Math.min(n, Math.max(LEAST_ROW, Math.floor(entries / Math.max(1, n))));
    this.#sizes = new Float64Array(n);
    this.#starts = new Uint32Array(n + 1);
    this.#columns = new Uint32Array(n * this.#perRow);
    this.#values = new Float32Array(n * this.#perRow);
  }

  /** @throws RangeError if a weight is not finite */
  add(row: Float64Array): void {
    const sizes = this.#sizes;
    let sum = 0;
    for (let j = 0; j < row.length; j++) sum += sizes[j] = Math.abs(f64(row, j));
    if (!Number.isFinite(sum)) throw new RangeError(`The weights of row ${this.#row} are not finite`);
    const least = this.#perRow < row.length ? Math.max(LEAST_WEIGHT, greatest(sizes, this.#perRow)) : LEAST_WEIGHT;
    const end = this.#kept + this.#perRow;
    for (let j = 0; j < row.length && this.#kept < end; j++) {
      const value = f64(row, j);
      if (Math.abs(value) < least) continue;
      this.#columns[this.#kept] = j;
      this.#values[this.#kept] = value;
      this.#kept += 1;
    }
    this.#row += 1;
    this.#starts[this.#row] = this.#kept;
  }

  rows(): SparseRows {
    return {
      starts: this.#starts,
      columns: this.#columns.slice(0, this.#kept),
      values: this.#values.slice(0, this.#kept),
    };
  }
}

/** The k-th greatest value (Hoare's quickselect, 1961). Reorders the values. */
function greatest(values: Float64Array, k: number): number {
  let [low, high] = [0, values.length - 1];
  const at = k - 1;
  while (low < high) {
    const pivot = f64(values, (low + high) >> 1);
    let [i, j] = [low, high];
    while (i <= j) {
      while (f64(values, i) > pivot) i++;
      while (f64(values, j) < pivot) j--;
      if (i > j) break;
      const swapped = f64(values, i);
      values[i++] = f64(values, j);
      values[j--] = swapped;
    }
    if (at <= j) high = j;
    else if (at >= i) low = i;
    else break;
  }
  return f64(values, at);
}

/** The indices of at most k values: those furthest from 0, by more than `noise`. */
export function furthest(values: ArrayLike<number>, k: number, noise = LEAST_WEIGHT): number[] {
  if (k <= 0) return [];
  const sizes = Float64Array.from(values, Math.abs);
  const least = Math.max(noise, Number.MIN_VALUE, k < sizes.length ? greatest(sizes.slice(), k) : 0);
  const found: number[] = [];
  for (let i = 0; i < sizes.length && found.length < k; i++) if (f64(sizes, i) >= least) found.push(i);
  return found;
}

/** Collects weights in any order, up to a maximum number, and then sorts them into rows. */
export class WeightList {
  readonly #counts: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #columns: Uint32Array;
  readonly #values: Float32Array;
  #length = 0;

  constructor(n: number, room: number) {
    this.#counts = new Uint32Array(n + 1);
    this.#rows = new Uint32Array(room);
    this.#columns = new Uint32Array(room);
    this.#values = new Float32Array(room);
  }

  /** @throws RangeError if the weight is not finite */
  add(row: number, column: number, value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`The weight of ${row} for ${column} is ${value}`);
    this.#rows[this.#length] = row;
    this.#columns[this.#length] = column;
    this.#values[this.#length] = value;
    this.#length += 1;
    this.#counts[row + 1] = u32(this.#counts, row + 1) + 1;
  }

  rows(): SparseRows {
    const starts = this.#counts.slice();
    for (let i = 1; i < starts.length; i++) starts[i] = u32(starts, i) + u32(starts, i - 1);
    const next = starts.slice();
    const columns = new Uint32Array(this.#length);
    const values = new Float32Array(this.#length);
    for (let at = 0; at < this.#length; at++) {
      const row = u32(this.#rows, at);
      const to = u32(next, row);
      next[row] = to + 1;
      columns[to] = u32(this.#columns, at);
      values[to] = f32(this.#values, at);
    }
    return { starts, columns, values };
  }
}
