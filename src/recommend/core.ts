import type { Gemm } from '../ml/gemm.ts';
import { panelsOf, rowsOfInverse } from './ease.ts';
import { transpose, type ByItem, type Interactions } from './interactions.ts';
import type { ItemModelOptions } from './item-model.ts';
import { furthest, WeightList, type KeptRows } from './kept-rows.ts';
import { invertSymmetric, rowsOfPanel, type SymmetricMatrix } from './linear-algebra.ts';
import { listenerWeights, normalEquations } from './normal-equations.ts';

/** Of the largest system, so much is solved for where there are more items: the inverse is then needed whole as well. */
const CORE_SHARE = 0.6;
/** Weights that an item outside of the core keeps, each way. */
const BORDER_WEIGHTS = 200;

/**
 * Where not all items can be solved for: the most heard are, whole, and each of the others is bordered onto them as if it
 * were the only one more. With P the core's inverse, g the item's column of XᵀX and z = P·g, the bordered inverse gives
 * EASE's weights B_core→item = z and B_item→core = z / (s · P_cc), where s = g_ii + λ − z·g. What is lost is what items
 * outside of the core say of each other, and order for them. Memory: 8 · core² bytes, with order 12.
 * @throws RangeError when values are not finite
 */
export function trainCore(interactions: Interactions, options: ItemModelOptions, gemm: Gemm): KeptRows {
  const core = mostHeard(interactions, Math.max(1, Math.floor(CORE_SHARE * options.largestSystem)));
  const { gram, gap } = normalEquations(restrict(interactions, core), options);
  const inverse = invertSymmetric(gram, gemm);
  const entries = Math.floor((options.entries * core.length) / interactions.itemCount);
  const { starts, columns, values } = rowsOfInverse(inverse, gap, entries, gemm);
  const weights = new WeightList(interactions.itemCount);
  core.forEach((item, row) => {
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++)
      weights.add(item, core[columns[at] ?? 0] ?? 0, values[at] ?? 0);
  });
  addBorder(weights, new Border(interactions, core, options), wholeOf(inverse), gemm);
  return weights.rows();
}

/** The items outside of the core, and what those who heard them heard of it. */
class Border {
  readonly core: Uint32Array;
  readonly items: Uint32Array;
  readonly ridge: number;
  readonly #interactions: Interactions;
  readonly #byItem: ByItem;
  readonly #weights: Float64Array;
  readonly #numbers: Int32Array;

  constructor(interactions: Interactions, core: Uint32Array, { levelling, ridge }: ItemModelOptions) {
    this.core = core;
    this.ridge = ridge;
    this.#interactions = interactions;
    this.#byItem = transpose(interactions);
    this.#weights = listenerWeights(interactions, levelling);
    this.#numbers = numbersOf(interactions.itemCount, core);
    this.items = Uint32Array.from(this.#numbers.keys()).filter((item) => this.#numbers[item] === -1);
  }

  /** Adds the item's column of XᵀX over the core to `column`. @returns its own square */
  addColumn(item: number, column: Float32Array): number {
    const { starts, listeners, values } = this.#byItem;
    const { starts: rows, items, values: strengths } = this.#interactions;
    let square = 0;
    for (let a = starts[item] ?? 0; a < (starts[item + 1] ?? 0); a++) {
      const u = listeners[a] ?? 0;
      const weight = (this.#weights[u] ?? 0) * (values[a] ?? 0);
      square += weight * (values[a] ?? 0);
      for (let at = rows[u] ?? 0; at < (rows[u + 1] ?? 0); at++) {
        const number = this.#numbers[items[at] ?? 0] ?? -1;
        if (number >= 0) column[number] = (column[number] ?? 0) + weight * (strengths[at] ?? 0);
      }
    }
    return square;
  }
}

function addBorder(weights: WeightList, border: Border, inverse: Float32Array, gemm: Gemm): void {
  const n = border.core.length;
  const whole = { data: inverse, rows: n, columns: n };
  for (let first = 0; first < border.items.length; first += rowsOfPanel) {
    const items = border.items.subarray(first, first + rowsOfPanel);
    const rows = items.length;
    const [columns, solved] = [new Float32Array(rows * n), new Float32Array(rows * n)];
    const squares = Float64Array.from(items, (item, r) => border.addColumn(item, columns.subarray(r * n, (r + 1) * n)));
    gemm.product({ data: columns, rows, columns: n }, whole, { data: solved, rows, columns: n });
    items.forEach((item, r) => {
      const z = solved.subarray(r * n, (r + 1) * n);
      let rest = (squares[r] ?? 0) + border.ridge;
      for (let c = 0; c < n; c++) rest -= (z[c] ?? 0) * (columns[r * n + c] ?? 0);
      if (!(rest > 0)) throw new RangeError(`Item ${item} cannot be bordered onto the others (${rest} is left of it)`);
      for (const c of furthest(z, BORDER_WEIGHTS)) {
        const weight = z[c] ?? 0;
        weights.add(border.core[c] ?? 0, item, weight);
        weights.add(item, border.core[c] ?? 0, weight / (rest * (inverse[c * n + c] ?? 1)));
      }
    });
  }
}

/** In single precision, by rows. */
function wholeOf(inverse: SymmetricMatrix): Float32Array {
  const whole = new Float32Array(inverse.n ** 2);
  for (const { panel, first, rows } of panelsOf(inverse))
    whole.set(panel.subarray(0, rows * inverse.n), first * inverse.n);
  return whole;
}

/** By item its number in the core, or −1. */
function numbersOf(itemCount: number, core: Uint32Array): Int32Array {
  const numbers = new Int32Array(itemCount).fill(-1);
  core.forEach((item, number) => (numbers[item] = number));
  return numbers;
}

/** Ascending. */
function mostHeard({ itemCount, items }: Interactions, most: number): Uint32Array {
  const counts = new Float64Array(itemCount);
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1;
  const byCount = [...counts.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  return Uint32Array.from(byCount.slice(0, most)).sort();
}

function restrict({ itemCount, starts, items, values }: Interactions, core: Uint32Array): Interactions {
  const numbers = numbersOf(itemCount, core);
  const kept = [...items.keys()].filter((at) => (numbers[items[at] ?? 0] ?? -1) >= 0);
  const ends = new Uint32Array(starts.length);
  let next = 0;
  for (let u = 0; u + 1 < starts.length; u++) {
    while (next < kept.length && (kept[next] ?? 0) < (starts[u + 1] ?? 0)) next++;
    ends[u + 1] = next;
  }
  return {
    itemCount: core.length,
    starts: ends,
    items: Uint32Array.from(kept, (at) => numbers[items[at] ?? 0] ?? 0),
    values: Float32Array.from(kept, (at) => values[at] ?? 0),
  };
}
