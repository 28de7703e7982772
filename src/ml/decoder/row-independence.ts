import type { Decoder } from './decoder.ts';

/** Of any vocabulary; the pieces of three and two put every other row at the end of a run. */
const TOKENS = [0, 1, 2, 3, 4];

/**
 * Whether this graph, on this processor, gives a row other last bits beside other rows than alone: kernels may add a row up in
 * another order when there is another to share the weights with. Those of ONNX Runtime 1.30 for 4-bit weights do, on
 * processors without AVX-512. The first slots are written to.
 *
 * It sees what few tokens show. How attention goes through a long text, which differs with the threads from some hundred tokens
 * on, it does not: probing that would take a second of prompt at every opening. That is settled in `ort/environment.ts`, and a
 * test varies threads, lengths and company.
 */
export async function mixesRows(decoder: Decoder): Promise<boolean> {
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
