import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileModel, type GraphTarget, ModelFileError } from '../../../src/ml/compile/compile.ts';
import { type Decoder, type Prediction } from '../../../src/ml/decoder/decoder.ts';
import { sumsAreExact } from '../../../src/ml/decoder/exactness.ts';
import { type DecoderOptions, openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { compileTiny, integers } from '../../support/models/graph-run.ts';
import { kept } from '../../support/tiny/predictions.ts';
import { families, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';
import { type ExportOptions, writeExport } from '../../support/tiny/tiny-export.ts';

const { config } = families.llama!;
const ids = families.llama!.cases[2]!.ids;

type Model = DecoderOptions['model'];

const compiled =
  (target: GraphTarget, family = 'llama') =>
  async () =>
    compileTiny(await writeSafetensors(await temporaryFolder(), families[family]!.config), target);
const exported = (options: ExportOptions) => async () =>
  compileTiny(await writeExport(await temporaryFolder(), config, options));

/** Families that differ in how they attend or normalise. The windows of those that have one are shorter than the texts. */
const others = ['mistral', 'phi3-longrope', 'granite', 'olmo2', 'stablelm', 'gemma2', 'gemma3'];

/** Opened only where their sums are exact. */
const ofIntegers: [string, () => Promise<Model>, number][] = sumsAreExact(1)
  ? [
      ['a graph of ours of integers', compiled(integers('unsmoothed')), 0.03],
      ['a graph of ours of integers of 15 bits', compiled(integers('all')), 0.03],
    ]
  : [];

const models: [string, () => Promise<Model>, number, string?][] = [
  ['a graph of ours in 8 bits', compiled({ device: 'cpu', weights: 'int8' }), 0.03],
  ...ofIntegers,
  ['a graph of ours in 4 bits', compiled({ device: 'cpu', weights: 'int4' }), 0.2],
  ['a graph of ours in fp32', compiled({ device: 'cpu', weights: 'float' }), 1e-5],
  ['a graph of ours for CUDA, with its cache in 16 bits', compiled({ device: 'cuda', weights: 'float' }), 0.003],
  ['an export', exported({}), 1e-5],
  [
    'an export that is told positions, its weights in a file of their own',
    exported({ positionIds: true, file: 'model.onnx', external: true }),
    1e-5,
  ],
  ...others.map((family): [string, () => Promise<Model>, number, string] => [
    `a graph of ours of ${family}`,
    compiled({ device: 'cpu', weights: 'int8' }, family),
    0.03,
    family,
  ]),
];

describe.each(models)('%s', (_, make, bound, family = 'llama') => {
  const openOne = async (): Promise<Decoder> => {
    const decoder = await openDecoder({ model: await make(), threads: 1, slots: 4, capacity: 256 });
    onTestFinished(() => decoder[Symbol.asyncDispose]());
    return decoder;
  };

  it('[MODEL9] [MODEL11] [MODEL18] computes the logits that transformers computes, in one run and token by token', async () => {
    const decoder = await openOne();
    for (const { ids, logits } of families[family]!.cases) {
      const spread = Math.max(...logits) - Math.min(...logits);
      const differenceOf = (found: Float32Array) =>
        Math.max(...logits.map((value, i) => Math.abs(value - (found[i] ?? NaN)))) / spread;
      if (ids.length > 1) expect(differenceOf((await decoder.prefill(0, ids, 0)).logits)).toBeLessThan(bound);
      let single: Prediction = { logits: new Float32Array(), peak: null };
      for (const [position, token] of ids.entries())
        [single = single] = await decoder.decode([{ slot: 1, token, position }]);
      expect(differenceOf(single.logits)).toBeLessThan(bound);
    }
  });

  it('[GEN2] prefill gives the same bits whole, in pieces and in any slot', async () => {
    const decoder = await openOne();
    const whole = kept(await decoder.prefill(0, ids, 0));
    await decoder.prefill(3, ids.slice(0, 17), 0);
    expect(await decoder.prefill(3, ids.slice(17), 17)).toEqual(whole);
  });

  it('[GEN2] a row gives the same bits alone and beside rows of other lengths', async () => {
    const decoder = await openOne();
    const lengths = [5, 33, 12, 50];
    const alone: Prediction[] = [];
    for (const [slot, length] of lengths.entries()) {
      await decoder.prefill(slot, ids.slice(0, length), 0);
      const [prediction] = await decoder.decode([{ slot, token: 7, position: length }]);
      alone.push(kept(prediction!));
    }
    const rows = [3, 0, 1, 2].map((slot) => ({ slot, token: 7, position: lengths[slot]! }));
    const together = await decoder.decode(rows);
    rows.forEach(({ slot }, i) => expect(together[i]).toEqual(alone[slot]));
  });

  it('[GEN2] continues from a copied or restored beginning as from one that it computed', async () => {
    const decoder = await openOne();
    await decoder.prefill(0, ids.slice(0, 40), 0);
    const row = { token: 7, position: 30 };
    await decoder.prefill(1, ids.slice(0, 30), 0);
    const expected = kept((await decoder.decode([{ slot: 1, ...row }]))[0]!);
    decoder.copy(0, 2, 30);
    decoder.restore(decoder.save(0, 35), 3, 30);
    for (const slot of [0, 2, 3]) expect((await decoder.decode([{ slot, ...row }]))[0]).toEqual(expected);
  });

  it('ends a run when the signal aborts and works afterwards', async () => {
    const decoder = await openOne();
    const before = kept(await decoder.prefill(0, ids.slice(0, 30), 0));
    const abort = new AbortController();
    const running = decoder.prefill(1, ids, 0, abort.signal);
    abort.abort(new Error('no longer wanted'));
    await expect(running).rejects.toThrow('no longer wanted');
    expect(await decoder.prefill(1, ids.slice(0, 30), 0)).toEqual(before);
  });

  it('refuses what does not fit', async () => {
    const decoder = await openOne();
    await expect(decoder.prefill(0, [...ids, ...ids, ...ids], 0)).rejects.toThrow(RangeError);
    await expect(decoder.prefill(4, [1, 2], 0)).rejects.toThrow(RangeError);
    await expect(decoder.decode([{ slot: 0, token: 1, position: 256 }])).rejects.toThrow(RangeError);
  });
});

describe('[MODEL11] an export', () => {
  it('stays where it is, and only its description is written', async () => {
    const source = await writeExport(await temporaryFolder(), config);
    const options = { source, digest: 'd'.repeat(64), directory: join(source, 'compiled') };
    const { graphPath, shape, weightBytes } = await compileModel(options);
    expect(graphPath).toBe(join(source, 'onnx', 'model.onnx'));
    expect(shape).toMatchObject({ vocabulary: 263, layers: 2, kvHeads: 2, headDim: 16, contextTokens: 512 });
    expect(weightBytes).toBe((await readFile(graphPath)).length);
  });

  it.each<[string, ExportOptions | ((folder: string) => Promise<void>), RegExp]>([
    ['a configuration without a context', { changes: { max_position_embeddings: undefined } }, /usable contextTokens/],
    ['a graph that is cut off', (folder) => cut(folder, 0.5), /truncated or corrupt/],
    ['an empty graph', (folder) => writeFile(join(folder, 'onnx', 'model.onnx'), ''), /contains no ONNX graph/],
    ['a graph of another layout', (folder) => rename(folder, 'attention_mask', 'attention_musk'), /attention_musk/],
    [
      'a graph without a present',
      (folder) => rename(folder, 'present.1.value', 'present.1.valve'),
      /no present.1.value/,
    ],
  ])('[MODEL2] is refused: %s', async (_, damage, reason) => {
    const folder = await temporaryFolder();
    await writeExport(folder, config, typeof damage === 'object' ? damage : {});
    if (typeof damage === 'function') await damage(folder);
    const compiling = compileModel({ source: folder, digest: 'd'.repeat(64), directory: join(folder, 'compiled') });
    await expect(compiling).rejects.toThrow(ModelFileError);
    await expect(compiling).rejects.toThrow(reason);
  });
});

async function cut(folder: string, share: number): Promise<void> {
  const path = join(folder, 'onnx', 'model.onnx');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length * share));
}

/** Names of the same length, so that the structure stays. */
async function rename(folder: string, from: string, to: string): Promise<void> {
  const path = join(folder, 'onnx', 'model.onnx');
  const text = (await readFile(path)).toString('latin1');
  await writeFile(path, Buffer.from(text.replaceAll(from, to), 'latin1'));
}
