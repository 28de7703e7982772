import type { Metre } from '../abc/metre.ts';
import type { TuneBar } from '../abc/tune.ts';

/** Divisions of a beat that are told apart: halves of halves of it. */
const DIVISIONS = 3;
const MOST_BEATS_IN_HALVES = 8;

/** The position in its bar, in ticks, of what begins there. A pickup is the end of a bar. */
export function positionInBar(bar: TuneBar, start: number): number {
  const { metre, ticks, opening } = bar;
  const isPickup = metre !== null && ticks < metre.bar && opening.section && opening.endings.length === 0;
  return isPickup ? metre.bar - ticks + start : start;
}

/** How strong a position of a bar is: the number of the metre's divisions that begin there. */
export function strengthAt(position: number, metre: Metre): number {
  return divisionsOf(metre).filter((division) => position % division === 0).length;
}

/** From the bar down: its halves, where it has them, its beats, and their parts. In 6/8 a beat is three eighths. */
function divisionsOf({ beats, bar, compound }: Metre): number[] {
  const count = compound ? beats / 3 : beats;
  const beat = bar / count;
  const halves: number[] = [];
  if (count <= MOST_BEATS_IN_HALVES) for (let n = 2; count % n === 0 && n < count; n *= 2) halves.push(bar / n);
  const parts = Array.from({ length: DIVISIONS }, (_, i) => (compound ? beat / 3 : beat / 2) / 2 ** i);
  return [bar, ...halves, beat, ...parts];
}

/** The places of a phrase that are at least as strong as what is beside them. */
export function strongPlaces(strengths: readonly number[]): number[] {
  const at = (i: number): number => strengths[i] ?? -1;
  return [...strengths.keys()].filter((i) => at(i) >= at(i - 1) && at(i) >= at(i + 1));
}
