import { expect, it } from 'vitest';
import { KeyedQueue } from '../../../src/lib/async/keyed-queue.ts';

it('work on one key runs one after the other, even if it fails, and work on another key beside it', async () => {
  const queue = new KeyedQueue<string>();
  const log: string[] = [];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const first = queue.run('a', async () => {
    log.push('first begins');
    await held;
    throw new Error('first fails');
  });
  const second = queue.run('a', () => Promise.resolve(log.push('second')));
  await queue.run('b', () => Promise.resolve(log.push('other key')));
  expect(log).toEqual(['first begins', 'other key']);
  release();
  await expect(first).rejects.toThrow('first fails');
  await second;
  expect(log).toEqual(['first begins', 'other key', 'second']);
});
