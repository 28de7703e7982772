// The compiled graph and nothing around it: what a decode step cannot be faster than, and what the model thinks of a text.
import type { CompiledModel } from '../../src/ml/compile/compile.ts';
import type * as decoders from '../../src/ml/decoder/open-decoder.ts';
import type * as sessions from '../../src/ml/ort/session.ts';
import type * as tensors from '../../src/ml/ort/tensor.ts';
import { answer } from './answer.mjs';
import { built } from './built.ts';

const { compiled, threads } = JSON.parse(process.argv[2] ?? '') as { compiled: CompiledModel; threads: number };
const { openDecoder } = (await built('ml/decoder/open-decoder')) as typeof decoders;
const { Binding, Session } = (await built('ml/ort/session')) as typeof sessions;
const { Tensor } = (await built('ml/ort/tensor')) as typeof tensors;

answer({ steps, score });

/** @returns milliseconds of each of `count` bare runs of one more token for every row, the first of them at `from` */
async function steps({ rows, from, count }: { rows: number; from: number; count: number }): Promise<number[]> {
  const { layers, kvHeads, headDim, vocabulary } = compiled.shape;
  const capacity = from + count;
  const cache = [rows, kvHeads, capacity, headDim];
  const caches = Array.from({ length: 2 * layers }, () => {
    return new Tensor(new Float32Array(rows * kvHeads * capacity * headDim).fill(0.01), cache);
  });
  const ids = new Tensor(new BigInt64Array(rows).fill(100n), [rows, 1]);
  const lengths = new Tensor(new Int32Array(rows), [rows]);
  const total = new Tensor(new Int32Array(1), []);
  const logits = new Tensor(new Float32Array(rows * vocabulary), [rows, vocabulary]);
  const peak = new Tensor(new Float32Array(rows), [rows, 1]);
  const named = (prefix: string) =>
    Object.fromEntries(caches.map((tensor, i) => [`${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`, tensor]));
  const inputs = { input_ids: ids, seqlens_k: lengths, total_sequence_length: total, ...named('past_key_values') };
  using session = await Session.open(compiled.graphPath, { threads });
  using binding = new Binding(session, inputs, { logits, peak, ...named('present') });
  const times = [];
  for (let position = from; position < from + count; position++) {
    lengths.data.fill(position);
    total.data[0] = position + 1;
    const before = performance.now();
    await binding.run();
    times.push(performance.now() - before);
  }
  for (const tensor of [ids, lengths, total, logits, peak, ...caches]) tensor[Symbol.dispose]();
  return times;
}

/** @returns of each piece, the sum of ln p(token | the tokens before it), read a token at a time as drafts are written */
async function score(pieces: number[][]): Promise<number[]> {
  const length = Math.max(...pieces.map((ids) => ids.length));
  await using decoder = await openDecoder({ model: compiled, threads, slots: pieces.length, capacity: length });
  const sums = new Float64Array(pieces.length);
  for (let position = 0; position < length - 1; position++) {
    const rows = pieces.flatMap((ids, slot) => {
      const [token, next] = [ids[position], ids[position + 1]];
      return token === undefined || next === undefined ? [] : [{ slot, token, next, position }];
    });
    const predictions = await decoder.decode(rows);
    rows.forEach(({ slot, next }, row) => {
      sums[slot] = (sums[slot] ?? 0) + logprobOf(next, predictions[row]?.logits ?? new Float32Array(0));
    });
  }
  return [...sums];
}

function logprobOf(token: number, logits: Float32Array): number {
  let [largest, sum] = [-Infinity, 0];
  for (const value of logits) largest = Math.max(largest, value);
  for (const value of logits) sum += Math.exp(value - largest);
  return (logits[token] ?? NaN) - largest - Math.log(sum);
}
