import type { BlockDecoder } from '../block-decoder.ts';
import { float16 } from '../floats.ts';

// Blocks of 32 with one scale. Byte j of 16 contains elements j (low half) and j + 16 (high half).

/** w = d (q − 8) */
export const decodeQ4_0: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 2 + j);
    out[to + j] = scale * ((byte & 15) - 8);
    out[to + j + 16] = scale * ((byte >> 4) - 8);
  }
};

/** w = d q + m */
export const decodeQ4_1: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const minimum = float16(view.getUint16(at + 2, true));
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 4 + j);
    out[to + j] = scale * (byte & 15) + minimum;
    out[to + j + 16] = scale * (byte >> 4) + minimum;
  }
};

/** w = d (q − 16), with all fifth bits together in 32 separate bits. */
export const decodeQ5_0: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const fifths = view.getUint32(at + 2, true);
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 6 + j);
    out[to + j] = scale * (((byte & 15) | fifthBit(fifths, j)) - 16);
    out[to + j + 16] = scale * (((byte >> 4) | fifthBit(fifths, j + 16)) - 16);
  }
};

/** w = d q + m */
export const decodeQ5_1: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  const minimum = float16(view.getUint16(at + 2, true));
  const fifths = view.getUint32(at + 4, true);
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 8 + j);
    out[to + j] = scale * ((byte & 15) | fifthBit(fifths, j)) + minimum;
    out[to + j + 16] = scale * ((byte >> 4) | fifthBit(fifths, j + 16)) + minimum;
  }
};

/** w = d q */
export const decodeQ8_0: BlockDecoder = (view, at, out, to) => {
  const scale = float16(view.getUint16(at, true));
  for (let j = 0; j < 32; j++) out[to + j] = scale * view.getInt8(at + 2 + j);
};

function fifthBit(fifths: number, element: number): number {
  return ((fifths >>> element) & 1) << 4;
}
