import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from '../../../src/lib/log.ts';
import * as exactness from '../../../src/ml/decoder/exactness.ts';
import { COLUMNS, DEPTH, isExact, type Multiply, sumsAreExact, weightAt } from '../../../src/ml/decoder/exactness.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { defaultSampling, type Engine, type Token } from '../../../src/ml/engine.ts';
import { timeOfIntegers } from '../../../src/ml/kernels/products-in-time.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { compileTiny, integers } from '../../support/models/graph-run.ts';
import { families, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';
import { TINY, tinyEngine, writeTinyCatalogue, writeTirelessCatalogue } from '../../support/tiny/tiny-engine.ts';

const isHere = sumsAreExact(1);

async function tokensOf(engine: Engine, seed: number): Promise<Token[]> {
  const sampling = { ...defaultSampling, temperature: 2, topK: 0, topP: 1, minP: 0, seed, maxTokens: 24 };
  const messages = [{ role: 'user' as const, content: 'The sea. '.repeat(seed + 1) }];
  const tokens: Token[] = [];
  for await (const event of engine.admit(TINY).generate({ messages, sampling }, new AbortController().signal))
    if (event.type === 'tokens') tokens.push(...event.tokens);
  return tokens;
}

/** An engine on integers, with what it logs. */
async function open(folder: string, catalogueFile: string, threads = 1) {
  const lines: string[] = [];
  const log = { ...silentLogger, info: (line: string) => void lines.push(line) };
  const engine = await tinyEngine(folder, { catalogueFile, kernels: 'integers', threads, prefixBytes: 0, log });
  return { engine, chosen: () => lines.filter((line) => line.startsWith('Products')) };
}

const compiledFolder = (folder: string) => join(folder, 'models', TINY, 'compiled');

/** The kept choices. */
async function choices(folder: string) {
  const kept = join(compiledFolder(folder), 'kernels-v5');
  const names = await readdir(kept).catch(() => []);
  return Promise.all(
    names.map(async (name) => ({
      path: join(kept, name),
      choice: await readFile(join(kept, name), 'utf8'),
    })),
  );
}

describe('sums of integers', () => {
  const sums =
    (add: (sum: number, first: number, second: number) => number): Multiply =>
    (bytes, rows) =>
      Array.from({ length: rows * COLUMNS }, (_, i) => {
        const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
        const product = (k: number) => bytes[row * DEPTH + k]! * weightAt(k * COLUMNS + column);
        let [sum, weights] = [0, 0];
        for (let k = 0; k < DEPTH; k += 2) {
          sum = add(sum, product(k), product(k + 1));
          weights += weightAt(k * COLUMNS + column) + weightAt((k + 1) * COLUMNS + column);
        }
        return sum - 128 * weights;
      });

  it('[KERNEL2] are recognised as exact, and as inexact where pairs of products saturate at 16 bits', () => {
    const saturated = (value: number) => Math.max(-32_768, Math.min(32_767, value));
    expect(isExact(sums((sum, first, second) => sum + first + second))).toBe(true);
    expect(isExact(sums((sum, first, second) => sum + saturated(first + second)))).toBe(false);
  });

  it('[KERNEL2] that are not exact on a processor are refused when the graph is opened there', async () => {
    const model = await compileTiny(
      await writeSafetensors(await temporaryFolder(), families.llama!.config),
      integers('unsmoothed'),
    );
    const probe = vi.spyOn(exactness, 'sumsAreExact').mockReturnValue(false);
    onTestFinished(() => probe.mockRestore());
    await expect(openDecoder({ model, threads: 1, slots: 1, capacity: 8 })).rejects.toThrow('not exact');
  });

  it('[KERNEL1] take a share of the time of blocks that is known', () => {
    expect(timeOfIntegers(128)).toBeGreaterThan(0);
  });
});

describe.skipIf(!isHere)('an engine on integers', () => {
  it('[KERNEL1] [GEN1] writes the same texts alone and together, on any threads, and from the choice that was kept', async () => {
    const folder = await temporaryFolder();
    const catalogue = await writeTirelessCatalogue(folder);
    const texts = async (threads: number, company: number) => {
      const { engine, chosen } = await open(folder, catalogue, threads);
      await using _engine = engine;
      const kernels = engine.models()[0]?.kernels;
      const written = await Promise.all(Array.from({ length: company }, (_, seed) => tokensOf(engine, seed)));
      return { written, kernels, chosen: chosen() };
    };
    const alone = await texts(1, 1);
    expect(alone.kernels).toBe('INTEGERS');
    expect(alone.chosen).toHaveLength(1);
    expect(alone.written[0]!.length).toBeGreaterThan(3);
    for (const [threads, company] of [
      [1, 3],
      [16, 1],
    ] as const) {
      const again = await texts(threads, company);
      expect(again.written[0]).toEqual(alone.written[0]);
      expect(again).toMatchObject({ kernels: 'INTEGERS', chosen: [] });
    }
    const kept = await choices(folder);
    expect(kept).toHaveLength(1);
    expect(kept[0]!.choice).toMatch(/"products": "(unsmoothed|all)"/);
  });

  it('[KERNEL1] chooses again on another processor, and when the graph is damaged', async () => {
    const folder = await temporaryFolder();
    const catalogue = await writeTinyCatalogue(folder);
    const startAgain = async () => {
      const { engine, chosen } = await open(folder, catalogue);
      await engine[Symbol.asyncDispose]();
      return chosen().length;
    };
    expect(await startAgain()).toBe(1);
    const { path } = (await choices(folder))[0]!;
    await rename(path, path.replace(/.{4}-integers/, 'aaaa-integers'));
    expect(await startAgain()).toBe(1);
    const names = (await readdir(compiledFolder(folder))).filter((name) => name.includes('integers'));
    await writeFile(join(compiledFolder(folder), names[0]!, 'decoder.onnx'), 'damaged');
    expect(await startAgain()).toBe(1);
    expect(await startAgain()).toBe(0);
  });
});

it('[KERNEL1] a model too small to gain by it stays in blocks, without a measurement', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'models'), { recursive: true });
  await using engine = await tinyEngine(folder, { kernels: 'auto' });
  expect(engine.models()[0]).toMatchObject({ id: TINY, kernels: 'BLOCKS' });
  expect(await choices(folder)).toEqual([]);
});
