import { expect, inject, onTestFinished, test } from 'vitest';
import { openProxy, type Proxy } from '../../bench/storm/proxy.ts';
import { connect, type Database, type DatabaseOptions } from '../../src/db/client.ts';
import { insertDrafts } from '../../src/db/drafts/draft-inserts.ts';
import { explainFailure } from '../../src/db/failures.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { storedEvent } from '../../src/drafts/log/stored.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ServiceUnavailableError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { firstEvents, newDraft } from '../support/drafts/new-draft.ts';
import { testDatabase } from '../support/postgres/database.ts';

/** The tests' database over a network of the test's own. */
async function behindProxy(
  options: DatabaseOptions = {},
): Promise<{ database: Database; direct: Database; network: Proxy }> {
  const direct = await testDatabase();
  const url = new URL(direct.url);
  const network = await openProxy(Number(new URL(inject('postgres')).port));
  onTestFinished(() => network[Symbol.asyncDispose]());
  url.port = String(network.port);
  const database = connect(url.href, { connections: 3, watch: silentLogger, ...options });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return { database, direct, network };
}

const failureOf = (call: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(call).then(
    () => null,
    (error: unknown) => explainFailure(error),
  );

async function untilAnswers({ sql }: Database): Promise<void> {
  while ((await failureOf(sql`select 1`)) !== null);
}

test('[DB8] calls in progress when a database falls silent fail, and so does every call until it answers', async () => {
  const { database, network } = await behindProxy();
  await untilAnswers(database);
  const manyFailures = () => Promise.all(Array.from({ length: 500 }, () => failureOf(database.sql`select 1`)));
  const unavailable = Array.from({ length: 500 }, () => expect.any(ServiceUnavailableError) as unknown);
  let calls: Promise<unknown[]> | undefined;
  const transaction = database.sql.begin(async (tx) => {
    await tx`select 1`;
    network.stall();
    // Not before: a call that is answered in time is no failure.
    calls = manyFailures();
    await tx`select 2`;
  });
  expect(await failureOf(transaction)).toBeInstanceOf(ServiceUnavailableError);
  expect(await calls).toEqual(unavailable);
  // By now it is known: none of these is sent anywhere, and none waits for another.
  expect(await manyFailures()).toEqual(unavailable);
  network.heal();
  await untilAnswers(database);
  expect(await database.sql.begin((tx) => tx`select 3 as n`)).toEqual([{ n: 3 }]);
});

test('[DB8] a statement that takes long is not silence', async () => {
  const { database } = await behindProxy();
  expect(await database.sql`select pg_sleep(4)::text as slept`).toEqual([{ slept: '' }]);
});

test('[DB8] a probe whose own connection is ended does not end other connections', async () => {
  const { database, direct } = await behindProxy();
  await untilAnswers(database);
  const slow = database.sql`select pg_sleep(2)::text as slept`.execute();
  const probes = () => direct.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'cadenza pulse' and datname = current_database()`;
  while ((await probes()).length === 0);
  while ((await probes()).length === 0);
  expect(await slow).toEqual([{ slept: '' }]);
});

test('[DB8] [WAKE3] wake-ups are heard again after a silence', async () => {
  const { database, direct, network } = await behindProxy();
  const here = await openWakeups(database, silentLogger);
  onTestFinished(() => here[Symbol.asyncDispose]());
  const there = await openWakeups(direct, silentLogger);
  onTestFinished(() => there[Symbol.asyncDispose]());
  const watcher = here.watch('key');
  await watcher.next();
  network.stall();
  while ((await failureOf(database.sql`select 1`)) === null);
  there.wake('key');
  network.heal();
  expect(await watcher.next()).toEqual({ done: false, value: undefined });
  there.wake('key');
  expect(await watcher.next()).toEqual({ done: false, value: undefined });
});

test('[OWN6] a node that loses its network while starting a draft does not keep the others from starting theirs', async () => {
  const cut: { here?: () => void } = {};
  const onStatement = (text: string): void => {
    if (text.startsWith('insert into "drafts"')) cut.here?.();
  };
  const { database, direct, network } = await behindProxy({ onStatement });
  const { id } = await createListeners({ database: direct, wakeups: new LocalWakeups(), clock: systemClock }).ensure(
    'ann',
  );
  const start = (node: Database) =>
    insertDrafts(node, [
      {
        draft: newDraft({ listenerId: id, queue: { most: 5, forecast: null } }),
        events: firstEvents().map(storedEvent),
      },
    ]);
  expect(await start(database)).toBe(true);
  // It holds the locks by then.
  cut.here = () => network.stall();
  expect(await failureOf(start(database))).toBeInstanceOf(ServiceUnavailableError);
  expect(await start(direct)).toBe(true);
});
