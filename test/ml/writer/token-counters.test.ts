import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { defaultSampling } from '../../../src/ml/engine.ts';
import { Sampler } from '../../../src/ml/sampling/sampler.ts';
import type { WriterJob } from '../../../src/ml/writer/protocol.ts';
import { PrefixCache } from '../../../src/ml/writer/scheduler/prefix-cache.ts';
import { Scheduler } from '../../../src/ml/writer/scheduler/scheduler.ts';
import { TokenCounters } from '../../../src/ml/writer/scheduler/token-counters.ts';
import { compiledDecoder } from '../../support/tiny/compiled-decoder.ts';

/** Writes drafts one at a time, and tells the listeners in the order in which their drafts began. */
async function orderOf(jobs: readonly { listener: number; tokens: number }[]): Promise<number[]> {
  const decoder = await compiledDecoder();
  const begun: number[] = [];
  let ended = 0;
  const scheduler: Scheduler = new Scheduler({
    ...{ decoder, clock: systemClock, prefixes: new PrefixCache(0) },
    sampler: new Sampler(decoder.shape.vocabulary, new Set()),
    vocabulary: { vocab: decoder.shape.vocabulary, bytesOf: () => Uint8Array.of(97), ends: new Set() },
    publish: (events) => {
      for (const { id, event } of events) {
        if (event.type === 'started') begun.push(jobs[id]!.listener);
        if (event.type === 'finished') ended++;
      }
      setImmediate(() => scheduler.taken());
    },
  });
  for (const [id, { listener, tokens }] of jobs.entries()) scheduler.write(jobOf(id, listener, tokens));
  await expect.poll(() => ended).toBe(jobs.length);
  await scheduler.close();
  return begun;
}

const jobOf = (id: number, listener: number, maxTokens: number): WriterJob => ({
  ...{
    id,
    listener,
    prompt: [1, 2, 3, 4],
    biases: [],
    verse: null,
    continued: '',
    tune: null,
    replay: [],
    format: null,
  },
  ...{ beginning: null, isScored: false },
  ...{ priority: 0, waitedMs: 0, sampling: { ...defaultSampling, maxTokens, seed: 1, stop: [] } },
});

it('[GEN29] [GEN10] one listener’s long drafts do not starve another’s short ones: both get as many tokens', async () => {
  const long = Array.from({ length: 3 }, () => ({ listener: 1, tokens: 38 }));
  const short = Array.from({ length: 10 }, () => ({ listener: 2, tokens: 8 }));
  const order = await orderOf([...long, ...short]);
  // A long draft costs 4 + 2 · 38 = 80, a short one 4 + 2 · 8 = 20.
  expect(order).toEqual([1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 2]);
});

it('[GEN29] who comes back is not owed for the time away, and keeps what was used beyond others', () => {
  const counters = new TokenCounters();
  counters.arrive(1, []);
  counters.read(1, 100);
  counters.arrive(2, [1]);
  expect(counters.of(2)).toBe(100);
  for (let token = 0; token < 50; token++) counters.wrote(2);
  expect(counters.of(2)).toBe(200);
  // Both leave, and the one who had more comes back after the other.
  counters.leave(2);
  counters.leave(1);
  counters.arrive(1, []);
  counters.arrive(2, [1]);
  expect([counters.of(1), counters.of(2)]).toEqual([100, 200]);
  // Somebody new begins where the one is who has least.
  counters.arrive(3, [1, 2]);
  expect(counters.of(3)).toBe(100);
});
