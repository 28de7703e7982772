import { f64 } from '../../lib/typed-arrays.ts';
import { attentionAt, FALLS } from './attention.ts';
import type { JudgedList, JudgedPosition } from './judged-list.ts';

/** Positions below are counted with the last one. */
const LONGEST = 100;

/** What an estimate is made from, of one listener or of all. */
export interface Sums {
  impressions: number;
  clicks: number;
  /** Impressions of drawn tracks, and their clicks, by position. */
  drawn: Float64Array;
  drawnClicks: Float64Array;
  /** By each fall of attention: the weights of the clicks, the weighted attention, and the attention. */
  gained: Float64Array;
  looks: Float64Array;
  attention: Float64Array;
}

const arrays = ['drawn', 'drawnClicks', 'gained', 'looks', 'attention'] as const;

export const emptySums = (): Sums => ({
  ...{ impressions: 0, clicks: 0, drawn: new Float64Array(LONGEST), drawnClicks: new Float64Array(LONGEST) },
  ...{ gained: new Float64Array(FALLS.length), looks: new Float64Array(FALLS.length) },
  attention: new Float64Array(FALLS.length),
});

export function sumsOf(lists: readonly JudgedList[]): Sums {
  const sums = emptySums();
  for (const { positions } of lists) positions.forEach((position, at) => addPosition(sums, position, at));
  return sums;
}

function addPosition(sums: Sums, position: JudgedPosition, at: number): void {
  const click = position.isClicked ? 1 : 0;
  sums.impressions += 1;
  sums.clicks += click;
  if (position.isDrawn) {
    add(sums.drawn, Math.min(at, LONGEST - 1), 1);
    add(sums.drawnClicks, Math.min(at, LONGEST - 1), click);
  }
  FALLS.forEach((fall, number) => {
    const [weight, attention] = [weightOf(position, fall), attentionAt(at, fall)];
    add(sums.gained, number, weight * click);
    add(sums.looks, number, weight * attention);
    add(sums.attention, number, attention);
  });
}

/** The attention that a track would get, divided by what it gets on average. */
export function weightOf({ served, judged }: JudgedPosition, fall: number): number {
  let [gets, would] = [0, 0];
  served.forEach((chance, at) => {
    gets += chance * attentionAt(at, fall);
    would += f64(judged, at) * attentionAt(at, fall);
  });
  return gets > 0 ? would / gets : 0;
}

/** Adds to the first of the two, and returns it. */
export function addSums(sums: Sums, more: Sums): Sums {
  sums.impressions += more.impressions;
  sums.clicks += more.clicks;
  for (const name of arrays) more[name].forEach((value, at) => add(sums[name], at, value));
  return sums;
}

function add(values: Float64Array, at: number, value: number): void {
  values[at] = f64(values, at) + value;
}
