import { f64, u32 } from '../../lib/typed-arrays.ts';
import type { Gemm } from '../../ml/gemm.ts';
import { shorten, type SparseRows } from '../math/sparse-rows.ts';
import { trainFromItems } from './ease.ts';
import { trainFromListeners } from './ease-from-listeners.ts';
import { trainInBlocks } from './ease-in-blocks.ts';
import { countsOf, type Interactions, withoutRepeats } from './interactions.ts';
import type { SystemOptions } from './normal-equations.ts';

export interface ItemModelOptions extends Omit<SystemOptions, 'onlyFor'> {
  /** Scores are multiplied by (listeners / mean)^−`rarity`. Above 0 this favours what few have heard. */
  rarity: number;
  /** Weight of what comes right after a listener's newest track. 0 disables it. */
  next: number;
}

/**
 * What a listener's tracks speak for: sums over rows of the first matrix, and one row of the second for the newest
 * track.
 */
export interface ItemModel extends SparseRows {
  /** What comes right after a track, already weighted, without values below 0. Null if disabled. */
  next: SparseRows | null;
}

/**
 * The item–item weights B: each row says how much having heard a track speaks for or against the others. There are two
 * ways to the same B, for fewer items or fewer listeners. If both exceed the largest system, it is solved in blocks.
 * @throws RangeError if values are not finite
 */
export function trainItemModel(heard: Interactions, options: ItemModelOptions, gemm: Gemm): ItemModel {
  const interactions = withoutRepeats(heard);
  const scales = options.rarity === 0 ? null : rarityScales(interactions, options.rarity);
  const scaled = (rows: SparseRows): SparseRows => (scales ? scaleColumns(rows, scales) : rows);
  // One system after the other: the first one's memory is free again when the second needs it.
  const rows = scaled(solve(interactions, options, gemm));
  return { ...rows, next: options.next > 0 ? scaled(trainNext(interactions, options, gemm)) : null };
}

/** A time scale on which little more than the very next track counts. */
const NEXT = { order: 0.9, reach: 0.3 };
/**
 * A fraction of the ridge, because only the greatest weights of the one added row are kept. Chosen on Last.fm sequences
 * from 0.03 to 1.
 */
const NEXT_RIDGE = 0.1;
/** Number of weights kept in each row of what comes next. */
const NEXT_ROW = 50;
/** Blocks solve for columns, so they keep this many times as many weights to leave enough for each row. */
const NEXT_ROOM = 4;

/**
 * What comes right after a track, from a system of its own that differs in time scale and ridge. Only positive weights
 * are kept, so that the newest like raises other tracks and lowers none ([REC14]).
 * @throws RangeError if values are not finite
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
  return { ...rows, values: rows.values.map((value, at) => value * f64(scales, u32(rows.columns, at))) };
}

/** For each item: (listeners / mean)^−rarity. */
export function rarityScales(interactions: Interactions, rarity: number): Float64Array {
  const mean = interactions.items.length / Math.max(1, interactions.itemCount);
  return countsOf(interactions).map((count) => (Math.max(1, count) / mean) ** -rarity);
}
