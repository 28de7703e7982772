import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { defaultSampling } from '../../../src/ml/engine.ts';
import { Sampler } from '../../../src/ml/sampling/sampler.ts';
import { EventQueue } from '../../../src/ml/writer/event-queue.ts';
import type { ThreadEvent } from '../../../src/ml/writer/protocol.ts';
import { PrefixCache } from '../../../src/ml/writer/scheduler/prefix-cache.ts';
import { Scheduler } from '../../../src/ml/writer/scheduler/scheduler.ts';
import { compiledDecoder } from '../../support/tiny/compiled-decoder.ts';

const MAX_TOKENS = 5;

/** Whatever was ready to run has run. */
const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
};

it('[GEN17] the scheduler is at most one step ahead of the reader of its events', async () => {
  const decoder = await compiledDecoder();
  const runs: (() => void)[] = [];
  let run = 0;
  const counted = async <Result>(result: Promise<Result>): Promise<Result> => {
    await result;
    run++;
    runs.shift()?.();
    return result;
  };
  const nextRun = () => new Promise<void>((resolve) => runs.push(resolve));
  const published: ThreadEvent[] = [];
  const scheduler = new Scheduler({
    decoder: {
      ...{
        shape: decoder.shape,
        slots: decoder.slots,
        capacity: decoder.capacity,
        bytesPerToken: decoder.bytesPerToken,
      },
      prefill: (...args) => counted(decoder.prefill(...args)),
      decode: (...args) => counted(decoder.decode(...args)),
      copy: (...args) => decoder.copy(...args),
      save: (...args) => decoder.save(...args),
      restore: (...args) => decoder.restore(...args),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    sampler: new Sampler(decoder.shape.vocabulary, new Set()),
    vocabulary: { vocab: decoder.shape.vocabulary, bytesOf: () => Uint8Array.of(97), ends: new Set() },
    prefixes: new PrefixCache(0),
    clock: systemClock,
    publish: (events) => void published.push(...events.map(({ event }) => event)),
  });
  const first = nextRun();
  scheduler.write({
    ...{
      id: 1,
      prompt: [1, 2, 3, 4],
      biases: [],
      verse: null,
      continued: '',
      tune: null,
      format: null,
      beginning: null,
      isScored: false,
      replay: [],
      listener: null,
      priority: 0,
      waitedMs: 0,
    },
    sampling: { ...defaultSampling, maxTokens: MAX_TOKENS, seed: 1, stop: [] },
  });
  await first;
  for (let step = 2; !published.some(({ type }) => type === 'finished'); step++) {
    if (step <= MAX_TOKENS) while (run < step) await nextRun();
    await settled();
    const before = published.length;
    expect(run).toBeLessThanOrEqual(step);
    await settled();
    expect(published).toHaveLength(before);
    scheduler.taken();
    await settled();
    expect(published.length).toBeGreaterThan(before);
  }
  await scheduler.close();
});

it('[GEN17] tokens that wait for a slow reader are joined into one event', async () => {
  const queue = new EventQueue(() => undefined);
  const token = (id: number, text: string) => ({ id, text, logprob: -1, alternatives: [] });
  for (const [id, text] of ['a', 'b', 'c'].entries()) queue.push({ type: 'tokens', text, tokens: [token(id, text)] });
  expect(await queue.next()).toMatchObject({
    value: { type: 'tokens', text: 'abc', tokens: [{ id: 0 }, { id: 1 }, { id: 2 }] },
  });
});
