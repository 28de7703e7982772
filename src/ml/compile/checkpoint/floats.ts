import type { BlockDecoder } from './block-decoder.ts';

export const decodeF32: BlockDecoder = (view, at, out, to) => {
  out[to] = view.getFloat32(at, true);
};

export const decodeF16: BlockDecoder = (view, at, out, to) => {
  out[to] = float16(view.getUint16(at, true));
};

/** The upper half of a float32. */
export const decodeBF16: BlockDecoder = (view, at, out, to) => {
  word[0] = view.getUint16(at, true) << 16;
  out[to] = wordAsFloat[0] ?? NaN;
};

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

/** A table of all values by their bits, because a model has a scale in every block. */
const halves = Float32Array.from({ length: 65_536 }, (_, bits) => computeFloat16(bits));

export function float16(bits: number): number {
  return halves[bits] ?? NaN;
}

function computeFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Floats → the bits of the nearest float16, ties to even; infinity beyond ±65,504. */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, roundToFloat16);
}

function roundToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // Infinity and NaN, and what rounds to 65,536 or more.
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude < 0x38800000) return sign | subnormalFloat16(magnitude);
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

/** Below 2⁻¹⁴ a float16 counts in units of 2⁻²⁴. */
function subnormalFloat16(magnitude: number): number {
  word[0] = magnitude;
  const units = (wordAsFloat[0] ?? 0) * 2 ** 24;
  const below = Math.floor(units);
  const rest = units - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
