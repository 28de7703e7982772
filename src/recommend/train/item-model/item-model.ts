import { f64, u32 } from '../../../lib/typed-arrays.ts';
import type { Gemm } from '../../../ml/gemm.ts';
import type { SparseRows, TimeScale } from '../../math/sparse-rows.ts';
import { countsOf, type Interactions, withoutRepeats } from '../interactions.ts';
import { trainFromItems } from './ease.ts';
import { trainFromListeners } from './ease-from-listeners.ts';
import { trainInBlocks } from './ease-in-blocks.ts';
import { scalesOf, type SystemOptions } from './normal-equations.ts';

export interface ItemModelOptions extends SystemOptions {
  /** Scores are multiplied by (listeners / mean)^−`rarity`. Above 0 this favours what few have heard. */
  rarity: number;
}

/** What a listener's tracks speak for: sums over rows of the first scale, and of the faster ones. */
export interface ItemModel extends SparseRows {
  faster: readonly TimeScale[];
}

/**
 * The item–item weights B of each scale: each row says how much having heard a track speaks for or against the others.
 * There are two ways to the same B, for fewer items or fewer listeners. If both exceed the largest system, it is solved
 * in blocks.
 * @throws RangeError if values are not finite
 */
export function trainItemModel(heard: Interactions, options: ItemModelOptions, gemm: Gemm): ItemModel {
  const interactions = withoutRepeats(heard);
  const rarity = options.rarity === 0 ? null : rarityScales(interactions, options.rarity);
  const scaled = (rows: SparseRows): SparseRows => (rarity ? scaleColumns(rows, rarity) : rows);
  const [first = noRows, ...others] = solve(interactions, options, gemm).map(scaled);
  return { ...first, faster: others.map((rows, s) => ({ decay: options.faster[s] ?? 0, ...rows })) };
}

const noRows: SparseRows = { starts: new Uint32Array(1), columns: new Uint32Array(), values: new Float32Array() };

/** With several scales, larger systems take too long: eight times as long for two as for one. */
const LARGEST_OF_SCALES = 12_288;

/** The weights of each scale, the first one first. */
function solve(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows[] {
  const [items, listeners] = [interactions.itemCount, interactions.starts.length - 1];
  const { order, largestSystem } = options;
  if (order === 0 && listeners < items && listeners <= largestSystem) {
    return [trainFromListeners(interactions, options, gemm)];
  }
  const scales = scalesOf(options).length;
  const most = scales === 1 ? largestSystem : Math.min(largestSystem, LARGEST_OF_SCALES);
  return scales * items <= most
    ? trainFromItems(interactions, options, gemm)
    : trainInBlocks(interactions, options, gemm);
}

function scaleColumns(rows: SparseRows, scales: Float64Array): SparseRows {
  return { ...rows, values: rows.values.map((value, at) => value * f64(scales, u32(rows.columns, at))) };
}

/** For each item: (listeners / mean)^−rarity. */
export function rarityScales(interactions: Interactions, rarity: number): Float64Array {
  const mean = interactions.items.length / Math.max(1, interactions.itemCount);
  return countsOf(interactions).map((count) => (Math.max(1, count) / mean) ** -rarity);
}
