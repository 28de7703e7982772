import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { inSlices, type Sliced } from '../../lib/async/slices.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** What compressed weights begin with. Those of older builds begin with the format's own mark, and are not compressed. */
const MARK = Buffer.from('CDZ1');
/** Bytes of most numbers. */
const WIDTH = 4;
/** Bytes in a slice: a fraction of a millisecond. */
const SLICE = 65_536;

/**
 * Weights as they are stored: compressed in a thread of the pool, first the first bytes of all numbers, then the second
 * ones and so on. The bytes that say how large a number is are alike among neighbours; the last ones are noise.
 */
export async function packWeights(weights: Buffer): Promise<Buffer> {
  const planes = await inSlices(transposed(weights, WIDTH));
  return Buffer.concat([MARK, await deflate(planes)]);
}

/** @throws Error if they are damaged */
export async function unpackWeights(stored: Buffer): Promise<Buffer> {
  if (!stored.subarray(0, MARK.length).equals(MARK)) return stored;
  const planes = await inflate(stored.subarray(MARK.length));
  // Whole numbers only: what follows them is copied as it is.
  return inSlices(transposed(planes, Math.floor(planes.length / WIDTH)));
}

/** The bytes as rows of this width, by column. Bytes after the last whole row or number stay where they are. */
function* transposed(bytes: Buffer, width: number): Sliced<Buffer> {
  const result = Buffer.from(bytes);
  const whole = bytes.length - (bytes.length % WIDTH);
  const rows = width === 0 ? 0 : whole / width;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < width; column++, at++) {
      result[column * rows + row] = bytes[at] ?? 0;
      if (at % SLICE === 0) yield;
    }
  }
  return result;
}
