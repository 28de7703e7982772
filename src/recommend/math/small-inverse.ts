import { f64 } from '../../lib/typed-arrays.ts';
/**
 * Inverts a small symmetric positive definite matrix, n × n in row order, with its Cholesky factor: A = LLᵀ, A⁻¹ =
 * L⁻ᵀL⁻¹. This takes about n³ multiply-adds, in blocks of four by four rows: each number read is used in four products,
 * and inner products run along rows, in the order of memory. `a` is overwritten with the inverse; one more n × n is
 * needed.
 * @param first number of the first row, for the message
 * @throws RangeError if the matrix is not positive definite (or contains NaN)
 */
export function invertSmall(a: Float64Array, n: number, first = 0): Float64Array {
  factorise(a, n, first);
  const inverseFactor = invertLowerTransposed(a, n);
  return multiplyUpper(inverseFactor, a, n);
}

const BLOCK = 4;

/** Computes L in the lower triangle of `a`, one block column after the other. */
function factorise(a: Float64Array, n: number, first: number): void {
  const sums = new Float64Array(BLOCK * BLOCK);
  for (let j0 = 0; j0 < n; j0 += BLOCK) {
    for (let i0 = j0; i0 < n; i0 += BLOCK) {
      products(sums, a, i0, a, j0, n, 0, j0);
      for (let i = i0; i < Math.min(n, i0 + BLOCK); i++) {
        for (let j = j0; j < Math.min(n, j0 + BLOCK, i + 1); j++) {
          const known = f64(sums, (i - i0) * BLOCK + j - j0) + product(a, i * n + j0, a, j * n + j0, j - j0);
          const rest = f64(a, i * n + j) - known;
          a[i * n + j] = i === j ? pivotOf(rest, first + i) : rest / f64(a, j * n + j);
        }
      }
    }
  }
}

function pivotOf(rest: number, i: number): number {
  if (rest > 0) return Math.sqrt(rest);
  throw new RangeError(`The matrix is not positive definite (pivot ${i} is ${rest})`);
}

/** L⁻ᵀ in row order (upper triangle): its row c is column c of L⁻¹, solved by forward substitution. */
function invertLowerTransposed(l: Float64Array, n: number): Float64Array {
  const u = new Float64Array(n * n);
  const sums = new Float64Array(BLOCK * BLOCK);
  for (let c0 = 0; c0 < n; c0 += BLOCK) {
    for (let i0 = c0; i0 < n; i0 += BLOCK) {
      products(sums, u, c0, l, i0, n, c0, i0);
      for (let c = c0; c < Math.min(n, c0 + BLOCK); c++) {
        for (let i = Math.max(c, i0); i < Math.min(n, i0 + BLOCK); i++) {
          const sum = f64(sums, (c - c0) * BLOCK + i - i0) + product(l, i * n + i0, u, c * n + i0, i - i0);
          u[c * n + i] = ((i === c ? 1 : 0) - sum) / f64(l, i * n + i);
        }
      }
    }
  }
  return u;
}

/** UUᵀ for an upper triangular U. */
function multiplyUpper(u: Float64Array, result: Float64Array, n: number): Float64Array {
  const sums = new Float64Array(BLOCK * BLOCK);
  for (let i0 = 0; i0 < n; i0 += BLOCK) {
    for (let j0 = i0; j0 < n; j0 += BLOCK) {
      products(sums, u, i0, u, j0, n, j0, n);
      for (let i = i0; i < Math.min(n, i0 + BLOCK); i++) {
        for (let j = j0; j < Math.min(n, j0 + BLOCK); j++) {
          const sum = f64(sums, (i - i0) * BLOCK + j - j0);
          result[i * n + j] = sum;
          result[j * n + i] = sum;
        }
      }
    }
  }
  return result;
}

/**
 * Inner products of the rows x0 … x0 + 3 of x with the rows y0 … y0 + 3 of y over the columns from … to, into `sums`
 * [4, 4]. Rows beyond the end are replaced by the last one; their results are not used.
 */
function products(
  sums: Float64Array,
  x: Float64Array,
  x0: number,
  y: Float64Array,
  y0: number,
  n: number,
  from: number,
  to: number,
): void {
  const q0 = y0 * n;
  const q1 = Math.min(y0 + 1, n - 1) * n;
  const q2 = Math.min(y0 + 2, n - 1) * n;
  const q3 = Math.min(y0 + 3, n - 1) * n;
  for (let r = 0; r < BLOCK; r += 2) {
    const p0 = Math.min(x0 + r, n - 1) * n;
    const p1 = Math.min(x0 + r + 1, n - 1) * n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let t0 = 0;
    let t1 = 0;
    let t2 = 0;
    let t3 = 0;
    for (let k = from; k < to; k++) {
      const upper = x[p0 + k] ?? 0;
      const lower = x[p1 + k] ?? 0;
      const b0 = y[q0 + k] ?? 0;
      s0 += upper * b0;
      t0 += lower * b0;
      const b1 = y[q1 + k] ?? 0;
      s1 += upper * b1;
      t1 += lower * b1;
      const b2 = y[q2 + k] ?? 0;
      s2 += upper * b2;
      t2 += lower * b2;
      const b3 = y[q3 + k] ?? 0;
      s3 += upper * b3;
      t3 += lower * b3;
    }
    sums[r * BLOCK] = s0;
    sums[r * BLOCK + 1] = s1;
    sums[r * BLOCK + 2] = s2;
    sums[r * BLOCK + 3] = s3;
    sums[r * BLOCK + 4] = t0;
    sums[r * BLOCK + 5] = t1;
    sums[r * BLOCK + 6] = t2;
    sums[r * BLOCK + 7] = t3;
  }
}

function product(a: Float64Array, aFrom: number, b: Float64Array, bFrom: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (a[aFrom + k] ?? 0) * (b[bFrom + k] ?? 0);
  return sum;
}
