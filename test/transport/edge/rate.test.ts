import { expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../../src/db/client.ts';
import { createRateStore } from '../../../src/db/queries/rate-limits.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { BoundedKeys } from '../../../src/transport/rates/bounded-keys.ts';
import { Rate } from '../../../src/transport/rates/rate.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const rateOf = (perMinute: number, store: ConstructorParameters<typeof Rate>[0]['store'] = null) =>
  new Rate({ name: 'test', perMinute, store, log: silentLogger });

/** How many are granted before one is refused; what is told in between has been answered by then. */
async function grantedBy(rate: Rate, told: () => Promise<unknown> = () => Promise.resolve()): Promise<number> {
  let granted = 0;
  while ((await rate.take('ann')) === null) {
    granted++;
    await told();
  }
  return granted;
}

it('[RATE4] while the database is unavailable a node grants half', async () => {
  const away = connect('postgres://nobody@127.0.0.1:1/nothing', { connections: 1 });
  onTestFinished(() => away[Symbol.asyncDispose]());
  const store = createRateStore(away);
  let answered = 0;
  const client = {
    query: (query: Parameters<typeof store.client.query>[0]) => store.client.query(query).finally(() => answered++),
  };
  const rate = rateOf(100, { ...store, client });
  let granted = 0;
  const told = async (): Promise<void> => {
    granted++;
    if (granted % 5 === 0) await expect.poll(() => answered).toBe(granted / 5);
  };
  const all = await grantedBy(rate, told);
  expect(all).toBeGreaterThanOrEqual(50);
  expect(all).toBeLessThanOrEqual(56);
});

it('[RATE4] counts without a statement for each', async () => {
  const statements: string[] = [];
  const database = await testDatabase({ onStatement: (text) => statements.push(text) });
  const rate = rateOf(1_000, createRateStore(database));
  for (let i = 0; i < 490; i++) expect(await rate.take('ann')).toBeNull();
  for (let i = 0; i < 300; i++) expect(await rate.take(`listener ${i}`)).toBeNull();
  await expect.poll(() => statements.length).toBe(9);
});

it('[RATE1] a refused request uses up nothing, and one above the whole limit counts as the whole limit', async () => {
  const rate = rateOf(10);
  expect(await rate.take('ann', 8)).toBeNull();
  for (let i = 0; i < 3; i++) expect(await rate.take('ann', 3)).toBeGreaterThan(59_000);
  expect(await rate.take('ann', 2)).toBeNull();
  expect(await rate.take('bob', 1_000)).toBeNull();
  expect(await rate.take('bob')).toBeGreaterThan(0);
});

it('[RATE7] the number of counts is bounded for any number of keys, and known keys keep their own', () => {
  const keys = new BoundedKeys(60_000);
  expect(keys.of('ann', 0)).toBe('ann');
  const counted = new Set(Array.from({ length: 100_000 }, (_, i) => keys.of(`stranger ${i}`, 1)));
  expect(counted.size).toBeLessThanOrEqual(20_000 + 1_024);
  expect(keys.of('ann', 59_999)).toBe('ann');
  expect(keys.of('late', 59_999)).toMatch(/^shared \d+$/);
  expect(keys.of('late', 59_999)).toBe(keys.of('late', 59_999));
  expect(keys.of('late', 60_002)).toBe('late');
});

it('[RATE1] whoever comes again after retryAfterMs is served, and not before', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const rate = rateOf(3);
  expect(await grantedBy(rate)).toBe(3);
  vi.advanceTimersByTime(20_000);
  const wait = (await rate.take('ann')) ?? 0;
  expect(wait).toBe(40_000);
  vi.advanceTimersByTime(wait - 1);
  expect(await rate.take('ann')).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await grantedBy(rate)).toBe(3);
});
