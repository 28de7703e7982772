import type { Decoder } from './decoder.ts';

/** Tokens of any vocabulary. The pieces of two and three put every other row at the end of a run. */
const TOKENS = [0, 1, 2, 3, 4];

/**
 * Whether, with this graph on this processor, the last bits of a row differ depending on whether there are other rows:
 * kernels may add up a row in another order if others share the weights. ONNX Runtime 1.30's kernels for 4-bit weights
 * do so on processors without AVX-512. This overwrites the first slots.
 *
 * It detects only what few tokens show. It does not detect how attention over a long text, from some hundred tokens on,
 * depends on the threads, because that would take a second of prompt at every opening. `ort/environment.ts` prevents
 * that, and a test varies threads, lengths and batches.
 */
export async function mixesRows(decoder: Pick<Decoder, 'slots' | 'capacity' | 'prefill' | 'decode'>): Promise<boolean> {
  if (decoder.capacity < TOKENS.length) return false;
  const whole = (await decoder.prefill(0, TOKENS, 0)).logits.slice();
  await decoder.prefill(0, TOKENS.slice(0, 3), 0);
  const inPieces = (await decoder.prefill(0, TOKENS.slice(3), 3)).logits.slice();
  if (!isSame(whole, inPieces)) return true;
  const rows = TOKENS.slice(0, Math.min(decoder.slots, 3)).map((token, slot) => ({ slot, token, position: 0 }));
  const together = (await decoder.decode(rows)).map(({ logits }) => logits.slice());
  for (const [i, row] of rows.entries()) {
    const [alone] = await decoder.decode([row]);
    if (!alone || !isSame(alone.logits, together[i])) return true;
  }
  return false;
}

const isSame = (a: Float32Array, b?: Float32Array): boolean => a.every((value, i) => Object.is(value, b?.[i]));
