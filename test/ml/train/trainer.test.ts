import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uniformAt } from '../../../src/lib/random.ts';
import {
  lossCurve,
  trainDecoder,
  type TrainingData,
  type TrainingReport,
  type TrainingSettings,
} from '../../../src/ml/train.ts';
import { tinyShape } from '../../support/tiny/tiny-decoder.ts';

/** Sequences that count upwards by 1 or 2. */
const counting = (seed: number, count: number): number[][] =>
  Array.from({ length: count }, (_, i) => {
    const length = 6 + Math.floor(uniformAt(seed, i) * 20);
    let value = Math.floor(uniformAt(seed, 1000 + i) * 24);
    return Array.from({ length }, (_, j) => (value = (value + 1 + Math.floor(uniformAt(seed + i, j) * 2)) % 24));
  });
const data: TrainingData = {
  epoch: (number) => counting(number, 40),
  validation: counting(99, 20),
  identity: 'counting',
};
const settings: TrainingSettings = {
  shape: tinyShape,
  schedule: { steps: 40, warmup: 5, highest: 0.01, last: 0.02, fall: 0.5 },
  optimiser: { beta1: 0.9, beta2: 0.99, clipNorm: 1, decay: 0.1 },
  ...{ dropout: 0.1, positions: 128, patience: 10, seed: 3 },
};

describe('training a decoder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const train = (name: string, changes: Partial<TrainingSettings> = {}, options = {}) =>
    trainDecoder(data, { ...settings, ...changes }, { folder: join(folder, name), threads: 1, ...options });

  it('learns, and reports loss, speed and time left', async () => {
    const reports: TrainingReport[] = [];
    const { curve } = await train('whole', {}, { report: (report: TrainingReport) => reports.push(report) });
    expect(curve.length).toBeGreaterThan(2);
    expect(curve.at(-1)!.validation).toBeLessThan(0.7 * Math.log(24));
    expect(reports.at(-1)).toMatchObject({ step: 40, steps: 40, secondsLeft: 0 });
    expect(reports[5]!.tokensPerSecond).toBeGreaterThan(0);
  });

  it('[TRAIN2] ended at any step, it goes on to the same losses and parameters, bit for bit', async () => {
    const whole = await train('whole');
    for (const end of [1, 7, 23]) {
      const ending = new AbortController();
      const report = ({ step }: TrainingReport): void => {
        if (step === end) ending.abort(new Error('ended'));
      };
      await expect(train(`ended ${end}`, {}, { signal: ending.signal, report })).rejects.toThrow('ended');
      const resumed = await train(`ended ${end}`);
      expect(resumed.curve).toEqual(whole.curve);
      expect(resumed.parameters).toEqual(whole.parameters);
    }
  });

  it('[TRAIN2] killed between checkpoints, it repeats the steps since the last one', async () => {
    const whole = await train('whole');
    const report = ({ step }: TrainingReport): void => {
      if (step === 18) throw new Error('killed');
    };
    await expect(train('killed', {}, { checkpointEvery: 5, report })).rejects.toThrow('killed');
    expect(await readdir(join(folder, 'killed'))).toContain('checkpoint.safetensors');
    expect((await train('killed', {}, { checkpointEvery: 5 })).curve).toEqual(whole.curve);
  });

  it('refuses the checkpoint of another training', async () => {
    await train('one');
    await expect(train('one', { seed: 4 })).rejects.toThrow('other data or settings');
  });

  it('[TRAIN2] made shorter before the learning rate falls, it is the shorter training; later it is refused', async () => {
    const steps = (count: number) => ({ schedule: { ...settings.schedule, steps: count } });
    const short = await train('short', steps(24));
    const ending = new AbortController();
    const report = ({ step }: TrainingReport): void => {
      if (step === 12) ending.abort(new Error('ended'));
    };
    await expect(train('longer', steps(40), { signal: ending.signal, report })).rejects.toThrow('ended');
    expect((await train('longer', steps(24))).parameters).toEqual(short.parameters);
    await expect(train('longer', steps(40))).rejects.toThrow('cannot become one of 40');
  });

  it('ends when the validation loss no longer falls, and keeps the best parameters', async () => {
    const { curve } = await train('early', { patience: 1, schedule: { ...settings.schedule, highest: 3, steps: 400 } });
    expect(curve.at(-1)!.step).toBeLessThan(400);
    expect(curve.at(-1)!.validation).toBeGreaterThanOrEqual(Math.min(...curve.map(({ validation }) => validation)));
  });

  it('draws both losses', () => {
    const point = { step: 1, tokens: 10, loss: 2, validation: 2.5 };
    const svg = lossCurve([point, { step: 2, tokens: 20, loss: 1, validation: 1.5 }]);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg).not.toContain('NaN');
  });
});
