import { f32, f64, float, u32 } from '../../../lib/typed-arrays.ts';
import type { Gemm } from '../../../ml/gemm.ts';
import { invertSymmetric, precisionFor, rowsOfPanel, SymmetricMatrix } from '../../math/linear-algebra.ts';
import { RowKeeper, type SparseRows } from '../../math/sparse-rows.ts';
import { type ByItem, type Interactions, transpose } from '../interactions.ts';
import type { SystemOptions } from './normal-equations.ts';

/** If at least this fraction of listeners × items is filled, products of whole matrices are faster than sparse sums. */
const DENSE = 1 / 40;

/**
 * EASE with fewer listeners than items. With Λ the ridge by item and X scaled by Λ^−½, Woodbury's identity gives P =
 * Λ^−½ (I − H) Λ^−½ with H = Xᵀ(XXᵀ + I)⁻¹X, and so the weights B_ij = (Λ_j / Λ_i)^½ · H_ij / (1 − H_jj). Memory: 4 ·
 * listeners² + 4 · listeners · items bytes.
 */
export function trainFromListeners(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows {
  const whole = levelled(interactions, options.levelling);
  const roots = ridgesOf(whole, options).map(Math.sqrt);
  const x = { ...whole, values: whole.values.map((value, at) => value / f64(roots, u32(whole.items, at))) };
  const kernel = invertSymmetric(listenerGram(x), gemm);
  const projected = project(kernel, x);
  const { itemCount: n } = x;
  const byItem = transpose(x);
  const rowOf = isDense(x) ? denseRows(byItem, projected, n, gemm) : sparseRows(byItem, projected, n);
  const rest = remainders(byItem, projected, n);
  const keeper = new RowKeeper(n, options.entries);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const product = rowOf(i);
    const root = f64(roots, i);
    for (let j = 0; j < n; j++) row[j] = ((product[j] ?? 0) * (roots[j] ?? 0)) / ((rest[j] ?? 0) * root);
    row[i] = 0;
    keeper.add(row);
  }
  return keeper.rows();
}

const isDense = ({ items, starts, itemCount }: Interactions): boolean =>
  items.length > DENSE * (starts.length - 1) * itemCount;

/** Rows scaled by the square roots of their listeners' weights. */
function levelled(interactions: Interactions, levelling: number): Interactions {
  const { starts, values, items } = interactions;
  const mean = items.length / Math.max(1, starts.length - 1);
  const scaled = values.slice();
  for (let u = 0; u + 1 < starts.length; u++) {
    const [from, end] = [u32(starts, u), u32(starts, u + 1)];
    const factor = end > from ? ((end - from) / mean) ** (-levelling / 2) : 0;
    for (let at = from; at < end; at++) scaled[at] = f32(scaled, at) * factor;
  }
  return { ...interactions, values: scaled };
}

/** The ridge of each item: λ, plus the part of its own square that dropout requires. */
function ridgesOf({ itemCount, items, values }: Interactions, { ridge, dropout }: SystemOptions): Float64Array {
  const ridges = new Float64Array(itemCount).fill(ridge);
  const more = dropout / (1 - dropout);
  items.forEach((item, at) => (ridges[item] = f64(ridges, item) + more * f32(values, at) ** 2));
  return ridges;
}

function listenerGram({ itemCount, starts, items, values }: Interactions): SymmetricMatrix {
  const m = starts.length - 1;
  const squares = values.reduce((sum, value) => sum + value ** 2, 0);
  const gram = new SymmetricMatrix(m, precisionFor(squares, 1));
  const dense = new Float64Array(itemCount);
  for (let u = 0; u < m; u++) {
    for (let a = u32(starts, u); a < u32(starts, u + 1); a++) dense[u32(items, a)] = f32(values, a);
    for (let v = 0; v <= u; v++) {
      let sum = u === v ? 1 : 0;
      const end = u32(starts, v + 1);
      for (let a = u32(starts, v); a < end; a++) sum += (values[a] ?? 0) * (dense[items[a] ?? 0] ?? 0);
      if (sum !== 0) gram.add(u, v, sum);
    }
    for (let a = u32(starts, u); a < u32(starts, u + 1); a++) dense[u32(items, a)] = 0;
  }
  return gram;
}

/** K·X in row order: [listeners, items]. */
function project(kernel: SymmetricMatrix, { itemCount: n, starts, items, values }: Interactions): Float32Array {
  const m = kernel.n;
  const projected = new Float32Array(m * n);
  const panel = kernel.floats(Math.min(m, rowsOfPanel) * m);
  const row = new Float64Array(n);
  for (let s = 0; s < kernel.strips.length; s++) {
    const { rows } = kernel.rows(s, panel);
    for (let r = 0; r < rows; r++) {
      row.fill(0);
      for (let v = 0; v < m; v++) {
        const factor = float(panel, r * m + v);
        const end = u32(starts, v + 1);
        for (let a = u32(starts, v); a < end; a++) {
          const item = items[a] ?? 0;
          row[item] = (row[item] ?? 0) + factor * (values[a] ?? 0);
        }
      }
      projected.set(row, (s * rowsOfPanel + r) * n);
    }
  }
  return projected;
}

/** 1 − H_jj */
function remainders({ starts, listeners, values }: ByItem, projected: Float32Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, j) => {
    let sum = 1;
    for (let a = u32(starts, j); a < u32(starts, j + 1); a++) {
      sum -= f32(values, a) * f32(projected, u32(listeners, a) * n + j);
    }
    return sum;
  });
}

type RowOf = (i: number) => Float32Array | Float64Array;

/** Row i of H, as a sum of the rows of those who heard i. */
function sparseRows({ starts, listeners, values }: ByItem, projected: Float32Array, n: number): RowOf {
  const row = new Float64Array(n);
  return (i) => {
    row.fill(0);
    for (let a = u32(starts, i); a < u32(starts, i + 1); a++) {
      const from = u32(listeners, a) * n;
      const value = f32(values, a);
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) + value * (projected[from + j] ?? 0);
    }
    return row;
  };
}

/** A panel of rows of H at a time, by a product of whole matrices. */
function denseRows(byItem: ByItem, projected: Float32Array, n: number, gemm: Gemm): RowOf {
  const { starts, listeners, values, listenerCount: m } = byItem;
  const turned = { data: turn(projected, m, n), rows: n, columns: m };
  let out = new Float32Array();
  return (i) => {
    const r = i % rowsOfPanel;
    if (r === 0) {
      const rows = Math.min(rowsOfPanel, n - i);
      const heard = new Float32Array(rows * m);
      for (let at = 0; at < rows; at++) {
        for (let a = u32(starts, i + at); a < u32(starts, i + at + 1); a++)
          heard[at * m + u32(listeners, a)] = f32(values, a);
      }
      out = new Float32Array(rows * n);
      gemm.product({ data: heard, rows, columns: m }, turned, { data: out, rows, columns: n });
    }
    return out.subarray(r * n, (r + 1) * n);
  };
}

function turn(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = f32(matrix, r * columns + c);
  }
  return turned;
}
