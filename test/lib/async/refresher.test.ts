import { expect, it, onTestFinished } from 'vitest';
import { Refresher } from '../../../src/lib/async/refresher.ts';
import { eventually } from '../../support/time/eventually.ts';

function startRefresher() {
  const runs: { settle: () => void; fail: (error: Error) => void }[] = [];
  const failures: unknown[] = [];
  const refresher = new Refresher(
    () => new Promise((settle, fail) => runs.push({ settle, fail })),
    (error) => failures.push(error),
  );
  onTestFinished(() => refresher[Symbol.asyncDispose]());
  return { refresher, runs, failures };
}

it('gives all who ask during a run one that begins afterwards', async () => {
  const { refresher, runs } = startRefresher();
  const first = refresher.run();
  const later = [refresher.run(), refresher.run()];
  refresher.want();
  expect(runs).toHaveLength(1);
  runs[0]!.settle();
  await first;
  await eventually(() => expect(runs).toHaveLength(2));
  runs[1]!.settle();
  await Promise.all(later);
  expect(runs).toHaveLength(2);
});

it('tells of a failure, and tries again', async () => {
  const { refresher, runs, failures } = startRefresher();
  const asked = refresher.run();
  const failure = new Error('away');
  runs[0]!.fail(failure);
  await expect(asked).rejects.toBe(failure);
  expect(failures).toEqual([failure]);
  await eventually(() => expect(runs).toHaveLength(2));
  runs[1]!.settle();
});

it('ends with the run under way, and refuses who comes afterwards', async () => {
  const { refresher, runs } = startRefresher();
  const [first, second] = [refresher.run(), refresher.run()];
  const refused = expect(second).rejects.toThrow();
  const ended = refresher[Symbol.asyncDispose]();
  runs[0]!.settle();
  await Promise.all([first, refused, ended]);
  expect(runs).toHaveLength(1);
  await expect(refresher.run()).rejects.toThrow();
});
