import type { Gemm } from '../ml/gemm.ts';
import { trainInBlocks } from './blocks.ts';
import { trainFromItems } from './ease.ts';
import { countsOf, withoutRepeats, type Interactions } from './interactions.ts';
import type { KeptRows } from './kept-rows.ts';
import { trainFromListeners } from './listener-side.ts';
import type { NormalOptions } from './normal-equations.ts';

export interface ItemModelOptions extends NormalOptions {
  /** Tracks lose (listeners / mean)^−`rarity` of their score: above 0 speaks for what few have heard. */
  rarity: number;
  /** Weights kept in all: as many a row as that gives, those furthest from 0, for or against. */
  entries: number;
  /** Side of the largest system that all items are solved in together. */
  largestSystem: number;
  /** Side of the systems that blocks of them are solved in where they are more. */
  system: number;
}

/**
 * The item–item weights B, of which each row says by how much having heard a track speaks for, or against, the others.
 * Two ways to the same B, by what there is less of, items or listeners; where both are more than the largest system, the
 * same block by block.
 * @throws RangeError when values are not finite
 */
export function trainItemModel(heard: Interactions, options: ItemModelOptions, gemm: Gemm): KeptRows {
  const interactions = withoutRepeats(heard);
  const [items, listeners] = [interactions.itemCount, interactions.starts.length - 1];
  const rows = wayOf(items, listeners, options)(interactions, options, gemm);
  return options.rarity === 0 ? rows : scaleColumns(rows, rarityScales(interactions, options.rarity));
}

function wayOf(items: number, listeners: number, { order, largestSystem }: ItemModelOptions) {
  if (order === 0 && listeners < items && listeners <= largestSystem) return trainFromListeners;
  return items <= largestSystem ? trainFromItems : trainInBlocks;
}

function scaleColumns(rows: KeptRows, scales: Float64Array): KeptRows {
  return { ...rows, values: rows.values.map((value, at) => value * (scales[rows.columns[at] ?? 0] ?? 1)) };
}

/** By item: (listeners / mean)^−rarity. */
export function rarityScales(interactions: Interactions, rarity: number): Float64Array {
  const mean = interactions.items.length / Math.max(1, interactions.itemCount);
  return countsOf(interactions).map((count) => (Math.max(1, count) / mean) ** -rarity);
}
