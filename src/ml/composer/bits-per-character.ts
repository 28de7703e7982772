import type { CompiledModel } from '../compile/compile.ts';
import { openDecoder } from '../decoder/open-decoder.ts';

interface Scored {
  tokens: readonly number[];
  characters: number;
}

const SLOTS = 16;

/**
 * How well a model predicts texts, as it is served: bits for all tokens, the mark for the end included, over the number
 * of characters. A text beyond the model's context is predicted as far as that.
 */
export async function bitsPerCharacter(
  model: CompiledModel,
  texts: readonly Scored[],
  { threads }: { threads: number },
): Promise<number> {
  const capacity = Math.min(model.shape.contextTokens, Math.max(...texts.map(({ tokens }) => tokens.length)));
  await using decoder = await openDecoder({ model, threads, slots: SLOTS, capacity });
  // Neighbours in length are scored together, so that few slots are idle.
  const order = texts.toSorted((a, b) => a.tokens.length - b.tokens.length);
  let nats = 0;
  for (let from = 0; from < order.length; from += SLOTS) {
    const group = order.slice(from, from + SLOTS);
    for (let position = 0; position < capacity; position++) {
      const rows = group.flatMap(({ tokens }, slot) => {
        const [token, next] = [tokens[position], tokens[position + 1]];
        return token === undefined || next === undefined ? [] : [{ slot, token, next, position }];
      });
      if (rows.length === 0) break;
      const predictions = await decoder.decode(rows);
      rows.forEach(({ next }, row) => (nats -= logShare(predictions[row]?.logits ?? new Float32Array(0), next)));
    }
  }
  return nats / Math.LN2 / texts.reduce((sum, { characters }) => sum + characters, 0);
}

function logShare(logits: Float32Array, token: number): number {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  return (logits[token] ?? NaN) - highest - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
}
