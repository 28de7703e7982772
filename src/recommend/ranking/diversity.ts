import { chanceOf, drawPosition, type Exploration } from './exploration.ts';
import { Window, type WindowOptions } from './window.ts';

export interface DiversityOptions extends WindowOptions {
  exploration: Exploration;
}

export interface Picked {
  index: number;
  /** The probability that it was chosen for its position, given those above it. */
  propensity: number;
}

/**
 * The `count` tracks after those in `before`. Each position goes to the track that is worth most there or, if the
 * position explores, to one drawn at random. The list only grows at its end, so it is the same however it is divided
 * into pages.
 * @param ranked by score, best first; at least `count` and the window, if there are that many
 */
export function diversify(
  ranked: Int32Array,
  before: readonly number[],
  count: number,
  { exploration, ...options }: DiversityOptions,
): Picked[] {
  if (isByScore(options) && exploration.rate === 0) return firstOf(ranked, before, count);
  const window = new Window(ranked, before, count, options);
  const picked: Picked[] = [];
  while (picked.length < count) {
    const best = window.best();
    if (best === undefined) break;
    const drawn = drawPosition(window.size, before.length + picked.length, exploration);
    const index = drawn === null ? best : (window.nth(drawn) ?? best);
    picked.push({ index, propensity: chanceOf(index === best, window.size, exploration.rate) });
    window.take(index);
  }
  return picked;
}

/** The probability of each track of a list at its position, given those above it, if a list is made in this way. */
export function chances(
  ranked: Int32Array,
  list: readonly number[],
  { exploration, ...options }: DiversityOptions,
): number[] {
  const window = new Window(ranked, [], list.length, options);
  return list.map((index) => {
    const chance = window.has(index) ? chanceOf(index === window.best(), window.size, exploration.rate) : 0;
    window.take(index);
    return chance;
  });
}

const isByScore = ({ diversity, calibration, genres }: WindowOptions): boolean =>
  diversity === 0 && (calibration === 0 || genres === null);

function firstOf(ranked: Int32Array, before: readonly number[], count: number): Picked[] {
  const served = new Set(before);
  const open = before.length > 0 ? ranked.filter((index) => !served.has(index)) : ranked;
  return Array.from(open.subarray(0, count), (index) => ({ index, propensity: 1 }));
}
