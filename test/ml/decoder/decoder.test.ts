import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { compileModel, ModelFileError } from '../../../src/ml/compile/compile.ts';
import { compileInto } from '../../../src/ml/compile/compile-model.ts';
import { type Decoder, type Prediction } from '../../../src/ml/decoder/decoder.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { OrtError } from '../../../src/ml/ort/library.ts';
import { Session } from '../../../src/ml/ort/session.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { referenceLogits } from '../../support/models/reference-llama.ts';
import { kept } from '../../support/tiny/predictions.ts';
import { type TinyModel, tinyTensors, writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

async function tiny(model: TinyModel = {}): Promise<{ folder: string; source: string }> {
  const folder = await temporaryFolder();
  const source = join(folder, 'tiny.gguf');
  await writeTinyGguf(source, model);
  return { folder, source };
}

async function open(model: TinyModel = {}, slots = 4, threads = 1): Promise<Decoder> {
  const { folder, source } = await tiny(model);
  const compiled = await compileModel({ source, digest: 'd'.repeat(64), directory: join(folder, 'compiled') });
  const decoder = await openDecoder({ model: compiled, threads, slots, capacity: 256 });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}

const prompt = (length: number, seed = 3): number[] => {
  const random = randomStream(seed);
  return Array.from({ length }, () => Math.floor(random() * 260));
};

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

describe('compiler and decoder', () => {
  it.each([{ tied: true }, { tied: false }])(
    'compute the logits of a plain fp32 forward pass, $tied head tied',
    async ({ tied }) => {
      const decoder = await open({ seed: 5, tied });
      const tokens = prompt(40);
      const expected = referenceLogits(tinyTensors(5, tied), tokens, {
        layers: 2,
        heads: 4,
        kvHeads: 2,
        headDim: 16,
        ropeBase: 10_000,
        epsilon: 1e-5,
      });
      const { logits } = await decoder.prefill(0, tokens, 0);
      const spread = Math.max(...expected) - Math.min(...expected);
      // 8-bit weights and activations: a few hundredths of the logits' spread.
      expect(largestDifference(logits, expected) / spread).toBeLessThan(0.05);
      expect(logits.indexOf(Math.max(...logits))).toBe(expected.indexOf(Math.max(...expected)));
    },
  );

  it('[GEN2] prefill gives the same bits whole, in pieces, in any slot and on two threads', async () => {
    const decoder = await open();
    const two = await open({}, 1, 2);
    const tokens = prompt(120);
    const whole = kept(await decoder.prefill(0, tokens, 0));
    for (const piece of [2, 3, 4, 6, 15, 18, 27, 31]) {
      let last = whole;
      for (let from = 0; from < tokens.length; from += piece) {
        last = await decoder.prefill(3, tokens.slice(from, from + piece), from);
      }
      expect(last).toEqual(whole);
    }
    expect(await two.prefill(0, tokens, 0)).toEqual(whole);
  });

  it('[GEN2] a row gives the same bits alone and in a batch of rows of other lengths', async () => {
    const decoder = await open();
    const alone: Prediction[] = [];
    const texts = [5, 33, 12, 50].map((length, i) => prompt(length, i));
    for (const [slot, tokens] of texts.entries()) {
      await decoder.prefill(slot, tokens, 0);
      const [prediction] = await decoder.decode([{ slot, token: 7, position: tokens.length }]);
      alone.push(kept(prediction!));
    }
    const rows = [3, 0, 1, 2].map((slot) => ({ slot, token: 7, position: texts[slot]!.length }));
    const together = await decoder.decode(rows);
    rows.forEach(({ slot }, i) => expect(together[i]).toEqual(alone[slot]));
    const apart = await decoder.decode([rows[0], rows[2]].filter((row) => row !== undefined));
    expect(apart).toEqual([alone[3], alone[1]]);
    // Slot 2 lay between the two and was computed along: what it holds is as it was.
    expect(await decoder.decode([rows[3]!])).toEqual([alone[2]]);
  });

  it('ends a run when the signal aborts and works afterwards', async () => {
    const decoder = await open();
    const before = kept(await decoder.prefill(0, prompt(30), 0));
    const abort = new AbortController();
    const running = decoder.prefill(1, prompt(250), 0, abort.signal);
    abort.abort(new Error('no longer wanted'));
    await expect(running).rejects.toThrow('no longer wanted');
    expect(await decoder.prefill(1, prompt(30), 0)).toEqual(before);
  });

  it('refuses what does not fit', async () => {
    const decoder = await open();
    await expect(decoder.prefill(0, prompt(257), 0)).rejects.toThrow(RangeError);
    await expect(decoder.prefill(4, [1], 0)).rejects.toThrow(RangeError);
    await expect(decoder.decode([{ slot: 0, token: 1, position: 256 }])).rejects.toThrow(RangeError);
  });
});

describe('compileModel', () => {
  it('[MODEL1] compiles once: the second call uses the first result', async () => {
    const { folder, source } = await tiny();
    const options = { source, digest: 'd'.repeat(64), directory: join(folder, 'compiled') };
    const [first, second] = await Promise.all([compileModel(options), compileModel(options)]);
    expect(second).toEqual(first);
    await writeFile(source, 'gone');
    expect(await compileModel(options)).toEqual(first);
    expect(await readdir(options.directory)).toHaveLength(1);
  });

  it('[MODEL1] compiles again if a file is missing, truncated or not JSON', async () => {
    const { folder, source } = await tiny();
    const options = { source, digest: 'd'.repeat(64), directory: join(folder, 'compiled') };
    const { graphPath } = await compileModel(options);
    const good = await readFile(`${graphPath}.data`);
    const damages = [
      () => truncate(`${graphPath}.data`, 5_000),
      () => rm(graphPath),
      () => writeFile(join(dirname(graphPath), 'digests.json'), '{'),
    ];
    for (const damage of damages) {
      await damage();
      await compileModel(options);
      expect(await readFile(`${graphPath}.data`)).toEqual(good);
    }
  });

  it('[MODEL1] leaves nothing behind when aborted', async () => {
    const { folder, source } = await tiny();
    const directory = join(folder, 'compiled');
    const abort = new AbortController();
    const onProgress = () => abort.abort(new Error('no longer wanted'));
    const compiling = compileModel({ source, digest: 'd'.repeat(64), directory, signal: abort.signal, onProgress });
    await expect(compiling).rejects.toThrow('no longer wanted');
    expect(await readdir(directory).catch(() => [])).toEqual([]);
  });

  const refused = async (source: string, folder: string) => {
    const directory = join(folder, 'compiled');
    await expect(compileModel({ source, digest: 'e'.repeat(64), directory })).rejects.toThrow(ModelFileError);
    expect(await readdir(directory).catch(() => [])).toEqual([]);
  };

  it('[MODEL2] refuses a file truncated anywhere, with a clear error and nothing left behind', async () => {
    const { folder, source } = await tiny();
    const { length } = await readFile(source);
    for (const share of [0.9999, 0.8, 0.5, 0.1, 0.02, 0.005]) {
      await truncate(source, Math.floor(length * share));
      await refused(source, folder);
    }
    await writeFile(source, '');
    await refused(source, folder);
  });

  it.each<[string, TinyModel]>([
    ['another architecture', { metadata: { 'general.architecture': 'mamba' } }],
    ['no architecture', { metadata: { 'general.architecture': undefined } }],
    ['more layers than tensors', { metadata: { 'llama.block_count': 3 } }],
    ['an absurd layer count', { metadata: { 'llama.block_count': 4_000_000_000 } }],
    ['heads that do not divide', { metadata: { 'llama.attention.head_count': 3 } }],
    ['a hidden size that is not the tensors’', { metadata: { 'llama.embedding_length': 128 } }],
    ['a text for a number', { metadata: { 'llama.context_length': 'long' } }],
  ])('[MODEL2] refuses %s', async (_, model) => {
    const { folder, source } = await tiny(model);
    await refused(source, folder);
  });

  it('[MODEL2] survives 300 random corruptions of the header: a result or a typed error', async () => {
    const { folder, source } = await tiny();
    const good = await readFile(source);
    const target = { device: 'cpu', weights: 'int8' } as const;
    const random = randomStream(11);
    for (let round = 0; round < 300; round++) {
      const bad = Buffer.from(good);
      for (let i = 0; i < 4; i++) bad[Math.floor(random() * 6_000)] = Math.floor(random() * 256);
      await writeFile(source, bad);
      const folders = { temporary: join(folder, 'unfinished'), final: join(folder, `compiled-${round}`) };
      // Without the worker of `compileModel`, whose start takes longer than the work.
      const outcome = await compileInto({ source, target, folders }, () => undefined).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ModelFileError);
    }
  });
});

it('a graph that is missing or broken is an OrtError with the reason', async () => {
  const folder = await temporaryFolder();
  await expect(Session.open(join(folder, 'none.onnx'), { threads: 1 })).rejects.toThrow(OrtError);
  await writeFile(join(folder, 'bad.onnx'), 'not a model');
  await expect(Session.open(join(folder, 'bad.onnx'), { threads: 1 })).rejects.toThrow(/bad\.onnx/);
});
