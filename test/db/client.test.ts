import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import type { Transaction } from '../../src/db/connection/transaction.ts';
import { explainFailure, isAway } from '../../src/db/failures.ts';
import { openDatabase } from '../../src/db/open.ts';
import { ServiceUnavailableError, StartupError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { addTracks } from '../support/catalogue/catalogue.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { eventually } from '../support/time/eventually.ts';

const given = (databaseUrl: string) => ({ databaseUrl, dataDir: tmpdir() });
const soon = { patienceMs: 300 };

/** The tests' server, with another database or user in the URL. */
function urlWith(change: (url: URL) => void): string {
  const url = new URL(inject('postgres'));
  change(url);
  return url.href;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('[DB1] several processes may open and migrate one new database at once', async () => {
  const admin = await testDatabase();
  const name = `fresh_${process.pid}`;
  await admin.sql`create database ${admin.sql(name)}`;
  const url = urlWith((target) => (target.pathname = `/${name}`));
  const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase(given(url), silentLogger)));
  for (const { sql } of opened) expect(await sql`select count(*)::int as tracks from tracks`).toEqual([{ tracks: 0 }]);
  await Promise.all(opened.map((database) => database[Symbol.asyncDispose]()));
  await admin.sql`drop database ${admin.sql(name)}`;
});

test('[DB4] a database that does not answer is awaited, then named, without its password', async () => {
  const url = `postgres://cadenza:tell-nobody@127.0.0.1:${await closedPort()}/cadenza`;
  const failure = await openDatabase(given(url), silentLogger, soon).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StartupError);
  expect(String(failure)).toMatch(
    /database postgres:\/\/cadenza:\*\*\*@127.0.0.1:\d+\/cadenza does not answer \(ECONNREFUSED\)/,
  );
  expect(String(failure)).not.toContain('tell-nobody');
});

test('[DB4] a missing database and a user without permissions are distinguished', async () => {
  const admin = await testDatabase();
  const user = `reader_${process.pid}`;
  await admin.sql.unsafe(`create role ${user} login password 'right'`);
  onTestFinished(async () => {
    await using cleaner = connect(inject('postgres'), { connections: 1 });
    await cleaner.sql.unsafe(`drop role ${user}`);
  });
  const open = (change: (url: URL) => void) => openDatabase(given(urlWith(change)), silentLogger, soon);
  await expect(open((url) => (url.pathname = '/no_such_database'))).rejects.toThrow(/has no database of the name/);
  // Without its notes of what has run, migration begins anew, and with creating the schema of those notes.
  await admin.sql.unsafe(`drop schema drizzle cascade`);
  const { pathname } = new URL(admin.url);
  const reader = { username: user, password: 'right', pathname };
  await expect(open((url) => Object.assign(url, reader))).rejects.toThrow(/does not let this user create tables/);
});

test('[DB10] a user who may create nothing is enough for a database that is up to date', async () => {
  const admin = await testDatabase();
  const { pathname } = new URL(admin.url);
  const user = `server_${process.pid}`;
  await admin.sql.unsafe(`create role ${user} login password 'right'`);
  await admin.sql.unsafe(`grant usage on schema public, drizzle to ${user};
    grant select, insert, update, delete on all tables in schema public to ${user};
    grant select on all tables in schema drizzle to ${user}; grant usage on all sequences in schema public to ${user}`);
  onTestFinished(async () => {
    await admin.sql.unsafe(`drop owned by ${user}`);
    await admin.sql.unsafe(`drop role ${user}`);
  });
  const url = urlWith((target) => Object.assign(target, { username: user, password: 'right', pathname }));
  await using database = await openDatabase(given(url), silentLogger, soon);
  expect(await database.sql`select current_user::text as name, count(*)::int as tracks from tracks`).toEqual([
    { name: user, tracks: 0 },
  ]);
  await expect(database.sql`create table public.mine ()`).rejects.toThrow('permission denied');
});

test.each(['LATIN1', 'SQL_ASCII'])(
  '[DB10] a database with the encoding %s is refused, and how to make one is told',
  async (encoding) => {
    const admin = await testDatabase();
    const name = `t_${encoding.toLowerCase()}_${process.pid}`;
    await admin.sql.unsafe(
      `create database ${name} encoding '${encoding}' locale_provider libc lc_collate 'C' lc_ctype 'C'
        template template0`,
    );
    onTestFinished(async () => {
      await admin.sql.unsafe(`drop database ${name} with (force)`);
    });
    const opened = openDatabase(given(urlWith((url) => (url.pathname = `/${name}`))), silentLogger, soon);
    await expect(opened).rejects.toBeInstanceOf(StartupError);
    await expect(opened).rejects.toThrow(`has the encoding ${encoding}; Cadenza needs UTF8`);
  },
);

test('[DB10] in a database with the locale C, names in every script are found and ordered as elsewhere', async () => {
  const admin = await testDatabase();
  const name = `t_locale_${process.pid}`;
  await admin.sql.unsafe(
    `create database ${name} encoding 'UTF8' locale_provider libc lc_collate 'C' lc_ctype 'C' template template0`,
  );
  onTestFinished(async () => {
    await admin.sql.unsafe(`drop database ${name} with (force)`);
  });
  await using plain = await openDatabase(given(urlWith((url) => (url.pathname = `/${name}`))), silentLogger, soon);
  const found = async (database: Database) => {
    const tracks = TITLES.map((title, i) => ({ externalId: `t${i}`, title, artist: 'Ann' }));
    const { catalogue } = await addTracks(database, tracks);
    const titles = async (search?: string) => {
      const page = await catalogue.searchTracks({
        first: 20,
        orderBy: 'TITLE',
        ...(search !== undefined && { search }),
      });
      return page.edges.map(({ node }) => node.title);
    };
    const searches = ['arger', 'etude', 'STRASSE', 'ωMEGA', 'ПРИВЕТ', '京'];
    return [await titles(), ...(await Promise.all(searches.map((search) => titles(search))))];
  };
  const there = await found(plain);
  expect(there).toEqual(await found(admin));
  expect(there.slice(1)).toEqual(TITLES.map((title) => [title]));
});

const TITLES = ['Ärger', 'ÉTUDE', 'Straße', 'Ωmega', 'привет', '東京'];

test('[DB10] a server that has no connection left is told apart from one that does not answer', async () => {
  const admin = await testDatabase();
  const { pathname } = new URL(admin.url);
  const user = `crowd_${process.pid}`;
  await admin.sql.unsafe(`create role ${user} login password 'right' connection limit 0`);
  onTestFinished(async () => {
    await admin.sql.unsafe(`drop role ${user}`);
  });
  const url = urlWith((target) => Object.assign(target, { username: user, password: 'right', pathname }));
  await expect(openDatabase(given(url), silentLogger, soon)).rejects.toThrow('has no connection left for this node');
});

test('[DB6] a failure to reach the database is a typed error, and other failures are unchanged', async () => {
  await using away = connect(`postgres://cadenza@127.0.0.1:${await closedPort()}/cadenza`, { connections: 1 });
  const failure: unknown = await away.db.execute('select 1').then(
    () => null,
    (error: unknown) => error,
  );
  expect(isAway(failure)).toBe(true);
  expect(explainFailure(failure)).toBeInstanceOf(ServiceUnavailableError);
  const { sql } = await testDatabase();
  const other: unknown = await sql`select 1 / 0`.then(
    () => null,
    (error: unknown) => error,
  );
  expect(explainFailure(other)).toBe(other);
});

test('[DB1] [DB4] the embedded database opens migrated, refuses a wrong password, and stops when it is disposed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'cadenza-open-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const database = await openDatabase({ databaseUrl: null, dataDir }, silentLogger);
  expect(await database.sql`select current_database() as name, count(*)::int as tracks from tracks`).toEqual([
    { name: 'cadenza', tracks: 0 },
  ]);
  const wrong = new URL(database.url);
  wrong.password = 'guessed';
  await expect(openDatabase(given(wrong.href), silentLogger, soon)).rejects.toThrow(/refuses the user or the password/);
  await database[Symbol.asyncDispose]();
  await using gone = connect(database.url, { connections: 1 });
  await expect(gone.sql`select 1`).rejects.toThrow(/ECONNREFUSED/);
});

/** Ends the connection of a transaction as a database that goes away does, and lets the client notice. */
async function endConnection({ sql }: Database, pid: number): Promise<void> {
  await sql`select pg_terminate_backend(${pid})`;
  await eventually(async () => expect(await sql`select from pg_stat_activity where pid = ${pid}`).toHaveLength(0));
  for (let i = 0; i < 50; i++) await setImmediate();
}

test.each<[string, (tx: Transaction, end: () => Promise<void>) => Promise<unknown>]>([
  ['in a statement', (tx, end) => Promise.all([tx`select pg_sleep(60)`, end()])],
  ['between two statements', (tx, end) => end().then(() => tx`select 1`)],
  ['before the commit', (_, end) => end()],
])('[DB6] a transaction whose connection is lost %s fails, and harms nothing else', async (_, run) => {
  const database = await testDatabase();
  const answers = () =>
    Promise.all(Array.from({ length: 20 }, (__, i) => database.sql.begin((tx) => tx`select ${i}::int as i`)));
  // Often enough that what is still to be written when the connection ends differs: the connection in its place works at once.
  for (let round = 0; round < 12; round++) {
    const lost = database.sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      return run(tx, () => endConnection(database, row!.pid));
    });
    await expect(lost).rejects.toSatisfy(isAway);
    expect((await answers()).map(([row]) => row?.i as number)).toEqual(Array.from({ length: 20 }, (__, i) => i));
  }
  await expect(database.db.transaction(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
});

test('[EDGE4] statements as of one moment see one moment, and are cancelled with their signal', async () => {
  const database = await testDatabase();
  await database.sql`create table seen (n integer)`;
  const count = (tx: Transaction) => tx<{ n: number }[]>`select count(*)::int as n from seen`;
  const { signal, ...cancelling } = cancellable();
  const counts = await database.asOfOneMoment({ signal, mostMs: 60_000 }, async (tx) => {
    const before = await count(tx);
    await database.sql`insert into seen values (1)`;
    return [...before, ...(await count(tx))];
  });
  expect(counts).toEqual([{ n: 0 }, { n: 0 }]);
  const asked = database.asOfOneMoment({ signal, mostMs: 60_000 }, (tx) => tx`select pg_sleep(600)`);
  await expect.poll(() => sleepers(database)).toBe(1);
  cancelling.cancel();
  await expect(asked).rejects.toThrow('enough');
  await expect.poll(() => sleepers(database)).toBe(0);
});

test('the database itself ends a statement as of one moment that takes too long', async () => {
  const database = await testDatabase();
  const { signal } = cancellable();
  const asked = database.asOfOneMoment({ signal, mostMs: 20 }, (tx) => tx`select pg_sleep(600)`);
  await expect(asked).rejects.toMatchObject({ code: '57014' });
  expect(await sleepers(database)).toBe(0);
});

function cancellable() {
  const controller = new AbortController();
  return { signal: controller.signal, cancel: () => controller.abort(new Error('enough')) };
}

async function sleepers({ sql }: Database): Promise<number> {
  const rows = await sql`select from pg_stat_activity
    where datname = current_database() and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`;
  return rows.length;
}
