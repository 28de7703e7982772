import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/fuzz.ts';

it('[MODEL2] damaged model files load or are typed errors: no crash, no hang, no memory growth', async () => {
  const { tally, findings } = await fuzz({ seed: 7, cases: 300 });
  expect(findings).toEqual([]);
  expect(tally.ModelFileError).toBeGreaterThan(100);
  expect(tally.loaded).toBeGreaterThan(20);
});
