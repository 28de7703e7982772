import type { BlockDecoder } from '../block-decoder.ts';
import { float16 } from '../floats.ts';
import { SUPER_BLOCK } from './k-quants.ts';

// Four bits name one of 16 values. Byte j of 16 contains elements j (low half) and j + 16 (high half).

/** Denser near zero, as weights are. */
const NON_LINEAR = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
/** Twice the values of 4-bit floats with two bits of exponent and one of fraction. */
const E2M1 = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** w = d v(q) */
export const decodeIQ4_NL: BlockDecoder = (view, at, out, to) => {
  decodePart(NON_LINEAR, float16(view.getUint16(at, true)), view, at + 2, out, to);
};

/** w = d (s − 32) v(q), with a 6-bit scale s for each 32 elements: four bits in one place, two in another. */
export const decodeIQ4_XS: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const highs = view.getUint16(at + 2, true);
  for (let part = 0; part < SUPER_BLOCK / 32; part++) {
    const low = (view.getUint8(at + 4 + (part >> 1)) >> ((part & 1) * 4)) & 15;
    const high = (highs >> (part * 2)) & 3;
    decodePart(NON_LINEAR, scale * ((low | (high << 4)) - 32), view, at + 8 + part * 16, out, to + part * 32);
  }
};

/** w = 2^(e − 128) v(q), with one exponent for each 32 elements (OCP Microscaling Formats 1.0). */
export const decodeMXFP4: BlockDecoder = (view, at, out, to) => {
  decodePart(E2M1, 2 ** (view.getUint8(at) - 128), view, at + 1, out, to);
};

function decodePart(values: Int8Array, scale: number, view: DataView, at: number, out: Float32Array, to: number): void {
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + j);
    out[to + j] = scale * (values[byte & 15] ?? 0);
    out[to + j + 16] = scale * (values[byte >> 4] ?? 0);
  }
}
