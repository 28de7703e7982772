import { expect, it } from 'vitest';
import { Batcher } from '../../../src/lib/async/batcher.ts';

/** Commits by hand: each waits until the test lets it go. */
function manual(most?: number) {
  const groups: number[][] = [];
  const releases: ((failure?: Error) => void)[] = [];
  const commits = new Batcher<number, number>((requests) => {
    groups.push([...requests]);
    return new Promise((resolve, reject) => {
      releases.push((failure) => (failure ? reject(failure) : resolve(requests.map((n) => n * 10))));
    });
  }, most);
  const turn = () => new Promise(setImmediate);
  return { commits, groups, releases, turn };
}

it('requests of one turn of the event loop are committed together, and those that arrive meanwhile in the next commit', async () => {
  const { commits, groups, releases, turn } = manual();
  const first = [commits.submit(1), commits.submit(2)];
  await turn();
  const second = [commits.submit(3), commits.submit(4)];
  await turn();
  expect(groups).toEqual([[1, 2]]);
  releases[0]?.();
  expect(await Promise.all(first)).toEqual([10, 20]);
  expect(groups).toEqual([
    [1, 2],
    [3, 4],
  ]);
  releases[1]?.();
  expect(await Promise.all(second)).toEqual([30, 40]);
});

it('a failure affects only its own group', async () => {
  const { commits, releases, turn } = manual(2);
  const submitted = [1, 2, 3].map((n) => commits.submit(n).catch((error: unknown) => (error as Error).message));
  await turn();
  releases[0]?.(new Error('lost'));
  await turn();
  releases[1]?.();
  expect(await Promise.all(submitted)).toEqual(['lost', 'lost', 30]);
});
