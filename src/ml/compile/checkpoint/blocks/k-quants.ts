import type { BlockDecoder } from '../block-decoder.ts';
import { float16 } from '../floats.ts';

/** Number of elements of a super-block. Its parts have scales of their own, which are quantised as well. */
export const SUPER_BLOCK = 256;

/** w = d s q − dmin m, with scale s and minimum m of 4 bits for each 16 elements. Four parts share 32 bytes. */
export const decodeQ2_K: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at + 80, true));
  const minimum = float16(view.getUint16(at + 82, true));
  for (let i = 0; i < SUPER_BLOCK; i++) {
    const part = view.getUint8(at + (i >> 4));
    const q = (view.getUint8(at + 16 + (i >> 7) * 32 + (i & 31)) >> (((i >> 5) & 3) * 2)) & 3;
    out[to + i] = scale * (part & 15) * q - minimum * (part >> 4);
  }
};

/** w = d (s − 32) q, with a 6-bit scale s for each 16 elements. q is 4 less where the bit of its third mask is unset. */
export const decodeQ3_K: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at + 108, true));
  for (let i = 0; i < SUPER_BLOCK; i++) {
    const part = i >> 4;
    const low = (view.getUint8(at + 96 + (part & 7)) >> ((part >> 3) * 4)) & 15;
    const high = (view.getUint8(at + 104 + (part & 3)) >> ((part >> 2) * 2)) & 3;
    const q = (view.getUint8(at + 32 + (i >> 7) * 32 + (i & 31)) >> (((i >> 5) & 3) * 2)) & 3;
    const isHigh = (view.getUint8(at + (i & 31)) >> (i >> 5)) & 1;
    out[to + i] = scale * ((low | (high << 4)) - 32) * (isHigh ? q : q - 4);
  }
};

/** w = d s q − dmin m, with 6-bit scale s and minimum m for each 32 elements. */
export const decodeQ4_K: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const minimum = float16(view.getUint16(at + 2, true));
  for (let part = 0; part < 8; part++) {
    const d = scale * partScale(view, at + 4, part);
    const m = minimum * partMinimum(view, at + 4, part);
    const from = at + 16 + (part >> 1) * 32;
    const shift = (part & 1) * 4;
    for (let j = 0; j < 32; j++) out[to + part * 32 + j] = d * ((view.getUint8(from + j) >> shift) & 15) - m;
  }
};

/** Like Q4_K, with a fifth bit: bit `part` of byte j of 32. */
export const decodeQ5_K: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const minimum = float16(view.getUint16(at + 2, true));
  for (let part = 0; part < 8; part++) {
    const d = scale * partScale(view, at + 4, part);
    const m = minimum * partMinimum(view, at + 4, part);
    const from = at + 48 + (part >> 1) * 32;
    const shift = (part & 1) * 4;
    for (let j = 0; j < 32; j++) {
      const fifth = ((view.getUint8(at + 16 + j) >> part) & 1) << 4;
      out[to + part * 32 + j] = d * (((view.getUint8(from + j) >> shift) & 15) | fifth) - m;
    }
  }
};

/**
 * w = d s (q − 32), with an 8-bit scale s for each 16 elements. The four low and two high bits of q are stored
 * separately.
 */
export const decodeQ6_K: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at + 208, true));
  for (let i = 0; i < SUPER_BLOCK; i++) {
    const half = i >> 7;
    const quarter = (i >> 5) & 3;
    const lane = i & 31;
    const low = (view.getUint8(at + half * 64 + (quarter & 1) * 32 + lane) >> ((quarter >> 1) * 4)) & 15;
    const high = (view.getUint8(at + 128 + half * 32 + lane) >> (quarter * 2)) & 3;
    out[to + i] = scale * view.getInt8(at + 192 + (i >> 4)) * ((low | (high << 4)) - 32);
  }
};

/** Eight 6-bit scales and eight 6-bit minima share 12 bytes. The last four of each are split between bytes. */
function partScale(view: DataView, at: number, part: number): number {
  if (part < 4) return view.getUint8(at + part) & 63;
  return (view.getUint8(at + part + 4) & 15) | ((view.getUint8(at + part - 4) >> 6) << 4);
}

function partMinimum(view: DataView, at: number, part: number): number {
  if (part < 4) return view.getUint8(at + part + 4) & 63;
  return (view.getUint8(at + part + 4) >> 4) | ((view.getUint8(at + part) >> 6) << 4);
}
