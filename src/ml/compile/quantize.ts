/** Elements that share a scale and a zero point. */
export const BLOCK = 32;

/** w ≈ scale (q − zero): one scale and one zero point per block of a row. */
export interface QuantizedRows {
  /** [rows, K] of 8 bits, or two to a byte, the first in the lower half: [rows, K / 2] */
  values: Uint8Array;
  /** [rows, K / 32] */
  scales: Float32Array;
  /** [rows, K / 32], or two to a byte: [rows, ⌈K / 64⌉] */
  zeros: Uint8Array;
}

/**
 * Floats → 8 or 4 bits with integer zero points, which is what ONNX Runtime's fast path takes. Zero is always
 * representable, so that a block of zeros stays one.
 */
export function quantizeRows(weights: Float32Array, columns: number, bits: 8 | 4): QuantizedRows {
  const blocks = weights.length / BLOCK;
  const values = new Uint8Array(weights.length);
  const scales = new Float32Array(blocks);
  const zeros = new Uint8Array(blocks);
  for (let block = 0; block < blocks; block++) quantizeBlock(weights, { values, scales, zeros }, block, 2 ** bits - 1);
  if (bits === 8) return { values, scales, zeros };
  return { values: packPairs(values, columns), scales, zeros: packPairs(zeros, columns / BLOCK) };
}

function quantizeBlock(
  weights: Float32Array,
  { values, scales, zeros }: QuantizedRows,
  block: number,
  most: number,
): void {
  const from = block * BLOCK;
  let [low, high] = [0, 0];
  for (let i = from; i < from + BLOCK; i++) {
    const weight = weights[i] ?? 0;
    if (weight < low) low = weight;
    if (weight > high) high = weight;
  }
  const scale = (high - low) / most || 1e-12;
  const zero = Math.round(-low / scale);
  for (let i = from; i < from + BLOCK; i++) {
    values[i] = Math.min(most, Math.max(0, Math.round((weights[i] ?? 0) / scale) + zero));
  }
  scales[block] = scale;
  zeros[block] = zero;
}

/** Two neighbours of a row to a byte; a row of odd length ends with half a byte. */
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
