import { expect, test } from 'vitest';
import { retry } from '../../../src/lib/async/retry.ts';
import { VirtualTime } from '../../support/time/virtual-time.ts';

const backoff = { firstMs: 100, longestMs: 1_000 };

/** Fails so often and then succeeds, on virtual time; remembers when each attempt took place. */
function failing(times: number) {
  const time = new VirtualTime();
  const closing = new AbortController();
  const attemptedAt: number[] = [];
  const failures: [unknown, number][] = [];
  const attempt = (): Promise<string> => {
    attemptedAt.push(time.now);
    const nth = attemptedAt.length;
    return nth > times ? Promise.resolve('made') : Promise.reject(new Error(`failure ${nth}`));
  };
  const options = {
    ...{ backoff, signal: closing.signal, sleep: time.sleeper(() => true) },
    onFailure: (error: unknown, waitMs: number) => void failures.push([error, waitMs]),
  };
  return { time, closing, attempt, options, attemptedAt, failures };
}

test('attempts follow one another after waits that double up to the longest, until one succeeds', async () => {
  const { time, attempt, options, attemptedAt, failures } = failing(6);
  let result: string | null = null;
  void retry(attempt, options).then((value) => (result = value));
  await time.runUntil(() => result !== null, 60_000);
  expect(result).toBe('made');
  expect(attemptedAt).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500]);
  expect(failures.map(([, waitMs]) => waitMs)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(failures[1]?.[0]).toEqual(new Error('failure 2'));
});

test('waits stay at the longest however often an attempt has failed', async () => {
  const { time, attempt, options, failures } = failing(2_000);
  let isMade = false;
  void retry(attempt, options).then(() => (isMade = true));
  await time.runUntil(() => isMade, 3_000_000);
  expect(failures.at(-1)?.[1]).toBe(1_000);
});

test('an exception from onFailure ends the retrying', async () => {
  const { attempt, options, attemptedAt } = failing(Infinity);
  const onFailure = (error: unknown): never => {
    throw error;
  };
  await expect(retry(attempt, { ...options, onFailure })).rejects.toThrow('failure 1');
  expect(attemptedAt).toEqual([0]);
});

test('an abort ends the wait, and no failure is reported after it', async () => {
  const { closing, attempt, options, attemptedAt, failures } = failing(Infinity);
  const retrying = retry(attempt, options);
  await new Promise(setImmediate);
  closing.abort(new Error('closed'));
  await expect(retrying).rejects.toThrow('closed');
  await expect(retry(attempt, options)).rejects.toThrow('closed');
  expect({ attempts: attemptedAt.length, failures: failures.length }).toEqual({ attempts: 2, failures: 1 });
});

test('an attempt that succeeds after the abort counts', async () => {
  const { closing, attempt, options } = failing(0);
  closing.abort();
  expect(await retry(attempt, options)).toBe('made');
});
