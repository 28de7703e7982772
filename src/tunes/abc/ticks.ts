/**
 * Durations are whole numbers of ticks, so that their sums are exact. A whole note has 2¹⁰ · 3³ · 5 · 7 ticks, which
 * divides into notes down to 1/1024, triplets of triplets, quintuplets and septuplets.
 */
export const WHOLE_NOTE = 967_680;
export const QUARTER_NOTE = WHOLE_NOTE / 4;

/** A ratio of two small numbers. */
export interface Ratio {
  readonly over: number;
  readonly under: number;
}

/** The ticks times the ratio. Null if that is no whole number of ticks. */
export function scaled(ticks: number, { over, under }: Ratio): number | null {
  const product = (ticks * over) / under;
  return under > 0 && Number.isSafeInteger(product) ? product : null;
}

/** The multiplier that a length says: `2`, `/`, `//`, `3/2`; 1 for none. */
export function parseLength(length: string): Ratio {
  const [, over = '', slashes = '', under = ''] = /^(\d*)(\/*)(\d*)$/.exec(length) ?? [];
  const divisor = slashes === '' ? 1 : under === '' ? 2 ** slashes.length : Number(under);
  return { over: over === '' ? 1 : Number(over), under: divisor };
}

/** For example `3/8`: parts of a whole note, in lowest terms. */
export function fractionOf(ticks: number): string {
  const divisor = greatestDivisor(ticks, WHOLE_NOTE);
  return `${ticks / divisor}/${WHOLE_NOTE / divisor}`;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a || 1 : greatestDivisor(b, a % b);
}
