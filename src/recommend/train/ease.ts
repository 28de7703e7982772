import { f32, f64, float } from '../../lib/typed-arrays.ts';
import type { Gemm } from '../../ml/gemm.ts';
import { invertSymmetric, rowsOfPanel, type SymmetricMatrix } from '../math/linear-algebra.ts';
import { RowKeeper, type SparseRows } from '../math/sparse-rows.ts';
import type { Interactions } from './interactions.ts';
import type { SystemOptions } from './normal-equations.ts';
import { normalEquations } from './normal-equations.ts';

/**
 * The item–item matrix B with a zero diagonal that best fits a listener's tracks, and what came later, under a ridge:
 * with P = (G + λI)⁻¹, B_ij = (P·gap)_ij − P_ij · (1 + (P·gap)_jj) / P_jj, where the last part makes the diagonal 0
 * (Steck 2019). Memory: 2 · items² bytes, 4 if doubles are needed, 4 more with order, plus panels.
 * @throws RangeError if values are not finite
 */
export function trainFromItems(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows {
  const { gram, gap } = normalEquations(interactions, options);
  const inverse = invertSymmetric(gram, gemm);
  const { n } = inverse;
  const keeper = new RowKeeper(n, options.entries, options.onlyFor);
  const scale = columnScales(inverse, gap);
  const row = new Float64Array(n);
  for (const { panel, first, rows } of panelsOf(inverse)) {
    const foretold = gap ? productWith(gap, panel, rows, n, gemm) : null;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < n; j++)
        row[j] = (foretold ? f32(foretold, r * n + j) : 0) - float(panel, r * n + j) * f64(scale, j);
      row[first + r] = 0;
      keeper.add(row);
    }
  }
  return keeper.rows();
}

/** (1 + (P·gap)_jj) / P_jj */
function columnScales(inverse: SymmetricMatrix, gap: Float32Array | null): Float64Array {
  const { n } = inverse;
  const scales = new Float64Array(n);
  for (const { panel, first, rows } of panelsOf(inverse)) {
    for (let r = 0; r < rows; r++) {
      let sum = 1;
      const own = (first + r) * n;
      if (gap) for (let k = 0; k < n; k++) sum += float(panel, r * n + k) * f32(gap, own + k);
      scales[first + r] = sum / float(panel, r * n + first + r);
    }
  }
  return scales;
}

/** The rows, a few at a time in one array. */
export function* panelsOf(inverse: SymmetricMatrix) {
  const panel = inverse.floats(Math.min(inverse.n, rowsOfPanel) * inverse.n);
  for (let s = 0; s < inverse.strips.length; s++) {
    const { rows } = inverse.rows(s, panel);
    yield { panel, first: s * rowsOfPanel, rows };
  }
}

function productWith(
  gap: Float32Array,
  panel: Float32Array | Float64Array,
  rows: number,
  n: number,
  gemm: Gemm,
): Float32Array {
  const out = new Float32Array(rows * n);
  const whole = panel.subarray(0, rows * n);
  const single = whole instanceof Float32Array ? whole : Float32Array.from(whole);
  gemm.product({ data: single, rows, columns: n }, { data: gap, rows: n, columns: n }, { data: out, rows, columns: n });
  return out;
}
