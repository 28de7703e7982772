import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { placeOf } from '../../src/db/connection/servers.ts';
import { keepsSessions } from '../../src/db/connection/sessions.ts';
import { takeTurn } from '../../src/db/nodes/turns.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { StartupError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { hasPgBouncer, pgBouncer } from '../support/postgres/pgbouncer.ts';

const open = (databaseUrl: string) => openDatabase({ databaseUrl, dataDir: 'none' }, silentLogger);

it('[DB11] a connection to the server itself keeps its session', async () => {
  expect(await keepsSessions(placeOf(inject('postgres')))).toBe(true);
});

describe.runIf(hasPgBouncer)('through PgBouncer', () => {
  it('[DB11] in transaction mode the start fails, and says what to do', async () => {
    const { url } = await testDatabase();
    const pooled = await pgBouncer(url, 'transaction');
    const opening = open(pooled);
    await expect(opening).rejects.toThrow(StartupError);
    await expect(opening).rejects.toThrow(/transaction mode.*pool_mode=session/);
    // Also while other clients take and leave connections to the server.
    await using others = connect(pooled, { connections: 8 });
    let isBusy = true;
    const busy = Array.from({ length: 8 }, async () => {
      while (isBusy) await others.sql.unsafe('select pg_sleep(0.001)').simple();
    });
    for (let n = 0; n < 20; n++) expect(await keepsSessions(placeOf(pooled))).toBe(false);
    isBusy = false;
    await Promise.all(busy);
  });

  it('[DB11] in session mode wake-ups reach other nodes, and a turn is one node’s at a time', async () => {
    const { url } = await testDatabase();
    const pooled = await pgBouncer(url, 'session');
    const opened = async (): Promise<Database> => {
      const database = await open(pooled);
      onTestFinished(() => database[Symbol.asyncDispose]());
      return database;
    };
    const [one, other] = [await opened(), await opened()];
    const [here, there] = [await openWakeups(one, silentLogger), await openWakeups(other, silentLogger)];
    for (const wakeups of [here, there]) onTestFinished(() => wakeups[Symbol.asyncDispose]());
    const changes = there.changes('key')[Symbol.asyncIterator]();
    const woken = changes.next();
    here.wake('key');
    expect((await woken).done).toBe(false);
    await changes.return?.();
    const turn = await takeTurn(one, 'training', new AbortController().signal);
    const waiting = new AbortController();
    const second = takeTurn(other, 'training', waiting.signal, () => waiting.abort(new Error('it is taken')));
    await expect(second).rejects.toThrow('it is taken');
    await turn[Symbol.asyncDispose]();
    await (await takeTurn(other, 'training', new AbortController().signal))[Symbol.asyncDispose]();
  });
});
