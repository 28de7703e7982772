import type { Gemm } from '../ml/gemm.ts';
import { trainFromItems } from './ease.ts';
import type { Interactions } from './interactions.ts';
import type { ItemModelOptions } from './item-model.ts';
import type { KeptRows } from './kept-rows.ts';

/** Where not all items can be solved for: the most heard ones are, the others keep empty rows. */
export function trainCore(interactions: Interactions, options: ItemModelOptions, gemm: Gemm): KeptRows {
  const core = mostHeard(interactions, options.largestSystem);
  const rows = trainFromItems(restrict(interactions, core), options, gemm);
  const starts = new Uint32Array(interactions.itemCount + 1);
  core.forEach((item, row) => (starts[item + 1] = (rows.starts[row + 1] ?? 0) - (rows.starts[row] ?? 0)));
  for (let i = 0; i < interactions.itemCount; i++) starts[i + 1] = (starts[i + 1] ?? 0) + (starts[i] ?? 0);
  return { starts, columns: rows.columns.map((column) => core[column] ?? 0), values: rows.values };
}

/** Ascending. */
function mostHeard({ itemCount, items }: Interactions, most: number): Uint32Array {
  const counts = new Float64Array(itemCount);
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1;
  const byCount = [...counts.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  return Uint32Array.from(byCount.slice(0, most)).sort();
}

function restrict({ itemCount, starts, items, values }: Interactions, core: Uint32Array): Interactions {
  const numbers = new Int32Array(itemCount).fill(-1);
  core.forEach((item, number) => (numbers[item] = number));
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
