/** Elements that share a scale and a zero point. */
export const BLOCK = 32;

/** w ≈ scale (q − zero): one scale and one zero point per block of a row. */
export interface QuantizedRows {
  /** [rows, K / 32, 32] */
  values: Uint8Array;
  /** [rows, K / 32] */
  scales: Float32Array;
  /** [rows, K / 32] */
  zeros: Uint8Array;
}

/**
 * Floats → 8 bits with integer zero points, which is what ONNX Runtime's fast path takes. Zero is always representable, so
 * that a block of zeros stays one.
 */
export function quantizeRows(weights: Float32Array): QuantizedRows {
  const blocks = weights.length / BLOCK;
  const values = new Uint8Array(weights.length);
  const scales = new Float32Array(blocks);
  const zeros = new Uint8Array(blocks);
  for (let block = 0; block < blocks; block++) quantizeBlock(weights, values, scales, zeros, block);
  return { values, scales, zeros };
}

function quantizeBlock(
  weights: Float32Array,
  values: Uint8Array,
  scales: Float32Array,
  zeros: Uint8Array,
  block: number,
): void {
  const from = block * BLOCK;
  let [low, high] = [0, 0];
  for (let i = from; i < from + BLOCK; i++) {
    const weight = weights[i] ?? 0;
    if (weight < low) low = weight;
    if (weight > high) high = weight;
  }
  const scale = (high - low) / 255 || 1e-12;
  const zero = Math.round(-low / scale);
  for (let i = from; i < from + BLOCK; i++) {
    values[i] = Math.min(255, Math.max(0, Math.round((weights[i] ?? 0) / scale) + zero));
  }
  scales[block] = scale;
  zeros[block] = zero;
}
