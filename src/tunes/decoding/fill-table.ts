const MOST_NOTES = 31;

/** Sets of numbers of notes, 0 to 30, as bits. */
export type NoteCounts = number;

export const ANY_COUNT: NoteCounts = 0x7fffffff;

/** The numbers from `least` to `most`. */
export function countsBetween(least: number, most: number): NoteCounts {
  let counts = 0;
  for (let n = Math.max(0, least); n <= Math.min(MOST_NOTES - 1, most); n++) counts |= 1 << n;
  return counts;
}

/** The numbers that are left to write after `written` notes. */
export const countsAfter = (counts: NoteCounts, written: number): NoteCounts =>
  written >= MOST_NOTES ? 0 : counts >>> written;

/**
 * With how many notes the rest of a bar can be filled, by its length: the look-ahead because of which no choice leads to
 * a bar that cannot be completed.
 */
export class FillTable {
  /** Ticks of one step. All lengths are multiples of it. */
  readonly #step: number;
  readonly #counts: readonly NoteCounts[]; // by steps

  /**
   * @param lengths the lengths that notes have, in ticks
   * @param last those that the last note has
   * @param longest the longest bar, in ticks
   */
  constructor(lengths: readonly number[], last: readonly number[], longest: number) {
    this.#step = lengths.reduce(greatestDivisor, longest);
    const counts: NoteCounts[] = [];
    for (let rest = 1; rest <= longest / this.#step; rest++) {
      let found = last.includes(rest * this.#step) ? 2 : 0;
      for (const length of lengths) found |= (counts[rest - length / this.#step] ?? 0) << 1;
      counts[rest] = found & ANY_COUNT;
    }
    this.#counts = counts;
  }

  /** The numbers of notes that fill this many ticks: of none, no notes. */
  counts(ticks: number): NoteCounts {
    return ticks === 0 ? 1 : (this.#counts[ticks / this.#step] ?? 0);
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
