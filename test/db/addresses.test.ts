import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { openDatabase } from '../../src/db/open.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { temporaryFolder } from '../support/folder.ts';
import { certificate } from '../support/network/file-server.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { relayDatabase } from '../support/postgres/database-relay.ts';

/** A database of the test's own, and its URL with these hosts and parameters. */
async function target(): Promise<(hosts: string, parameters?: string) => string> {
  const { url } = await testDatabase();
  const { username, password, pathname } = new URL(url);
  return (hosts, parameters = '') => `postgres://${username}:${password}@${hosts}${pathname}${parameters}`;
}

async function open(databaseUrl: string, patienceMs = 5_000): Promise<Database> {
  const database = await openDatabase({ databaseUrl, dataDir: tmpdir() }, silentLogger, { patienceMs });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

/** Every kind of connection that we have: of the pools, for wake-ups, and a session. */
async function expectToWork(database: Database): Promise<void> {
  expect(await database.sql`select count(*)::int as n from tracks`).toEqual([{ n: 0 }]);
  const { signal } = new AbortController();
  expect(await database.asOfOneMoment({ signal, mostMs: 60_000 }, (tx) => tx`select 1 as n`)).toEqual([{ n: 1 }]);
  await using session = await database.session(signal);
  expect(await session.sql`select 1 as n`).toEqual([{ n: 1 }]);
  const [here, there] = [await openWakeups(database, silentLogger), await openWakeups(database, silentLogger)];
  const changes = here.changes('key')[Symbol.asyncIterator]();
  const woken = changes.next();
  there.wake('key');
  expect((await woken).done).toBe(false);
  await changes.return?.();
  for (const wakeups of [here, there]) await wakeups[Symbol.asyncDispose]();
}

test('[DB12] an IPv6 host, in brackets', async () => {
  const { port } = await relayDatabase({ host: '::1', port: 0 });
  await expectToWork(await open((await target())(`[::1]:${port}`)));
});

test('[DB12] the folder of a Unix socket', async () => {
  const folder = await temporaryFolder();
  await relayDatabase({ path: join(folder, '.s.PGSQL.5432') });
  const url = await target();
  await expectToWork(await open(url('', `?host=${folder}`)));
  await expectToWork(await open(url(encodeURIComponent(folder))));
});

test('[DB12] of several hosts the one that takes writes is used, and the one that takes over', async () => {
  const [away, first, second] = [await relay(), await relay(), await relay()];
  away.stop();
  first.isStandby = true;
  const url = (await target())(
    [away, first, second].map(({ port }) => `127.0.0.1:${port}`).join(','),
    '?target_session_attrs=read-write',
  );
  const database = await open(url);
  await database.sql`create table written (n integer)`;
  first.isStandby = false;
  second.stop();
  const write = () => database.sql`insert into written values (1)`.then(() => true).catch(() => false);
  while (!(await write()));
  await expectToWork(database);
});

test('[DB12] where none of several hosts takes writes, the start says so', async () => {
  const [first, second] = [await relay(), await relay()];
  for (const one of [first, second]) one.isStandby = true;
  const url = await target();
  await expect(open(url(`127.0.0.1:${first.port},127.0.0.1:${second.port}`), 300)).rejects.toThrow(
    'has no server that takes writes',
  );
  await expect(open(url(`127.0.0.1:${first.port}`), 300)).rejects.toThrow('takes no writes (a standby?)');
});

test('[DB12] connections are encrypted as sslmode says, and the server is who the certificate says it is', async () => {
  const { authority, ...keys } = await certificate('DNS:localhost');
  const [secure, plain] = [await relay(keys), await relay()];
  const url = await target();
  const [named, numbered] = [`localhost:${secure.port}`, `127.0.0.1:${secure.port}`];
  await expectToWork(await open(url(named, `?sslmode=verify-full&sslrootcert=${authority}`)));
  await expectToWork(await open(url(numbered, `?sslmode=verify-ca&sslrootcert=${authority}`)));
  await expectToWork(await open(url(numbered, '?sslmode=require')));
  await expectToWork(await open(url(`127.0.0.1:${plain.port}`, '?sslmode=prefer')));
  const refusals: [string, string][] = [
    [url(numbered, `?sslmode=verify-full&sslrootcert=${authority}`), 'has a certificate for another name'],
    [url(named, '?sslmode=verify-full'), 'has a certificate that no known authority has signed'],
    [url(named, '?sslrootcert=system'), 'has a certificate that no known authority has signed'],
    [url(named, '?sslmode=require&sslrootcert=/no/such/file'), 'The file /no/such/file, which sslrootcert'],
    [url(`127.0.0.1:${plain.port}`, '?sslmode=require'), 'has no TLS, which sslmode'],
  ];
  for (const [refused, reason] of refusals) await expect(open(refused, 300)).rejects.toThrow(reason);
});

test('[DB13] the tables are in the configured schema, whatever the search_path of the role or the database is', async () => {
  const admin = await testDatabase();
  const { pathname } = new URL(admin.url);
  const name = `schemas_${process.pid}`;
  await admin.sql.unsafe(`create database ${name}`);
  onTestFinished(async () => {
    await using cleaner = connect(inject('postgres'), { connections: 1 });
    await cleaner.sql.unsafe(`drop database ${name} with (force)`);
  });
  const url = admin.url.replace(pathname, `/${name}`);
  await using plain = connect(url, { connections: 1 });
  await plain.sql.unsafe(`create schema foreign_one; alter database ${name} set search_path = foreign_one`);
  await expectToWork(await open(url));
  const other = await openDatabase({ databaseUrl: url, dataDir: tmpdir(), databaseSchema: 'mine' }, silentLogger);
  onTestFinished(() => other[Symbol.asyncDispose]());
  await expectToWork(other);
  await other.sql`insert into artists (name, name_key) values ('Ann', 'ann')`;
  const counts = await plain.sql`select (select count(*)::int from public.artists) as usual,
    (select count(*)::int from mine.artists) as mine,
    (select count(*)::int from pg_tables where schemaname = 'foreign_one') as "foreign"`;
  expect(counts).toEqual([{ usual: 0, mine: 1, foreign: 0 }]);
});

const relay = (tls?: { key: Buffer; cert: Buffer }) => relayDatabase({ host: '127.0.0.1', port: 0 }, tls);
