import type { SparseVector } from '../math/sparse.ts';
import type { SparseRows } from '../math/sparse-rows.ts';

/** How much each feature of a heard track speaks for each feature of another track, by the features' numbers. */
export interface ContentWeights extends SparseRows {
  names: readonly string[];
}

/** Keeps only entries that have a number. */
export function renumber({ indices, values }: SparseVector, numbers: Int32Array): SparseVector {
  const kept = [...indices.keys()].filter((at) => (numbers[indices[at] ?? 0] ?? -1) >= 0);
  return {
    indices: Int32Array.from(kept, (at) => numbers[indices[at] ?? 0] ?? 0),
    values: Float64Array.from(kept, (at) => values[at] ?? 0),
  };
}

export function addRow(
  target: Float64Array,
  { starts, columns, values }: SparseRows,
  row: number,
  factor: number,
): void {
  for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
    const column = columns[at] ?? 0;
    target[column] = (target[column] ?? 0) + factor * (values[at] ?? 0);
  }
}

/** How much a track with these features speaks for each feature. */
export function saidBy(content: ContentWeights, features: SparseVector): Float64Array {
  const said = new Float64Array(content.names.length);
  features.indices.forEach((f, a) => addRow(said, content, f, features.values[a] ?? 0));
  return said;
}
