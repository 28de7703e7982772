import { f32, f64, float } from '../../../lib/typed-arrays.ts';
import type { Gemm } from '../../../ml/gemm.ts';
import { invertSymmetric, rowsOfPanel, type SymmetricMatrix } from '../../math/linear-algebra.ts';
import { RowKeeper, type SparseRows } from '../../math/sparse-rows.ts';
import type { Interactions } from '../interactions.ts';
import type { SystemOptions } from './normal-equations.ts';
import { normalEquations, scalesOf } from './normal-equations.ts';

/**
 * The item–item matrix B with a zero diagonal that best fits a listener's tracks, and what came later, under a ridge:
 * with P = G⁻¹, B_ij = (P·gap)_ij − P_ij · (1 + (P·gap)_jj) / P_jj, where the last part makes the diagonal of the first
 * scale 0 (Steck 2019). Memory, with n tracks in all scales together: 2 · n² bytes, 4 if doubles are needed, 4 · n ·
 * items more with order, plus panels.
 * @throws RangeError if values are not finite
 */
export function trainFromItems(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows[] {
  const { itemCount: n } = interactions;
  const { gram, gap } = normalEquations(interactions, options);
  const inverse = invertSymmetric(gram, gemm);
  const keepers = scalesOf(options).map((_, s) => new RowKeeper(n, entriesOf(options, s)));
  const scale = columnScales(inverse, gap, n);
  const row = new Float64Array(n);
  for (const { panel, first, rows } of panelsOf(inverse)) {
    const foretold = gap ? productWith(gap, panel, rows, inverse.n, gemm) : null;
    for (let r = 0; r < rows; r++) {
      const [s, i] = [Math.floor((first + r) / n), (first + r) % n];
      for (let j = 0; j < n; j++)
        row[j] = (foretold ? f32(foretold, r * n + j) : 0) - float(panel, r * inverse.n + j) * f64(scale, j);
      row[i] = 0;
      keepers[s]?.add(row);
    }
  }
  return keepers.map((keeper) => keeper.rows());
}

/** In faster scales fewer weights matter. */
const FASTER_SHARE = 1 / 4;
export const entriesOf = ({ entries }: SystemOptions, scale: number): number =>
  scale === 0 ? entries : Math.floor(entries * FASTER_SHARE);

/** (1 + (P·gap)_jj) / P_jj for each of the n tracks */
function columnScales(inverse: SymmetricMatrix, gap: Float32Array | null, n: number): Float64Array {
  const width = inverse.n;
  const scales = new Float64Array(n);
  for (const { panel, first, rows } of panelsOf(inverse)) {
    for (let r = 0; r < Math.min(rows, n - first); r++) {
      let sum = 1;
      const own = (first + r) * width;
      if (gap) for (let k = 0; k < width; k++) sum += float(panel, r * width + k) * f32(gap, own + k);
      scales[first + r] = sum / float(panel, r * width + first + r);
    }
    if (first + rows >= n) break;
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

/** The first rows of a panel of P, with all of `gap`: [rows, targets]. */
function productWith(
  gap: Float32Array,
  panel: Float32Array | Float64Array,
  rows: number,
  width: number,
  gemm: Gemm,
): Float32Array {
  const targets = gap.length / width;
  const out = new Float32Array(rows * targets);
  const whole = panel.subarray(0, rows * width);
  const single = whole instanceof Float32Array ? whole : Float32Array.from(whole);
  const [a, b] = [
    { data: single, rows, columns: width },
    { data: gap, rows: targets, columns: width },
  ];
  gemm.product(a, b, { data: out, rows, columns: targets });
  return out;
}
