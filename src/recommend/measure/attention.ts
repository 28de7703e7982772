import { f64 } from '../../lib/typed-arrays.ts';

/** The exponents that are tried: 0 for equal attention to all positions, 2 for hardly any after the first. */
export const FALLS = Float64Array.from({ length: 41 }, (_, i) => i / 20);

/** The attention that a position gets, from 0, in relation to the first. */
export const attentionAt = (position: number, fall: number): number => (position + 1) ** -fall;

/**
 * How fast attention falls along a list, from what was drawn: drawn tracks are alike wherever they are put, so that their
 * clicks differ by attention alone.
 * @param drawn number of drawn tracks by position
 * @param clicked number of those that were clicked
 * @returns the number of the most likely exponent in `FALLS`
 */
export function attentionFall(drawn: Float64Array, clicked: Float64Array): number {
  const clicks = clicked.reduce((sum, value) => sum + value, 0);
  let [best, greatest] = [0, -Infinity];
  FALLS.forEach((fall, number) => {
    let [likelihood, looks] = [0, 0];
    drawn.forEach((count, at) => {
      likelihood += f64(clicked, at) * Math.log(attentionAt(at, fall));
      looks += count * attentionAt(at, fall);
    });
    likelihood -= clicks > 0 ? clicks * Math.log(looks) : 0;
    if (likelihood <= greatest) return;
    [best, greatest] = [number, likelihood];
  });
  return best;
}
