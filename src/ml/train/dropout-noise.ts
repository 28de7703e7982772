import { uniformAt } from '../../lib/random.ts';
import type { DropoutNoise } from './graph/decoder.ts';

/** Number of rows of noise, from which each position of each step is given one. */
const ROWS = 4096;

/** @param rate share of the elements that are dropped. Null for 0 */
export function dropoutNoise(rate: number, width: number, seed: number): DropoutNoise | null {
  if (rate === 0) return null;
  const kept = 1 / (1 - rate);
  const factors = Float32Array.from({ length: ROWS * width }, (_, i) => (uniformAt(seed, i) < rate ? 0 : kept));
  return { factors, count: ROWS };
}

/** The rows of one step // [places, positions]. They depend on seed and step alone, so a resumed training has the same. */
export function dropoutRows(
  places: number,
  positions: number,
  { seed, step }: { seed: number; step: number },
): BigInt64Array {
  const stepSeed = Math.floor(uniformAt(seed, step) * 2 ** 32);
  return BigInt64Array.from({ length: places * positions }, (_, i) =>
    BigInt(Math.floor(uniformAt(stepSeed, i) * ROWS)),
  );
}
