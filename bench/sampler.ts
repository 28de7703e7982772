import { availableParallelism } from 'node:os';
import { randomStream } from '../src/lib/random.ts';
import { defaultSampling } from '../src/ml/engine.ts';
import { sumOfDecays } from '../src/ml/sampling/decay.ts';
import { Sampler } from '../src/ml/sampling/sampler.ts';

const VOCAB = 49_152;
const ROWS = 16;
const ROUNDS = 60;

const defaults = { ...defaultSampling, seed: 1 };
const samplings = {
  default: defaults,
  greedy: { ...defaults, temperature: 0 },
  nucleus_of_all: { ...defaults, topK: 0 },
  all: { ...defaults, topK: 0, topP: 1 },
};

/**
 * Milliseconds per token and kind of sampling, over a vocabulary of 49,152 with logits that spread as a language model's
 * do (a standard deviation of 3.3); the kinds take turns, the figure is the median round.
 */
export function run(): Promise<Record<string, number>> {
  const sampler = new Sampler(VOCAB);
  const random = randomStream(1);
  const normalish = () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
  const rows = Array.from({ length: ROWS }, () => Float32Array.from({ length: VOCAB }, () => 3.3 * normalish()));
  const predictions = rows.map((logits) => ({ logits, peak: peakOf(logits) }));
  const history = Array.from({ length: 200 }, () => Math.floor(random() * VOCAB));
  const times = Object.entries(samplings).map(([name, sampling]) => ({ name, sampling, rounds: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { sampling, rounds } of times) {
      const start = performance.now();
      predictions.forEach((one, position) => sampler.sample(one, sampling, { history, position }));
      rounds.push((performance.now() - start) / ROWS);
    }
  }
  for (const { name, rounds } of times) console.log(`${name.padEnd(16)} ${median(rounds).toFixed(3)} ms a token`);
  console.log(`${availableParallelism()} cores; peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
  return Promise.resolve(Object.fromEntries(times.map(({ name, rounds }) => [`${name}_ms`, median(rounds)])));
}

/** As our graphs put it out beside the logits. */
const peakOf = (logits: Float32Array): number =>
  -Math.log(
    sumOfDecays(
      logits,
      logits.reduce((a, b) => Math.max(a, b)),
    ),
  );

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
