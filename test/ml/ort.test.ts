import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledModel, compileModel } from '../../src/ml/compile/compile.ts';
import { type Prediction } from '../../src/ml/decoder/decoder.ts';
import { openDecoder } from '../../src/ml/decoder/open-decoder.ts';
import { OrtError } from '../../src/ml/ort/library.ts';
import { Binding, Session } from '../../src/ml/ort/session.ts';
import { Tensor } from '../../src/ml/ort/tensor.ts';
import { kept } from '../support/tiny/predictions.ts';
import { writeTinyGguf } from '../support/tiny/tiny-gguf.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const threads = 1;

describe('binding', () => {
  let folder: string;
  let model: CompiledModel;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
    await writeTinyGguf(join(folder, 'tiny.gguf'));
    model = await compileModel({
      source: join(folder, 'tiny.gguf'),
      digest: 'd'.repeat(64),
      directory: join(folder, 'compiled'),
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('survives garbage collections between and during sessions', async () => {
    const predictions: Prediction[] = [];
    for (let round = 0; round < 12; round++) {
      await using decoder = await openDecoder({
        model,
        threads: 1 + (round % 2),
        slots: 1 + (round % 3),
        capacity: 64,
      });
      collectGarbage();
      const running = decoder.prefill(0, [5, 6, 7, 8, 9], 0);
      collectGarbage();
      predictions.push(kept(await running));
    }
    for (const other of predictions) expect(other).toEqual(predictions[0]);
  });

  it('[GEN16] [GEN24] an unwritten cache uses no memory, however often a model is opened', async () => {
    // 4 parts of 24 MB: what glibc would take from its own heap from the second time on, and clear.
    const open = () => openDecoder({ model, threads, slots: 370, capacity: 512 });
    const close = async (decoder: Awaited<ReturnType<typeof open>>) => {
      await decoder[Symbol.asyncDispose]();
      collectGarbage();
    };
    await close(await open());
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 4; round++) {
      const decoder = await open();
      expect(process.memoryUsage.rss() - before).toBeLessThan(40 * 2 ** 20);
      await close(decoder);
    }
  });

  it('opens, runs and closes several sessions at once', async () => {
    const opened = await Promise.all([1, 2, 3, 4].map((slots) => openDecoder({ model, threads, slots, capacity: 64 })));
    const prefills = opened.map((decoder) => decoder.prefill(0, [5, 6, 7], 0));
    // Disposed of while they run: closing waits.
    const closed = Promise.all(opened.map((decoder) => decoder[Symbol.asyncDispose]()));
    const [first, ...others] = await Promise.all(prefills);
    for (const other of others) expect(other).toEqual(first);
    await closed;
  });

  it('runs native code on stacks as large as an ordinary thread’s', async () => {
    using session = await Session.open(model.graphPath, { threads });
    expect(session.handle).toBeTruthy();
    expect(koffi.config()).toMatchObject({ sync_stack_size: 8 << 20, async_stack_size: 8 << 20 });
  });

  it('refuses disposed objects, a concurrent run, and a shape that does not fit the data', async () => {
    const session = await Session.open(model.graphPath, { threads });
    using ids = new Tensor(new BigInt64Array(2), [1, 2]);
    const binding = new Binding(session, { input_ids: ids }, {});
    const first = binding.run();
    await expect(binding.run()).rejects.toThrow('a run is in progress');
    // The graph has more inputs than that.
    await expect(first).rejects.toThrow(OrtError);
    binding[Symbol.dispose]();
    binding[Symbol.dispose]();
    await expect(binding.run()).rejects.toThrow('disposed');
    session[Symbol.dispose]();
    expect(() => session.handle).toThrow('disposed');
    expect(() => new Tensor(new Float32Array(5), [2, 3])).toThrow('needs 6 elements');
  });
});
