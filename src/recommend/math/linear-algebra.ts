import { float } from '../../lib/typed-arrays.ts';
import type { Gemm, Matrix } from '../../ml/gemm.ts';
import { invertSmall } from './small-inverse.ts';

/**
 * Number of rows processed together: enough to keep the kernels busy, few enough to invert their diagonal block
 * directly.
 */
const BLOCK = 256;

type Floats = Matrix['data'];
export type Precision = 'single' | 'double';

/** Single precision if the sums are not so large compared with the ridge that they would lose it. */
export const precisionFor = (largest: number, ridge: number): Precision =>
  largest < MOST_SINGLE * ridge ? 'single' : 'double';
const MOST_SINGLE = 30_000;

/**
 * A symmetric matrix, n × n, of which the lower half is stored: strip s has `BLOCK` rows, stored row by row up to and
 * including the square on the diagonal. It takes slightly more than 4·n² bytes in doubles, half of that in single
 * precision.
 */
export class SymmetricMatrix {
  readonly n: number;
  readonly strips: readonly Matrix[];
  readonly #floats: new (length: number) => Floats;

  constructor(n: number, precision: Precision = 'double') {
    this.n = n;
    this.#floats = precision === 'single' ? Float32Array : Float64Array;
    this.strips = Array.from({ length: Math.ceil(n / BLOCK) }, (_, s) => {
      const end = Math.min(n, (s + 1) * BLOCK);
      const rows = end - s * BLOCK;
      return { data: this.floats(rows * end), rows, columns: end };
    });
  }

  /** Zeros in the matrix's precision. */
  floats(length: number): Floats {
    return new this.#floats(length);
  }

  /** @throws RangeError where there is none */
  strip(s: number): Matrix {
    const strip = this.strips[s];
    if (!strip) throw new RangeError(`There is no strip ${s} of a matrix of ${this.n} rows`);
    return strip;
  }

  /**
   * The position of row i up to its diagonal: element (i, j) is `data[from + j]` for j ≤ i. Call `mirror` after adding
   * to it.
   */
  half(i: number): { data: Floats; from: number } {
    const strip = this.strip(stripOf(i));
    return { data: strip.data, from: (i % BLOCK) * strip.columns };
  }

  /** Completes the squares on the diagonal, which are stored in full, from their lower halves. */
  mirror(): void {
    this.strips.forEach(({ data, rows, columns }, s) => {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < r; c++) data[c * columns + s * BLOCK + r] = float(data, r * columns + s * BLOCK + c);
      }
    });
  }

  /** Adds to the element (i, j) and so to (j, i), which are the same element. */
  add(i: number, j: number, value: number): void {
    const [low, high] = i < j ? [i, j] : [j, i];
    this.#addAt(high, low, value);
    // The squares on the diagonal are stored in full.
    if (low !== high && stripOf(low) === stripOf(high)) this.#addAt(low, high, value);
  }

  #addAt(row: number, column: number, value: number): void {
    const strip = this.strip(stripOf(row));
    const at = (row % BLOCK) * strip.columns + column;
    strip.data[at] = float(strip.data, at) + value;
  }

  at(i: number, j: number): number {
    const [low, high] = i < j ? [i, j] : [j, i];
    const { data, columns } = this.strip(stripOf(high));
    return float(data, (high % BLOCK) * columns + low);
  }

  diagonal(): Float64Array {
    return Float64Array.from({ length: this.n }, (_, i) => this.at(i, i));
  }

  /**
   * Copies the complete rows from `s · BLOCK` on into `panel` [rows, n], which has room for a block.
   * @returns these rows
   */
  rows(s: number, panel: Floats): Matrix {
    const strip = this.strip(s);
    const { n } = this;
    for (let r = 0; r < strip.rows; r++) {
      panel.set(strip.data.subarray(r * strip.columns, (r + 1) * strip.columns), r * n);
      for (let below = s + 1; below < this.strips.length; below++) this.#copyColumn(below, s * BLOCK + r, panel, r * n);
    }
    return { data: panel.subarray(0, strip.rows * n), rows: strip.rows, columns: n };
  }

  #copyColumn(s: number, column: number, target: Floats, from: number): void {
    const { data, rows, columns } = this.strip(s);
    for (let r = 0; r < rows; r++) target[from + s * BLOCK + r] = float(data, r * columns + column);
  }
}

const stripOf = (row: number): number => Math.floor(row / BLOCK);
export const rowsOfPanel = BLOCK;

/**
 * Inverts a symmetric positive definite matrix in place with the blocked sweep operator (Goodnight, "A Tutorial on the
 * SWEEP Operator", 1979): n³ operations, all by matrix products except the inverses of the diagonal blocks. It needs
 * two panels of n × BLOCK in addition to the matrix.
 * @throws RangeError if the matrix is not positive definite (or contains NaN)
 */
export function invertSymmetric(matrix: SymmetricMatrix, gemm: Gemm): SymmetricMatrix {
  for (let k = 0; k < matrix.strips.length; k++) sweep(matrix, k, gemm);
  for (const { data } of matrix.strips) for (let at = 0; at < data.length; at++) data[at] = -float(data, at);
  return matrix;
}

function sweep(matrix: SymmetricMatrix, k: number, gemm: Gemm): void {
  const { strips, n } = matrix;
  const width = matrix.strip(k).rows;
  const panel = { data: columnsOf(matrix, k), rows: n, columns: width };
  const square = Float64Array.from(panel.data.subarray(k * BLOCK * width, (k * BLOCK + width) * width));
  const inverse = matrix.floats(width * width);
  inverse.set(invertSmall(square, width, k * BLOCK));
  const scaled = { data: matrix.floats(n * width), rows: n, columns: width };
  gemm.product(panel, { data: inverse, rows: width, columns: width }, scaled);
  strips.forEach((strip, s) => {
    if (s === k) return;
    gemm.subtractProduct(rowsOf(panel, s * BLOCK, strip.rows), rowsOf(scaled, 0, strip.columns), strip);
  });
  putColumns(matrix, k, scaled.data);
  putDiagonal(matrix, k, inverse);
}

const rowsOf = ({ data, columns }: Matrix, from: number, rows: number): Matrix => ({
  data: data.subarray(from * columns, (from + rows) * columns),
  rows,
  columns,
});

/** The columns of block k over all rows: [n, width]. */
function columnsOf(matrix: SymmetricMatrix, k: number): Floats {
  const { strips, n } = matrix;
  const { data: own, rows: width, columns } = matrix.strip(k);
  const panel = matrix.floats(n * width);
  for (let r = 0; r < width; r++) {
    for (let row = 0; row < columns; row++) panel[row * width + r] = float(own, r * columns + row);
  }
  forStripsBelow(strips, k, (strip, r, row) => {
    const from = r * strip.columns + k * BLOCK;
    panel.set(strip.data.subarray(from, from + width), row * width);
  });
  return panel;
}

function putColumns(matrix: SymmetricMatrix, k: number, panel: Floats): void {
  const own = matrix.strip(k);
  const width = own.rows;
  for (let r = 0; r < width; r++) {
    for (let row = 0; row < k * BLOCK; row++) own.data[r * own.columns + row] = float(panel, row * width + r);
  }
  forStripsBelow(matrix.strips, k, (strip, r, row) => {
    strip.data.set(panel.subarray(row * width, (row + 1) * width), r * strip.columns + k * BLOCK);
  });
}

function putDiagonal(matrix: SymmetricMatrix, k: number, inverse: Floats): void {
  const own = matrix.strip(k);
  const width = own.rows;
  for (let r = 0; r < width; r++) {
    for (let c = 0; c < width; c++) own.data[r * own.columns + k * BLOCK + c] = -float(inverse, r * width + c);
  }
}

function forStripsBelow(
  strips: readonly Matrix[],
  k: number,
  visit: (strip: Matrix, r: number, row: number) => void,
): void {
  for (let s = k + 1; s < strips.length; s++) {
    const strip = strips[s];
    for (let r = 0; strip && r < strip.rows; r++) visit(strip, r, s * BLOCK + r);
  }
}
