/**
 * A counter-based generator: the n-th number of a seed is a pure function of (seed, n). So a draft that is resumed
 * after a crash draws the same numbers, and no state has to be saved. The mixer is the 32-bit finaliser of MurmurHash3
 * (Appleby, public domain), applied to seed and counter in turn.
 * @returns a float in [0, 1) with 32 random bits
 */
export function uniformAt(seed: number, counter: number): number {
  const keyed = mix(mix(seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x9e3779b1));
  return mix(mix(keyed + Math.imul(counter, 0x9e3779b1)) ^ keyed) / 2 ** 32;
}

/** A stream of `uniformAt(seed, 0…)`, for code that draws in sequence. */
export function randomStream(seed: number): () => number {
  let counter = 0;
  return () => uniformAt(seed, counter++);
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
