import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { uniformAt } from '../../../src/lib/random.ts';
import { type Decoder } from '../../../src/ml/decoder/decoder.ts';
import { sumsAreExact } from '../../../src/ml/decoder/exactness.ts';
import { type DecoderOptions, openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { defaultSampling, type Engine, loadModelCatalogue, openFetched, type Token } from '../../../src/ml/engine.ts';
import { cEnvironment, setRuntimeEnvironment } from '../../../src/ml/ort/environment.ts';
import { modelsFolder, openModelStore } from '../../../src/ml/store/model-store.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { compileTiny, integers } from '../../support/models/graph-run.ts';
import { realDataDir, realModel } from '../../support/models/real-model.ts';
import { families, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';
import { folderEntryFor, noEncoder, TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

type Model = DecoderOptions['model'];

/**
 * A model of two heads: any number of threads above that leaves some without one. The longer a head is, the shorter are the
 * pieces in which attention goes through the keys, and so the texts that have several.
 */
async function writeTwoHeads(folder: string): Promise<string> {
  return writeSafetensors(folder, { ...families.llama!.config, ...twoHeads, num_hidden_layers: 1 });
}

const twoHeads = {
  ...{ num_attention_heads: 2, num_key_value_heads: 1, head_dim: 256, hidden_size: 256 },
  max_position_embeddings: 2048,
};

/** The same with a layer that attends to a window and one that does not, caps, GELU, and norms around. */
async function writeWindowed(folder: string): Promise<string> {
  const config = { ...families.gemma2!.config, ...twoHeads, sliding_window: 300, tie_word_embeddings: false };
  return writeSafetensors(folder, config);
}

async function open(model: Model, threads: number, capacity: number): Promise<Decoder> {
  const decoder = await openDecoder({ model, threads, slots: 3, capacity });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}

interface Bits {
  prefill: Float32Array;
  alone: Float32Array;
  equal: Float32Array;
  ragged: Float32Array;
}

/** What comes after `length` tokens, however it is computed. The last token of all is decoded in the three kinds of company. */
async function bitsAt(decoder: Decoder, tokens: readonly number[], length: number): Promise<Bits> {
  const text = tokens.slice(0, length);
  const prefill = (await decoder.prefill(0, text, 0)).logits.slice();
  for (const slot of [1, 2]) decoder.copy(0, slot, length - 1);
  const row = (slot: number, position = length - 1) => ({ slot, token: tokens[position]!, position });
  const first = async (...rows: ReturnType<typeof row>[]) => (await decoder.decode(rows))[0]!.logits.slice();
  return {
    prefill,
    alone: await first(row(0)),
    equal: await first(row(0), row(1), row(2)),
    ragged: await first(row(0), row(1, length >> 1), row(2, 3)),
  };
}

const isSame = (a: Float32Array, b: Float32Array): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

/** Where bits differ from those of one thread alone, in words. */
async function differences(model: Model, threads: readonly number[], lengths: readonly number[]): Promise<string[]> {
  const [most] = [Math.max(...lengths)];
  const { vocabulary } = model.shape;
  const tokens = Array.from({ length: most }, (_, i) => Math.floor(uniformAt(5, i) * vocabulary));
  const found: string[] = [];
  const one = await open(model, 1, most);
  for (const count of threads) {
    const decoder = await open(model, count, most);
    for (const length of lengths) {
      const [expected, bits] = [await bitsAt(one, tokens, length), await bitsAt(decoder, tokens, length)];
      const told = (what: string) => found.push(`${count} threads, ${length} tokens, ${what}`);
      if (!isSame(bits.prefill, expected.prefill)) told('prompt');
      for (const kind of ['alone', 'equal', 'ragged'] as const) {
        if (!isSame(bits[kind], expected.alone)) told(kind);
        if (!isSame(expected[kind], expected.alone)) told(`${kind} on one thread`);
      }
    }
  }
  return found;
}

/** Its tokens with what the model thought of each, which the last bits of logits show in. */
async function tokensOf(engine: Engine, seed: number, promptTokens: number): Promise<Token[]> {
  const sampling = { ...defaultSampling, temperature: 2, topK: 0, topP: 1, minP: 0, seed, maxTokens: 24 };
  const messages = [{ role: 'user' as const, content: 'The sea. '.repeat(promptTokens / 9) }];
  const tokens: Token[] = [];
  for await (const event of engine.admit(TINY).generate({ messages, sampling }, new AbortController().signal))
    if (event.type === 'tokens') tokens.push(...event.tokens);
  return tokens;
}

/** THREADS=long varies them on the real model too. */
const isLong = process.env.THREADS === 'long';

/** Around the blocks in which attention goes through keys, and beyond the length from which it splits them between threads. */
const lengths = [5, 15, 16, 17, 31, 32, 33, 64, 65, 129, 257, 513, 1025, 1200, 2000];

describe('[GEN2] logits are bit-identical for any threads, length and batch', () => {
  it('on a model of two heads', { timeout: 300_000 }, async () => {
    expect(
      await differences(await compileTiny(await writeTwoHeads(await temporaryFolder())), [2, 3, 16], lengths),
    ).toEqual([]);
  });

  it('[MODEL18] on one whose texts go beyond a window', { timeout: 300_000 }, async () => {
    const model = await compileTiny(await writeWindowed(await temporaryFolder()));
    expect(await differences(model, [3, 16], [5, 33, 299, 300, 301, 302, 513, 1025, 2000])).toEqual([]);
  });

  it.skipIf(!sumsAreExact(1))('on the model of two heads with products of integers', { timeout: 300_000 }, async () => {
    const model = await compileTiny(await writeTwoHeads(await temporaryFolder()), integers('unsmoothed'));
    expect(await differences(model, [2, 3, 16], lengths)).toEqual([]);
  });

  it.each([
    ['of two heads', writeTwoHeads],
    ['with a window', writeWindowed],
  ])('[GEN1] and so are the texts of the model %s', { timeout: 300_000 }, async (_, write) => {
    const folder = await temporaryFolder();
    const place = join(folder, 'models', TINY, 'files');
    await mkdir(place, { recursive: true });
    await write(place);
    const catalogueFile = join(folder, 'models.json');
    const entry = { ...(await folderEntryFor(place)), context: 2048 };
    await writeFile(catalogueFile, JSON.stringify({ models: [entry, noEncoder] }));
    const texts = async (threads: number, company: number): Promise<Token[][]> => {
      await using engine = await tinyEngine(folder, { catalogueFile, threads, prefixBytes: 0 });
      return await Promise.all(Array.from({ length: company }, (_, i) => tokensOf(engine, 1 + i, 600 + 200 * i)));
    };
    const [alone] = await texts(1, 1);
    expect(alone!.length).toBeGreaterThan(3);
    for (const [threads, company] of [
      [3, 1],
      [16, 1],
      [3, 3],
    ] as const)
      expect((await texts(threads, company))[0]).toEqual(alone);
  });

  it.skipIf(realModel === null)('on the real one', { timeout: 3_600_000 }, async () => {
    const store = openModelStore(modelsFolder(realDataDir));
    const { model } = await openFetched(store, loadModelCatalogue()[0]!, { signal: new AbortController().signal });
    const [threads, tokens] = isLong
      ? [
          [2, 9, 10, 16],
          [33, 600, 1025, 1200, 2000],
        ]
      : [[10], [1100]];
    expect(await differences(model, threads, tokens)).toEqual([]);
  });
});

describe('the environment of ONNX Runtime', () => {
  const names = ['ORT_GQA_DISABLE_FLASH_ATTENTION', 'ORT_DISABLE_TELEMETRY'];

  it('reaches the C library of this process', () => {
    setRuntimeEnvironment();
    expect(names.map((name) => cEnvironment().get(name))).toEqual(['1', '1']);
  });

  it('reaches it from a worker too, whose own environment is a copy', async () => {
    for (const name of names) cEnvironment().set(name, '0');
    const module = new URL('../../../src/ml/ort/environment.ts', import.meta.url).href;
    const script = `import('tsx/esm/api').then(async ({ register }) => {
      register();
      const { setRuntimeEnvironment } = await import(${JSON.stringify(module)});
      process.env.${names[0]} = '1';
      setRuntimeEnvironment();
    })`;
    await new Promise((resolve, reject) =>
      new Worker(script, { eval: true }).once('exit', resolve).once('error', reject),
    );
    expect(names.map((name) => cEnvironment().get(name))).toEqual(['1', '1']);
  });
});
