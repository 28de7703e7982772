import { f32, f64, float, u32 } from '../../../lib/typed-arrays.ts';
import type { Gemm } from '../../../ml/gemm.ts';
import { invertSymmetric, type SymmetricMatrix } from '../../math/linear-algebra.ts';
import { furthest, type SparseRows, WeightList } from '../../math/sparse-rows.ts';
import { type ByItem, type Interactions, transpose } from '../interactions.ts';
import { entriesOf, panelsOf } from './ease.ts';
import { groupItems } from './item-groups.ts';
import type { SystemOptions } from './normal-equations.ts';
import { listenerWeights, normalEquations, type Part, scalesOf } from './normal-equations.ts';

/** The share of a system that is solved for. The rest are neighbours, which only provide weights. */
const TARGETS = 1 / 4;
/** Minimum number of weights for each target. */
const LEAST_COLUMN = 50;

/**
 * If not all items fit into one system, groups of items that the same people hear are solved, each together with the
 * nearest items outside the group: exactly the weights of the whole problem under the condition that all others are 0.
 * The more scales there are, the fewer
 * items a system has. Memory: 10 · system² bytes, whatever the number of items, plus the weights.
 * @throws RangeError if values are not finite
 */
export function trainInBlocks(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows[] {
  const scales = scalesOf(options);
  const size = Math.max(1, Math.floor(Math.min(options.system, options.largestSystem) / scales.length));
  const near = new Neighbourhoods(interactions, options.levelling);
  const kept = scales.map((_, s): Kept => {
    const perColumn = Math.max(LEAST_COLUMN, Math.floor(entriesOf(options, s) / Math.max(1, interactions.itemCount)));
    return { perColumn, weights: new WeightList(interactions.itemCount, perColumn * interactions.itemCount) };
  });
  for (const group of groupItems(interactions, Math.max(1, Math.floor(TARGETS * size)))) {
    const items = near.around(group, size);
    addBlock(kept, { interactions, items, targets: group.length }, options, gemm);
  }
  return kept.map(({ weights }) => weights.rows());
}

/** The weights of one scale. */
interface Kept {
  perColumn: number;
  weights: WeightList;
}

interface Block {
  interactions: Interactions;
  /** The targets come first. */
  items: Uint32Array;
  targets: number;
}

function addBlock(kept: readonly Kept[], block: Block, options: SystemOptions, gemm: Gemm): void {
  const { items } = block;
  for (const [j, column] of columnsOf(block, options, gemm).entries()) {
    kept.forEach(({ weights, perColumn }, s) => {
      const own = column.subarray(s * items.length, (s + 1) * items.length);
      for (const i of furthest(own, perColumn)) weights.add(u32(items, i), u32(items, j), f32(own, i));
    });
  }
}

/** B's columns of the targets: [targets, scales · items]. P, the inverse, is symmetric. */
function columnsOf({ interactions, items, targets }: Block, options: SystemOptions, gemm: Gemm): Float32Array[] {
  const size = items.length;
  const part: Part = { numbers: numbersOf(interactions.itemCount, items), size, targets };
  const { gram, gap } = normalEquations(interactions, options, part);
  const inverse = invertSymmetric(gram, gemm);
  const { n } = inverse;
  const columns = Array.from({ length: targets }, () => new Float32Array(n));
  if (gap) addForetold(columns, gap, inverse, gemm);
  for (const { panel, first, rows } of panelsOf(inverse)) {
    for (let j = first; j < Math.min(targets, first + rows); j++) {
      const column = columns[j] ?? new Float32Array();
      const row = (j - first) * n;
      const scale = (1 + f32(column, j)) / float(panel, row + j);
      for (let i = 0; i < n; i++) column[i] = f32(column, i) - float(panel, row + i) * scale;
      for (let own = j; own < n; own += size) column[own] = 0;
    }
    if (first + rows >= targets) break;
  }
  return columns;
}

/** Adds P·gap; `gap` has its columns: [targets, items]. */
function addForetold(columns: readonly Float32Array[], gap: Float32Array, inverse: SymmetricMatrix, gemm: Gemm): void {
  const { n } = inverse;
  const targets = columns.length;
  for (const { panel, first, rows } of panelsOf(inverse)) {
    const out = new Float32Array(rows * targets);
    const [a, b] = [
      { data: panel.subarray(0, rows * n), rows, columns: n },
      { data: gap, rows: targets, columns: n },
    ];
    gemm.product(a, b, { data: out, rows, columns: targets });
    columns.forEach((column, j) => {
      for (let r = 0; r < rows; r++) column[first + r] = f32(out, r * targets + j);
    });
  }
}

/** The number of each item among these, or −1. */
function numbersOf(itemCount: number, items: Uint32Array): Int32Array {
  const numbers = new Int32Array(itemCount).fill(-1);
  items.forEach((item, number) => (numbers[item] = number));
  return numbers;
}

/** Nearness of items: the cosine over those who heard them. */
class Neighbourhoods {
  readonly #interactions: Interactions;
  readonly #byItem: ByItem;
  readonly #weights: Float64Array;
  readonly #squares: Float64Array;

  constructor(interactions: Interactions, levelling: number) {
    this.#interactions = interactions;
    this.#byItem = transpose(interactions);
    this.#weights = listenerWeights(interactions, levelling);
    this.#squares = squaresOf(this.#byItem, this.#weights);
  }

  /**
   * The group, and the items nearest to all of it up to this number: those with the greatest sums of squared cosines.
   */
  around(group: Uint32Array, size: number): Uint32Array {
    const { itemCount } = this.#interactions;
    const sums = new Float64Array(itemCount);
    const products = new Float64Array(itemCount);
    for (const item of group) this.#addCosines(item, sums, products);
    for (const item of group) sums[item] = 0;
    const nearest = furthest(sums, Math.min(size, itemCount) - group.length, 0);
    return Uint32Array.from([...group, ...nearest]);
  }

  #addCosines(item: number, sums: Float64Array, products: Float64Array): void {
    const { starts, listeners, values } = this.#byItem;
    const { starts: rows, items, values: strengths } = this.#interactions;
    const own = f64(this.#squares, item);
    const touched: number[] = [];
    for (let a = u32(starts, item); a < u32(starts, item + 1); a++) {
      const u = u32(listeners, a);
      const weight = f64(this.#weights, u) * f32(values, a);
      for (let at = u32(rows, u); at < u32(rows, u + 1); at++) {
        const other = u32(items, at);
        if (products[other] === 0) touched.push(other);
        products[other] = f64(products, other) + weight * f32(strengths, at);
      }
    }
    for (const other of touched) {
      sums[other] = f64(sums, other) + f64(products, other) ** 2 / (own * f64(this.#squares, other));
      products[other] = 0;
    }
  }
}

function squaresOf({ starts, listeners, values }: ByItem, weights: Float64Array): Float64Array {
  return Float64Array.from({ length: starts.length - 1 }, (_, item) => {
    let sum = 0;
    for (let a = u32(starts, item); a < u32(starts, item + 1); a++) {
      sum += f64(weights, u32(listeners, a)) * f32(values, a) ** 2;
    }
    return sum;
  });
}
