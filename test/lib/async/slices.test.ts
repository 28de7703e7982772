import { expect, it, vi } from 'vitest';
import { atOnce, inSlices, type Sliced } from '../../../src/lib/async/slices.ts';

function* steps(count: number, onStep: () => void = () => undefined): Sliced<string> {
  for (let i = 0; i < count; i++) {
    onStep();
    yield;
  }
  return 'done';
}

it('[INDEX1] everything else has its turn between slices of a few milliseconds', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  let [inARow, most, turns] = [0, 0, 0];
  const others = setInterval(() => undefined);
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    inARow = 0;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const oneMs = (): void => {
    now += 1;
    most = Math.max(most, ++inARow);
  };
  expect(await inSlices(steps(1_000, oneMs))).toBe('done');
  isOver = true;
  clearInterval(others);
  vi.restoreAllMocks();
  expect(most).toBeLessThanOrEqual(10);
  expect(turns).toBeGreaterThan(100);
});

it('ends with the reason of a signal that aborts, and at once where nobody else waits', async () => {
  const ending = new AbortController();
  const endless = function* (): Sliced<never> {
    for (;;) {
      ending.abort(new Error('over'));
      yield;
    }
  };
  await expect(inSlices(endless(), ending.signal)).rejects.toThrow('over');
  expect(atOnce(steps(3))).toBe('done');
});
