import { expect, it } from 'vitest';
import { stepLogger } from '../../../src/ml/models/step-logger.ts';

/** What is logged of these shares, one after each of these waits in milliseconds. */
function logged(shares: readonly number[], waitMs: number): string[] {
  const lines: string[] = [];
  let now = 0;
  const report = stepLogger({ info: (line: unknown) => lines.push(String(line)) }, 'fetched', { monotonic: () => now });
  for (const share of shares) {
    now += waitMs;
    report(share);
  }
  return lines;
}

const hundredths = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);

it('[MODEL8] logs a progress that takes a moment once, and a slow one at each 5 %', () => {
  expect(logged(hundredths, 1)).toEqual(['fetched 100 %']);
  expect(logged(hundredths, 60_000)).toHaveLength(20);
  expect(logged(hundredths, 100)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((n) => `fetched ${n} %`));
});
