import { SMALLEST_BLOCK } from './checkpoint/architecture.ts';

const LARGEST_BLOCK = { 8: 64, 4: SMALLEST_BLOCK } as const;

/** w ≈ scale (q − zero), with one scale and one zero point per block of a row. */
export interface QuantizedRows {
  /** [rows, K] of 8 bits, or two to a byte, the first in the lower half: [rows, K / 2] */
  values: Uint8Array;
  /** [rows, K / block] */
  scales: Float32Array;
  /** [rows, K / block], or two to a byte: [rows, ⌈K / block / 2⌉] */
  zeros: Uint8Array;
}

/**
 * Number of elements that share a scale and a zero point; the same holds for the activations. The kernels sum up a
 * block in integers and have a cost per block in floats: with blocks of 64, steps and prompts take 10 to 20 % less time
 * than with 32. Compared with fp32, SmolLM2-135M's perplexity (11,242 tokens) is 1.003 times as high with blocks of 32,
 * 1.004 with 64, and 1.006 with 128, which is too much.
 */
export function blockOf(bits: 8 | 4, columns: number): number {
  let block: number = LARGEST_BLOCK[bits];
  while (columns % block !== 0) block /= 2;
  return block;
}

/**
 * Quantises floats to 8 or 4 bits with integer zero points, as ONNX Runtime's fast path requires. Zero is always
 * representable, so that a block of zeros is exact.
 */
export function quantizeRows(weights: Float32Array, columns: number, bits: 8 | 4): QuantizedRows {
  const block = blockOf(bits, columns);
  const values = new Uint8Array(weights.length);
  const scales = new Float32Array(weights.length / block);
  const zeros = new Uint8Array(weights.length / block);
  const rows = { values, scales, zeros };
  for (let i = 0; i < scales.length; i++) quantizeBlock(weights, rows, { block: i, size: block }, 2 ** bits - 1);
  if (bits === 8) return { values, scales, zeros };
  return { values: packPairs(values, columns), scales, zeros: packPairs(zeros, columns / block) };
}

function quantizeBlock(
  weights: Float32Array,
  { values, scales, zeros }: QuantizedRows,
  { block, size }: { block: number; size: number },
  most: number,
): void {
  const [from, to] = [block * size, (block + 1) * size];
  let [low, high] = [0, 0];
  for (let i = from; i < to; i++) {
    const weight = weights[i] ?? 0;
    if (weight < low) low = weight;
    if (weight > high) high = weight;
  }
  const scale = (high - low) / most || 1e-12;
  const zero = Math.round(-low / scale);
  for (let i = from; i < to; i++) {
    values[i] = Math.min(most, Math.max(0, Math.round((weights[i] ?? 0) / scale) + zero));
  }
  scales[block] = scale;
  zeros[block] = zero;
}

/** Packs two neighbours of a row into a byte. A row of odd length ends with an unused half. */
function packPairs(values: Uint8Array, columns: number): Uint8Array {
  const width = Math.ceil(columns / 2);
  const packed = new Uint8Array((values.length / columns) * width);
  for (let to = 0, from = 0; from < values.length; from += columns, to += width) {
    for (let i = 0; i < columns; i += 2) {
      const second = i + 1 < columns ? (values[from + i + 1] ?? 0) : 0;
      packed[to + (i >> 1)] = (values[from + i] ?? 0) | (second << 4);
    }
  }
  return packed;
}
