import { randomStream } from '../../src/lib/random.ts';
import { DecoderSession } from '../../src/ml/train/decoder-session.ts';
import { fillBatch } from '../../src/ml/train/packing.ts';
import { median } from '../support/statistics.ts';

/** Our side of `npm run bench -- train`. The argument is its work, as JSON. */
const work = JSON.parse(process.argv[2] ?? '') as Record<
  'vocabulary' | 'hidden' | 'layers' | 'heads' | 'feedForward' | 'rows' | 'length' | 'warmup' | 'steps' | 'threads',
  number
>;
const { rows, length, warmup, steps, threads, vocabulary } = work;
const shape = { ...work, contextTokens: length, ropeBase: 10_000, normEpsilon: 1e-5 };
const optimiser = { beta1: 0.9, beta2: 0.98, clipNorm: 1, decay: 0.1 };
const random = randomStream(1);
let token = 0;
/** Each token is at most three behind the one before. */
const sequence = (): number[] =>
  Array.from({ length: length + 1 }, () => (token = (token + Math.floor(random() * 4)) % vocabulary));

using session = new DecoderSession({ shape, optimiser, dropout: 0, seed: 1, threads });
const times: number[] = [];
let loss = NaN;
let cpu = process.cpuUsage();
for (let step = 1; step <= warmup + steps; step++) {
  if (step === warmup + 1) cpu = process.cpuUsage();
  const start = performance.now();
  const batch = fillBatch(
    Array.from({ length: rows }, () => [sequence()]),
    length,
  );
  ({ loss } = await session.step(batch, step, 1e-3));
  if (step > warmup) times.push((performance.now() - start) / 1000);
}
const { user, system } = process.cpuUsage(cpu);
const tokensPerSecond = (rows * length) / median(times);
const tokensPerCpuSecond = (steps * rows * length) / ((user + system) / 1e6);
console.log(JSON.stringify({ tokensPerSecond, tokensPerCpuSecond, loss }));
