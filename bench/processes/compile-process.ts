import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ModelShape } from '../../src/ml/compile/compile.ts';
import { compileInto } from '../../src/ml/compile/compile-model.ts';
import type { GraphTarget } from '../../src/ml/compile/graph-target.ts';
import { openDecoder } from '../../src/ml/decoder/open-decoder.ts';

/** One step of the compile bench, in a process of its own: prints what it took as a line of JSON. */
const [step = '', source = '', work = '', weights = 'int8'] = process.argv.slice(2);
const before = process.memoryUsage.rss();
const folders = { temporary: join(work, 'temporary'), final: join(work, 'compiled') };
const figures: Record<string, number> = {};

async function timed<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
  const started = performance.now();
  const result = await task();
  figures[name] = (performance.now() - started) / 1000;
  return result;
}

if (step === 'compile') {
  const target = { device: 'cpu', weights: weights as GraphTarget['weights'] } as const;
  await timed('s', () => compileInto({ source, target, folders }, () => undefined));
} else {
  const shape = JSON.parse(await readFile(join(folders.final, 'shape.json'), 'utf8')) as ModelShape;
  const model = { graphPath: join(folders.final, 'decoder.onnx'), shape };
  const options = { model, threads: cpus().length, slots: 8, capacity: 512 };
  await using decoder = await timed('load_s', () => openDecoder(options));
  figures.after_load_mb = (process.memoryUsage.rss() - before) / 1e6;
  const prompt = Array.from({ length: 128 }, (_, i) => i + 5);
  await timed('prefill_s', () => decoder.prefill(0, prompt, 0));
  figures.prefill_tokens_per_s = prompt.length / (figures.prefill_s ?? NaN);
  for (const batch of [1, 8]) {
    for (let slot = 0; slot < batch; slot++) await decoder.prefill(slot, [5, 6, 7], 0);
    const steps = 10;
    await timed(`decode${batch}_s`, async () => {
      for (let position = 3; position < 3 + steps; position++) {
        await decoder.decode(Array.from({ length: batch }, (_, slot) => ({ slot, token: 7, position })));
      }
    });
    figures[`decode${batch}_tokens_per_s`] = (batch * steps) / (figures[`decode${batch}_s`] ?? NaN);
  }
}
figures.peak_mb = (process.resourceUsage().maxRSS * 1024 - before) / 1e6;
process.stdout.write(JSON.stringify(figures));
