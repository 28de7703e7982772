import { expect, it, onTestFinished, vi } from 'vitest';
import { type Decoder, type DecoderRow } from '../../../src/ml/decoder/decoder.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { mixesRows } from '../../../src/ml/decoder/row-independence.ts';
import { Binding } from '../../../src/ml/ort/session.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { compileTiny } from '../../support/models/graph-run.ts';
import { families, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';

/** How many runs of the graph some work took. */
async function runsOf(work: () => Promise<unknown>): Promise<number> {
  const run = vi.spyOn(Binding.prototype, 'run');
  try {
    await work();
    return run.mock.calls.length;
  } finally {
    run.mockRestore();
  }
}

async function openTiny(family: string): Promise<Decoder> {
  const model = await compileTiny(await writeSafetensors(await temporaryFolder(), families[family]!.config));
  const decoder = await openDecoder({ model, threads: 1, slots: 4, capacity: 64 });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}

it.each(Object.keys(families))(
  '[GEN2] rows of %s in 8 bits, which mixes none, share a run, and so does a prompt',
  async (family) => {
    const decoder = await openTiny(family);
    const rows = [0, 1, 2, 3].map((slot) => ({ slot, token: 7, position: 0 }));
    expect(await runsOf(() => decoder.decode(rows))).toBe(1);
    expect(await runsOf(() => decoder.prefill(0, [1, 2, 3, 4, 5, 6, 7], 0))).toBe(1);
  },
);

/** What it says depends on the token, and by the last bit on what else is in a run. */
function mixingDecoder(bitOf: { prompt?: (length: number) => number; batch?: (rows: number) => number }) {
  const { prompt = () => 0, batch = () => 0 } = bitOf;
  const prediction = (token: number, bit: number) => ({ logits: Float32Array.of(token, 1 + bit), peak: null });
  return {
    ...{ slots: 4, capacity: 64 },
    prefill: (_: number, tokens: readonly number[]) =>
      Promise.resolve(prediction(tokens.at(-1)!, prompt(tokens.length))),
    decode: (rows: readonly DecoderRow[]) =>
      Promise.resolve(rows.map(({ token }) => prediction(token, batch(rows.length)))),
  };
}

const LAST_BIT = 2 ** -23;

it.each([
  ['none', {}, false],
  ['rows of a batch', { batch: (rows: number) => (rows > 1 ? LAST_BIT : 0) }, true],
  ['rows of a prompt', { prompt: (length: number) => (length % 2 ? LAST_BIT : 0) }, true],
])('[GEN2] a graph that mixes %s is recognised', async (_, bitOf, mixes) => {
  expect(await mixesRows(mixingDecoder(bitOf))).toBe(mixes);
});
