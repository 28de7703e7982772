import type { Gemm } from '../../ml/gemm.ts';
import { shorten, type SparseRows } from '../math/sparse-rows.ts';
import { trainFromItems } from './ease.ts';
import { trainFromListeners } from './ease-from-listeners.ts';
import { trainInBlocks } from './ease-in-blocks.ts';
import { countsOf, type Interactions, withoutRepeats } from './interactions.ts';
import type { SystemOptions } from './normal-equations.ts';

export interface ItemModelOptions extends Omit<SystemOptions, 'onlyFor'> {
  /** Tracks lose (listeners / mean)^−`rarity` of their score: above 0 speaks for what few have heard. */
  rarity: number;
  /** How much counts what comes right after a listener's newest track, beside the weights of all; 0: it does not. */
  next: number;
}

/** What a listener's tracks speak for: sums over rows of the first, and one row of the second for the newest of them. */
export interface ItemModel extends SparseRows {
  /** What comes right after a track, by as much as it counts: none below 0. Null where it does not. */
  next: SparseRows | null;
}

/**
 * The item–item weights B, of which each row says by how much having heard a track speaks for, or against, the others.
 * Two ways to the same B, by what there is less of, items or listeners; where both are more than the largest system, the
 * same block by block.
 * @throws RangeError when values are not finite
 */
export function trainItemModel(heard: Interactions, options: ItemModelOptions, gemm: Gemm): ItemModel {
  const interactions = withoutRepeats(heard);
  const scales = options.rarity === 0 ? null : rarityScales(interactions, options.rarity);
  const scaled = (rows: SparseRows): SparseRows => (scales ? scaleColumns(rows, scales) : rows);
  // One system after the other: what the first was solved in is free again when the second needs as much.
  const rows = scaled(solve(interactions, options, gemm));
  return { ...rows, next: options.next > 0 ? scaled(trainNext(interactions, options, gemm)) : null };
}

/** A scale of time on which hardly more than the very next track counts. */
const NEXT = { order: 0.9, reach: 0.3 };
/** Of the ridge: of the one row that is added only the greatest weights are kept. Chosen on Last.fm sequences, of 0.03 to 1. */
const NEXT_RIDGE = 0.1;
/** Weights that are kept of each row of what comes next. */
const NEXT_ROW = 50;
/** Blocks solve for columns: as many more of each, so that the rows have theirs. */
const NEXT_ROOM = 4;

/**
 * What comes right after a track, from a system of its own: the same but for the scale of time and the ridge. Only what it
 * speaks for is kept, so that by having been liked last a track raises others and lowers none ([REC14]).
 * @throws RangeError when values are not finite
 */
export function trainNext(heard: Interactions, options: ItemModelOptions, gemm: Gemm): SparseRows {
  const interactions = withoutRepeats(heard);
  const entries = NEXT_ROOM * NEXT_ROW * interactions.itemCount;
  const rows = solve(
    interactions,
    { ...options, ...NEXT, ridge: NEXT_RIDGE * options.ridge, entries, onlyFor: true },
    gemm,
  );
  return shorten(rows, NEXT_ROW, options.next);
}

function solve(interactions: Interactions, options: SystemOptions, gemm: Gemm): SparseRows {
  const [items, listeners] = [interactions.itemCount, interactions.starts.length - 1];
  return wayOf(items, listeners, options)(interactions, options, gemm);
}

function wayOf(items: number, listeners: number, { order, largestSystem }: SystemOptions) {
  if (order === 0 && listeners < items && listeners <= largestSystem) return trainFromListeners;
  return items <= largestSystem ? trainFromItems : trainInBlocks;
}

function scaleColumns(rows: SparseRows, scales: Float64Array): SparseRows {
  return { ...rows, values: rows.values.map((value, at) => value * (scales[rows.columns[at] ?? 0] ?? 1)) };
}

/** By item: (listeners / mean)^−rarity. */
export function rarityScales(interactions: Interactions, rarity: number): Float64Array {
  const mean = interactions.items.length / Math.max(1, interactions.itemCount);
  return countsOf(interactions).map((count) => (Math.max(1, count) / mean) ** -rarity);
}
