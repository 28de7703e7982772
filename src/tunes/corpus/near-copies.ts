import { Counter } from '../../lib/collections.ts';

/** Tunes that share a run of so many notes are near-copies of each other. */
const COPIED_RUN = 32;

/** The intervals of a melody, one character each, so that a run of them is a part of a string. */
export function intervalsOf(melody: readonly number[]): string {
  return melody
    .slice(1)
    .map((pitch, i) => String.fromCharCode(128 + pitch - (melody[i] ?? 0)))
    .join('');
}

/** All runs of `notes` notes, whatever their key. */
function* runsOf(intervals: string, notes = COPIED_RUN): Iterable<string> {
  const length = notes - 1;
  for (let at = 0; at + length <= intervals.length; at++) yield intervals.slice(at, at + length);
}

/**
 * Groups melodies so that any two that share a run of 32 notes, in whatever key, are in one group: also over others
 * that share one with both.
 * @param intervals of each melody
 * @returns the group of each melody, as the index of one of its members
 */
export function groupNearCopies(intervals: readonly string[]): number[] {
  const parents = intervals.map((_, i) => i);
  const rootOf = (i: number): number => {
    let root = i;
    while (parents[root] !== root) root = parents[root] = parents[parents[root] ?? root] ?? root;
    return root;
  };
  const owners = new Map<string, number>();
  intervals.forEach((melody, i) => {
    for (const run of runsOf(melody)) {
      const owner = owners.get(run);
      if (owner === undefined) owners.set(run, i);
      else parents[rootOf(i)] = rootOf(owner);
    }
  });
  return parents.map((_, i) => rootOf(i));
}

/** The longest run of notes that a melody shares with any of a set of melodies. */
export class CopyDetector {
  /** Where each run of `SEED` notes is. */
  readonly #places = new Map<string, { melody: number; at: number }[]>();
  readonly #melodies: readonly string[];

  /** @param melodies their intervals */
  constructor(melodies: readonly string[]) {
    this.#melodies = melodies;
    melodies.forEach((intervals, melody) => {
      let at = 0;
      for (const run of runsOf(intervals, SEED)) {
        const places = this.#places.get(run);
        if (places) places.push({ melody, at });
        else this.#places.set(run, [{ melody, at }]);
        at++;
      }
    });
  }

  /** In notes. 0 for less than twelve. */
  longest(intervals: string): number {
    let longest = 0;
    let at = 0;
    const skip = new Counter<string>();
    for (const run of runsOf(intervals, SEED)) {
      for (const place of this.#places.get(run) ?? []) {
        const diagonal = `${place.melody} ${place.at - at}`;
        if (at < skip.of(diagonal)) continue;
        const length = this.#commonLength(intervals, at, place);
        skip.set(diagonal, at + length);
        longest = Math.max(longest, length + 1);
      }
      at++;
    }
    return longest;
  }

  #commonLength(intervals: string, at: number, place: { melody: number; at: number }): number {
    const other = this.#melodies[place.melody] ?? '';
    let length = SEED - 1;
    while (at + length < intervals.length && intervals[at + length] === other[place.at + length]) length++;
    return length;
  }
}

/** Shorter runs are common to all tunes. */
const SEED = 12;
