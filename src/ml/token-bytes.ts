import type { Tokenizer } from './tokenizer.ts';

/** The UTF-8 that each token stands for, in memory that threads share. */
export interface TokenBytes {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Token `id` is bytes[ends[id − 1] … ends[id]). // [vocab] */
  readonly ends: Uint32Array<SharedArrayBuffer>;
}

export function packTokenBytes(tokenizer: Tokenizer): TokenBytes {
  const parts = Array.from({ length: tokenizer.vocab }, (_, id) => tokenizer.bytesOf(id));
  const ends = new Uint32Array(new SharedArrayBuffer(4 * tokenizer.vocab));
  let total = 0;
  parts.forEach((part, id) => (ends[id] = total += part.length));
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  parts.forEach((part, id) => bytes.set(part, (ends[id] ?? 0) - part.length));
  return { bytes, ends };
}

export function bytesOfToken({ bytes, ends }: TokenBytes, id: number): Uint8Array {
  return bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id]);
}
