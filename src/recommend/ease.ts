import { invertSymmetric } from './linear-algebra.ts';
import { topIndices } from './sparse.ts';

/** Who heard what, listener by listener: row u is `items[starts[u] … starts[u + 1]]`, its items ascending and each once. */
export interface Interactions {
  itemCount: number;
  starts: Uint32Array;
  items: Uint32Array;
  /** Strengths, above 0. */
  values: Float32Array;
}

export interface EaseOptions {
  /** λ, the weight of the ridge: larger keeps rows flatter. */
  ridge: number;
  /** Weights kept in all: as many a row as that gives, those furthest from 0, for or against. */
  entries: number;
}

export interface EaseRows {
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
}

/** Side of the largest system that is solved: 6,000² doubles are 288 MB. */
export const LARGEST_SYSTEM = 6_000;

/**
 * EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019): the item–item matrix B with zero diagonal
 * that reproduces the interactions X best under a ridge, B_ij = −P_ij / P_jj with P = (XᵀX + λI)⁻¹. Where listeners are
 * fewer than items the same P comes from the listeners' side, P = (I − Xᵀ(XXᵀ + λI)⁻¹X) / λ (Woodbury), so the system
 * solved has the smaller side. Memory: that side squared, in doubles, and one row of B at a time.
 */
export function trainEase(interactions: Interactions, options: EaseOptions): EaseRows {
  const listeners = interactions.starts.length - 1;
  const rowOf =
    listeners < interactions.itemCount
      ? rowsFromListeners(interactions, options.ridge)
      : rowsFromItems(interactions, options.ridge);
  const { itemCount } = interactions;
  return keepNeighbours(rowOf, itemCount, Math.max(LEAST_ROW, Math.floor(options.entries / itemCount)));
}

/** Writes row i of B into `row`, the diagonal as 0. */
type RowOf = (i: number, row: Float64Array) => void;

function rowsFromItems({ itemCount: n, starts, items, values }: Interactions, ridge: number): RowOf {
  const gram = new Float64Array(n * n);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let a = starts[u] ?? 0; a < (starts[u + 1] ?? 0); a++) {
      const row = (items[a] ?? 0) * n;
      for (let b = starts[u] ?? 0; b < (starts[u + 1] ?? 0); b++) {
        const at = row + (items[b] ?? 0);
        gram[at] = (gram[at] ?? 0) + (values[a] ?? 0) * (values[b] ?? 0);
      }
    }
  }
  for (let i = 0; i < n; i++) gram[i * n + i] = (gram[i * n + i] ?? 0) + ridge;
  const inverse = invertSymmetric(gram, n);
  return (i, row) => {
    for (let j = 0; j < n; j++) row[j] = -(inverse[i * n + j] ?? 0) / (inverse[j * n + j] ?? 1);
    row[i] = 0;
  };
}

function rowsFromListeners(interactions: Interactions, ridge: number): RowOf {
  const m = interactions.starts.length - 1;
  const inverse = invertSymmetric(listenerGram(interactions, ridge), m);
  const byItem = transpose(interactions);
  const { itemCount: n } = interactions;
  const projected = new Float64Array(m);
  const project = (i: number): void => {
    projected.fill(0);
    for (let a = byItem.starts[i] ?? 0; a < (byItem.starts[i + 1] ?? 0); a++) {
      const from = (byItem.listeners[a] ?? 0) * m;
      const value = byItem.values[a] ?? 0;
      for (let u = 0; u < m; u++) projected[u] = (projected[u] ?? 0) + value * (inverse[from + u] ?? 0);
    }
  };
  const against = (j: number): number => {
    let sum = 0;
    for (let a = byItem.starts[j] ?? 0; a < (byItem.starts[j + 1] ?? 0); a++) {
      sum += (byItem.values[a] ?? 0) * (projected[byItem.listeners[a] ?? 0] ?? 0);
    }
    return sum;
  };
  const remaining = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    project(j);
    remaining[j] = 1 - against(j);
  }
  return (i, row) => {
    project(i);
    for (let j = 0; j < n; j++) row[j] = against(j) / (remaining[j] ?? 1);
    row[i] = 0;
  };
}

function listenerGram({ itemCount, starts, items, values }: Interactions, ridge: number): Float64Array {
  const m = starts.length - 1;
  const gram = new Float64Array(m * m);
  const dense = new Float64Array(itemCount);
  for (let u = 0; u < m; u++) {
    for (let a = starts[u] ?? 0; a < (starts[u + 1] ?? 0); a++) dense[items[a] ?? 0] = values[a] ?? 0;
    for (let v = 0; v <= u; v++) {
      let sum = 0;
      for (let a = starts[v] ?? 0; a < (starts[v + 1] ?? 0); a++) sum += (values[a] ?? 0) * (dense[items[a] ?? 0] ?? 0);
      gram[u * m + v] = sum;
      gram[v * m + u] = sum;
    }
    for (let a = starts[u] ?? 0; a < (starts[u + 1] ?? 0); a++) dense[items[a] ?? 0] = 0;
    gram[u * m + u] = (gram[u * m + u] ?? 0) + ridge;
  }
  return gram;
}

function transpose({ itemCount, starts, items, values }: Interactions) {
  const byItem = new Uint32Array(itemCount + 1);
  for (const item of items) byItem[item + 1] = (byItem[item + 1] ?? 0) + 1;
  for (let i = 0; i < itemCount; i++) byItem[i + 1] = (byItem[i + 1] ?? 0) + (byItem[i] ?? 0);
  const next = byItem.slice();
  const listeners = new Uint32Array(items.length);
  const strengths = new Float64Array(items.length);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let a = starts[u] ?? 0; a < (starts[u + 1] ?? 0); a++) {
      const item = items[a] ?? 0;
      const at = next[item] ?? 0;
      next[item] = at + 1;
      listeners[at] = u;
      strengths[at] = values[a] ?? 0;
    }
  }
  return { starts: byItem, listeners, values: strengths };
}

/** Weights that a row keeps however many rows there are. */
const LEAST_ROW = 50;
/** Weights below this are noise of the arithmetic, not neighbourhood. */
const LEAST_WEIGHT = 1e-6;

function keepNeighbours(rowOf: RowOf, n: number, neighbours: number): EaseRows {
  const [row, sizes] = [new Float64Array(n), new Float64Array(n)];
  const starts = new Uint32Array(n + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    rowOf(i, row);
    for (const j of greatest(row, sizes, neighbours)) {
      columns.push(j);
      values.push(row[j] ?? 0);
    }
    starts[i + 1] = columns.length;
  }
  return { starts, columns: Uint32Array.from(columns), values: Float32Array.from(values) };
}

/** Columns of the values furthest from 0, ascending by column. */
function greatest(row: Float64Array, sizes: Float64Array, count: number): number[] {
  for (let j = 0; j < row.length; j++) sizes[j] = Math.abs(row[j] ?? 0);
  return topIndices(sizes, count, (j) => (sizes[j] ?? 0) > LEAST_WEIGHT).sort((a, b) => a - b);
}
