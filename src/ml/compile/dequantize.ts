import { ModelFileError } from './model-file-error.ts';

/** How ggml stores weights: so many elements in so many bytes, and how a block turns into floats. */
interface Encoding {
  name: string;
  block: number;
  bytes: number;
  /** Writes the block at `at` (bytes) to `out` from `to` on. */
  decode: (view: DataView, at: number, out: Float32Array, to: number) => void;
}

/** By ggml's type number; the layouts are those of ggml-common.h. */
const encodings: Record<number, Encoding> = {
  0: { name: 'F32', block: 1, bytes: 4, decode: (view, at, out, to) => void (out[to] = view.getFloat32(at, true)) },
  1: {
    name: 'F16',
    block: 1,
    bytes: 2,
    decode: (view, at, out, to) => void (out[to] = float16(view.getUint16(at, true))),
  },
  2: { name: 'Q4_0', block: 32, bytes: 18, decode: decodeQ4_0 },
  3: { name: 'Q4_1', block: 32, bytes: 20, decode: decodeQ4_1 },
  8: { name: 'Q8_0', block: 32, bytes: 34, decode: decodeQ8_0 },
  30: { name: 'BF16', block: 1, bytes: 2, decode: decodeBF16 },
};

/** Bytes that `elements` take in this encoding. @throws ModelFileError when the type is not supported or does not divide */
export function encodedBytes(type: number, elements: number, tensor: string): number {
  const { block, bytes } = encodingOf(type, tensor);
  if (elements % block !== 0)
    throw new ModelFileError(`${tensor}: ${elements} elements are no whole number of blocks of ${block}`);
  return (elements / block) * bytes;
}

/** Encoded bytes → floats. */
export function dequantize(type: number, data: Uint8Array, elements: number, tensor: string): Float32Array {
  const { block, bytes, decode } = encodingOf(type, tensor);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const out = new Float32Array(elements);
  for (let to = 0, at = 0; to < elements; to += block, at += bytes) decode(view, at, out, to);
  return out;
}

function encodingOf(type: number, tensor: string): Encoding {
  const encoding = encodings[type];
  if (encoding) return encoding;
  const known = Object.values(encodings).map(({ name }) => name);
  throw new ModelFileError(`${tensor} is stored as ggml type ${type}; supported are ${known.join(', ')}`);
}

/** w = d (q − 8); byte j holds elements j (low half) and j + 16 (high half). */
function decodeQ4_0(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = float16(view.getUint16(at, true));
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 2 + j);
    out[to + j] = scale * ((byte & 15) - 8);
    out[to + j + 16] = scale * ((byte >> 4) - 8);
  }
}

/** w = d q + m */
function decodeQ4_1(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = float16(view.getUint16(at, true));
  const minimum = float16(view.getUint16(at + 2, true));
  for (let j = 0; j < 16; j++) {
    const byte = view.getUint8(at + 4 + j);
    out[to + j] = scale * (byte & 15) + minimum;
    out[to + j + 16] = scale * (byte >> 4) + minimum;
  }
}

/** w = d q */
function decodeQ8_0(view: DataView, at: number, out: Float32Array, to: number): void {
  const scale = float16(view.getUint16(at, true));
  for (let j = 0; j < 32; j++) out[to + j] = scale * view.getInt8(at + 2 + j);
}

const bits = new Uint32Array(1);
const bitsAsFloat = new Float32Array(bits.buffer);

/** The upper half of a float32. */
function decodeBF16(view: DataView, at: number, out: Float32Array, to: number): void {
  bits[0] = view.getUint16(at, true) << 16;
  out[to] = bitsAsFloat[0] ?? NaN;
}

function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
