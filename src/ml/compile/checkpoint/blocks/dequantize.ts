import type { BlockDecoder } from '../block-decoder.ts';
import { decodeBF16, decodeF16, decodeF32 } from '../floats.ts';
import { ModelFileError } from '../model-file-error.ts';
import { decodeIQ4_NL, decodeIQ4_XS, decodeMXFP4 } from './codebook-quants.ts';
import { decodeQ2_K, decodeQ3_K, decodeQ4_K, decodeQ5_K, decodeQ6_K, SUPER_BLOCK } from './k-quants.ts';
import { decodeQ4_0, decodeQ4_1, decodeQ5_0, decodeQ5_1, decodeQ8_0 } from './legacy-quants.ts';

/** An encoding of weights: the number of elements and bytes of a block, and its decoder. */
interface Encoding {
  name: string;
  block: number;
  bytes: number;
  decode: BlockDecoder;
}

const encoding = (name: string, block: number, bytes: number, decode: BlockDecoder): Encoding => {
  return { name, block, bytes, decode };
};

/** By ggml's type numbers, which safetensors' types are mapped to as well. The layouts are those of ggml-common.h. */
const encodings: Record<number, Encoding> = {
  0: encoding('F32', 1, 4, decodeF32),
  1: encoding('F16', 1, 2, decodeF16),
  2: encoding('Q4_0', 32, 18, decodeQ4_0),
  3: encoding('Q4_1', 32, 20, decodeQ4_1),
  6: encoding('Q5_0', 32, 22, decodeQ5_0),
  7: encoding('Q5_1', 32, 24, decodeQ5_1),
  8: encoding('Q8_0', 32, 34, decodeQ8_0),
  10: encoding('Q2_K', SUPER_BLOCK, 84, decodeQ2_K),
  11: encoding('Q3_K', SUPER_BLOCK, 110, decodeQ3_K),
  12: encoding('Q4_K', SUPER_BLOCK, 144, decodeQ4_K),
  13: encoding('Q5_K', SUPER_BLOCK, 176, decodeQ5_K),
  14: encoding('Q6_K', SUPER_BLOCK, 210, decodeQ6_K),
  20: encoding('IQ4_NL', 32, 18, decodeIQ4_NL),
  23: encoding('IQ4_XS', SUPER_BLOCK, 136, decodeIQ4_XS),
  30: encoding('BF16', 1, 2, decodeBF16),
  39: encoding('MXFP4', 32, 17, decodeMXFP4),
};

/**
 * Number of bytes of `elements` in this encoding.
 * @throws ModelFileError if the type is not supported or does not divide
 */
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
  const known = encodings[type];
  if (known) return known;
  const names = Object.values(encodings).map(({ name }) => name);
  throw new ModelFileError(`${tensor} is stored as ggml type ${type}; supported are ${names.join(', ')}`);
}
