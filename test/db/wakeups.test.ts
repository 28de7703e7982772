import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import type { Wakeups } from '../../src/lib/async/wakeups.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { testDatabase } from '../support/postgres/database.ts';

/** What a process of its own would have: its own pool and its own listening connection. */
async function joinProcess(url: string): Promise<Wakeups> {
  const database = connect(url, { connections: 2 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const wakeups = await openWakeups(database, silentLogger);
  onTestFinished(() => wakeups[Symbol.asyncDispose]());
  return wakeups;
}

/** A watcher whose first wake-up, the one at the start, has been taken. */
async function watching(wakeups: Wakeups, key: string): Promise<AsyncIterableIterator<void>> {
  const watcher = wakeups.watch(key);
  onTestFinished(() => void watcher.return?.());
  await watcher.next();
  return watcher;
}

test('[WAKE3] a wake-up reaches watchers of its key in this process and in the others', async () => {
  const { url } = await testDatabase();
  const here = await joinProcess(url);
  const there = await joinProcess(url);
  const watchers = await Promise.all([watching(here, 'draft:1'), watching(there, 'draft:1')]);
  here.wake('draft:1');
  expect(await Promise.all(watchers.map((watcher) => watcher.next()))).toEqual([
    { done: false, value: undefined },
    { done: false, value: undefined },
  ]);
});

test('[WAKE3] a wake-up of one key does not wake watchers of another, and its own process is woken once', async () => {
  const { url } = await testDatabase();
  const here = await joinProcess(url);
  const there = await joinProcess(url);
  const mine = await watching(here, 'draft:1');
  const other = await watching(there, 'draft:2');
  const marker = await watching(there, 'marker');
  const back = await watching(here, 'back');
  let heard = 0;
  const counting = (async () => {
    for await (const _ of mine) heard++;
  })();
  const otherWoken = other.next().then(({ done }) => done !== true);
  here.wake('draft:1');
  here.wake('marker');
  // Notifications come in order: when the answer to the marker is there, a stray or an echo of the first would be too.
  await marker.next();
  there.wake('back');
  await back.next();
  await other.return?.();
  await mine.return?.();
  await counting;
  expect(heard).toBe(1);
  expect(await otherWoken).toBe(false);
});

test('[WAKE3] keys may hold any character', async () => {
  const { url } = await testDatabase();
  const [here, there] = [await joinProcess(url), await joinProcess(url)];
  const key = `listener: 'é' "曲" \\ %s ${'x'.repeat(500)}`;
  const watcher = await watching(there, key);
  here.wake(key);
  expect(await watcher.next()).toEqual({ done: false, value: undefined });
});

test('[WAKE3] what is no wake-up is passed over, and those after it are heard', async () => {
  const { url, sql } = await testDatabase();
  const [here, there] = [await joinProcess(url), await joinProcess(url)];
  const watcher = await watching(there, 'draft:1');
  for (const payload of ['no JSON', '{}', '[]', '[7]']) await sql`select pg_notify('cadenza_wakeups', ${payload})`;
  here.wake('draft:1');
  expect(await watcher.next()).toEqual({ done: false, value: undefined });
});

test('[WAKE3] a thousand wake-ups at once all arrive', async () => {
  const { url } = await testDatabase();
  const [here, there] = [await joinProcess(url), await joinProcess(url)];
  const keys = Array.from({ length: 1000 }, (_, index) => `key:${index}`);
  const watchers = await Promise.all(keys.map((key) => watching(there, key)));
  for (const key of keys) here.wake(key);
  const woken = await Promise.all(watchers.map((watcher) => watcher.next()));
  expect(woken.every(({ done }) => done === false)).toBe(true);
});

test('[WAKE3] after lost connections everybody is woken, and wake-ups from meanwhile are sent', async () => {
  const database = await testDatabase();
  const here = await joinProcess(database.url);
  const there = await joinProcess(database.url);
  const missed = await watching(there, 'whatever');
  const later = await watching(there, 'draft:1');
  await database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  here.wake('draft:1');
  expect((await missed.next()).done).toBe(false);
  await later.next();
  here.wake('draft:1');
  expect((await later.next()).done).toBe(false);
});

test('[WAKE3] a thousand keys woken at once reach their watchers, in few messages', async () => {
  const { url, sql } = await testDatabase();
  const here = await joinProcess(url);
  const there = await joinProcess(url);
  const keys = Array.from({ length: 1_000 }, (_, n) => `draft:${n.toString().padStart(36, '0')}`);
  const watchers = await Promise.all(keys.map((key) => watching(there, key)));
  let messages = 0;
  await sql.listen('cadenza_wakeups', () => messages++);
  for (const key of keys) here.wake(key);
  const woken = await Promise.all(watchers.map((watcher) => watcher.next()));
  expect(woken.every(({ done }) => done === false)).toBe(true);
  expect(messages).toBeLessThan(20);
});
