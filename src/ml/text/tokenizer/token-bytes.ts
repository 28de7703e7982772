import { u32 } from '../../../lib/typed-arrays.ts';

/** The UTF-8 of each token, concatenated in memory that threads share. Separate arrays would take ten times as much. */
export interface TokenBytes {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Token `id` is bytes[ends[id − 1] … ends[id]). // [vocab] */
  readonly ends: Uint32Array<SharedArrayBuffer>;
}

/** @param tokens in the order of their ids */
export function packTokenBytes(tokens: readonly Uint8Array[]): TokenBytes {
  const ends = new Uint32Array(new SharedArrayBuffer(4 * tokens.length));
  let total = 0;
  tokens.forEach((token, id) => (ends[id] = total += token.length));
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  tokens.forEach((token, id) => bytes.set(token, u32(ends, id) - token.length));
  return { bytes, ends };
}

/** Empty for an id without a token. */
export function bytesOfToken({ bytes, ends }: TokenBytes, id: number): Uint8Array {
  return bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id] ?? 0);
}
