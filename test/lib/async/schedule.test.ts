import { expect, test } from 'vitest';
import { acquiring, Disposal } from '../../../src/lib/async/disposal.ts';
import { repeat } from '../../../src/lib/async/schedule.ts';

const unexpected = (error: unknown): never => {
  throw error;
};

test('a repeated task runs at once and again, one run at a time, through failures, until it is disposed', async () => {
  const failures: unknown[] = [];
  let [runs, overlaps, under] = [0, 0, 0];
  let reached = (): void => undefined;
  const third = new Promise<void>((resolve) => (reached = resolve));
  const task = async (): Promise<void> => {
    if (under++ > 0) overlaps++;
    await Promise.resolve();
    under--;
    if (++runs === 3) reached();
    if (runs === 1) throw new Error('the first');
  };
  const repeated = repeat(0, task, (error) => failures.push(error));
  await third;
  await repeated[Symbol.asyncDispose]();
  const atEnd = runs;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect({ runs, overlaps }).toEqual({ runs: atEnd, overlaps: 0 });
  expect(failures).toEqual([new Error('the first')]);
});

test('disposing a repeated task waits for the current run', async () => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let disposed = false;
  const repeated = repeat(1000, () => finished, unexpected);
  const disposal = repeated[Symbol.asyncDispose]().then(() => (disposed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(disposed).toBe(false);
  finish();
  await disposal;
});

test('a disposal releases last first, all of them, and throws the first failure', async () => {
  const order: number[] = [];
  const disposal = new Disposal();
  for (const number of [1, 2, 3]) {
    disposal.defer(() => {
      order.push(number);
      if (number > 1) throw new Error(`release ${number}`);
    });
  }
  await expect(disposal[Symbol.asyncDispose]()).rejects.toThrow('release 3');
  expect(order).toEqual([3, 2, 1]);
  await disposal[Symbol.asyncDispose]();
  expect(order).toEqual([3, 2, 1]);
});

test('a failed construction releases what it had acquired', async () => {
  const order: string[] = [];
  const failing = acquiring(async (disposal) => {
    disposal.defer(() => order.push('released'));
    await Promise.resolve();
    throw new Error('the second part failed');
  });
  await expect(failing).rejects.toThrow('the second part failed');
  expect(order).toEqual(['released']);
});
