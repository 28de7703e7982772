/** Draws one of weighted things. */
export type Weighted<Thing> = readonly (readonly [Thing, number])[];

/** @param draw a random number in [0, 1) */
export function choose<Thing>(weighted: Weighted<Thing>, draw: number): Thing {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  let left = draw * total;
  const found = weighted.find(([, weight]) => (left -= weight) < 0) ?? weighted.at(-1);
  if (!found) throw new Error('there is nothing to choose from');
  return found[0];
}

/**
 * Which bars of a section return: equal letters are equal bars. Counted in the sections of 4,433 traditional tunes (of
 * O'Neill, Ryan, Aird and others) whose bars are all exact. Patterns with fewer than 20 sections are left out.
 */
const FOUR_BARS: Weighted<string> = [
  ['abcd', 565],
  ['abac', 381],
];
const EIGHT_BARS: Weighted<string> = [
  ['abcdefgh', 1101],
  ['abcdabef', 876],
  ['abcdaefg', 546],
  ['abcdabce', 337],
  ['abacabde', 240],
  ['abacadef', 233],
  ['abcdebfg', 169],
  ['abacdefg', 167],
  ['abacabad', 37],
  ['abcdaecf', 36],
  ['abcdcefg', 35],
  ['abcdabcd', 34],
  ['aabcdefg', 30],
  ['abacadec', 29],
  ['aabcaade', 29],
  ['abacabac', 29],
  ['abcdebcf', 28],
  ['abacabdc', 26],
  ['abcdefcg', 26],
  ['abcdaefd', 24],
  ['abcdeefg', 20],
  ['abcdabed', 20],
];
/** With how many of its last bars a section ends as the first one did, in the same tunes. */
const SHARED_ENDS: Weighted<number> = [
  [0, 605],
  [1, 484],
  [2, 383],
  [3, 89],
  [4, 84],
];
const PHRASE = 8;
/** How often a later phrase of a long section begins with the two bars that the first one began with. */
const RETURNING_PHRASE = 0.35;

/** For each bar of a section, the earlier bar that it repeats; null for a new one. */
export function returningBars(bars: number, draw: () => number): (number | null)[] {
  const pattern: (number | null)[] = [];
  for (let from = 0; from < bars; from += PHRASE) {
    const returns = from > 0 && draw() < RETURNING_PHRASE;
    const phrase = earlierBars(choose(bars - from === 4 ? FOUR_BARS : EIGHT_BARS, draw()));
    phrase.slice(0, bars - from).forEach((earlier, i) => {
      if (earlier !== null) pattern.push(from + earlier);
      else pattern.push(returns && i < 2 ? i : null);
    });
  }
  return pattern;
}

function earlierBars(letters: string): (number | null)[] {
  return Array.from(letters, (letter, i) => {
    const first = letters.indexOf(letter);
    return first === i ? null : first;
  });
}

/** The number of last bars that a further section has from the first one. */
export const sharedEnd = (draw: () => number): number => choose(SHARED_ENDS, draw());
