import { f32, f64, i32, u32 } from '../../lib/typed-arrays.ts';
import type { SparseVector } from '../math/sparse.ts';
import type { SparseRows } from '../math/sparse-rows.ts';

/** How much each feature of a heard track speaks for each feature of another track, by the features' numbers. */
export interface ContentWeights extends SparseRows {
  names: readonly string[];
}

/** Keeps only entries that have a number. */
export function renumber({ indices, values }: SparseVector, numbers: Int32Array): SparseVector {
  const kept = [...indices.keys()].filter((at) => (numbers[i32(indices, at)] ?? -1) >= 0);
  return {
    indices: Int32Array.from(kept, (at) => i32(numbers, i32(indices, at))),
    values: Float64Array.from(kept, (at) => f64(values, at)),
  };
}

export function addRow(
  target: Float64Array,
  { starts, columns, values }: SparseRows,
  row: number,
  factor: number,
): void {
  for (let at = u32(starts, row); at < u32(starts, row + 1); at++) {
    const column = u32(columns, at);
    target[column] = f64(target, column) + factor * f32(values, at);
  }
}

/** How much a track with these features speaks for each feature. */
export function saidBy(content: ContentWeights, features: SparseVector): Float64Array {
  const said = new Float64Array(content.names.length);
  features.indices.forEach((f, a) => addRow(said, content, f, f64(features.values, a)));
  return said;
}
