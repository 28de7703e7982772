import type { VerseMetre } from './contract.ts';

// A word's shape is its number of syllables and the one with the primary stress. There are 28 shapes of up to seven
// syllables, and that of words of one syllable without stress, so a set of shapes is the bits of one number.

/** Longer words are not used in verse. */
export const MOST_SYLLABLES = 7;

export interface WordShape {
  syllables: number;
  /** The syllable with the primary stress, from 0. −1 for a word of one syllable without stress: "the". */
  stress: number;
}

/** Every shape, in the order of its bits. */
export const allShapes: readonly WordShape[] = [
  ...Array.from({ length: MOST_SYLLABLES }, (_, i) =>
    Array.from({ length: i + 1 }, (__, stress) => ({ syllables: i + 1, stress })),
  ).flat(),
  { syllables: 1, stress: -1 },
];

/** The bit of a shape. @param stress −1 for a word without stress: a longer one counts as stressed at its beginning */
export function shapeBit(syllables: number, stress: number): number {
  if (syllables === 1 && stress === -1) return 1 << (allShapes.length - 1);
  return 1 << ((syllables * (syllables - 1)) / 2 + Math.max(0, stress));
}

/** The period of each foot and the stressed syllable in it, from 0. */
const feet: Readonly<Record<VerseMetre, { period: number; stressed: number }>> = {
  IAMBIC: { period: 2, stressed: 1 },
  TROCHAIC: { period: 2, stressed: 0 },
  ANAPAESTIC: { period: 3, stressed: 2 },
  DACTYLIC: { period: 3, stressed: 0 },
};

/**
 * Whether a word may begin at this syllable of a line. The primary stress of a longer word falls on a stressed position
 * of the metre; a word of one syllable fits anywhere.
 */
export function fitsMetre({ syllables, stress }: WordShape, at: number, metre: VerseMetre | null): boolean {
  if (metre === null || syllables === 1) return true;
  const { period, stressed } = feet[metre];
  return (at + stress) % period === stressed;
}

/**
 * Whether a word may begin at this syllable of a line that is sung. The primary stress of a longer word falls on a strong
 * beat; a word without stress does not fall on one between weak beats.
 * @param strong the syllables on strong beats. Null if there are none to keep to
 */
export function fitsBeats({ syllables, stress }: WordShape, at: number, strong: readonly number[] | null): boolean {
  if (strong === null) return true;
  if (syllables > 1) return strong.includes(at + stress);
  return stress !== -1 || !strong.includes(at) || strong.includes(at - 1) || strong.includes(at + 1);
}
