import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { type Guard, tryGuard } from '../../src/db/embedded/cluster-guard.ts';
import { type Cluster, startCluster } from '../../src/db/embedded/embedded.ts';
import { explainFailure } from '../../src/db/failures.ts';
import { ServiceUnavailableError, StartupError } from '../../src/lib/errors.ts';
import { eventually } from '../support/time/eventually.ts';

const script = fileURLToPath(new URL('../support/postgres/cluster-process.ts', import.meta.url));

/** A folder for a cluster, below one that only its owner may enter, as `mktemp -d` makes them. */
async function clusterFolder(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'cadenza-cluster-'));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'postgres');
}

async function running(directory: string): Promise<Cluster> {
  const cluster = await startCluster({ directory });
  onTestFinished(() => cluster.stop());
  return cluster;
}

/** Another process that starts the cluster. */
async function runningElsewhere(directory: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawnCluster(directory, ['ignore', 'pipe', 'inherit']);
  for await (const line of createInterface(child.stdout!))
    if (line.startsWith('postgres:')) return { child, url: line };
  throw new Error('the cluster did not start');
}

function spawnCluster(directory: string, stdio: StdioOptions): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory], { stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function client(url: string): Database {
  const database = connect(url, { connections: 2 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

async function postmasterPid(directory: string): Promise<number> {
  return Number.parseInt(await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a cluster starts in a folder that only its owner may enter, stops, and starts again with its rows', async () => {
  const directory = await clusterFolder();
  const first = await running(directory);
  await using database = connect(first.url(), { connections: 1 });
  await database.sql`create table kept as select lower('ÀÉ 曲') as title`;
  await first.stop();
  const second = await running(directory);
  expect(await client(second.url()).sql`select title from kept`).toEqual([{ title: 'àé 曲' }]);
});

test('[DB2] a second start on the folder names the folder and the process that uses it', async () => {
  const directory = await clusterFolder();
  await running(directory);
  const second = startCluster({ directory });
  await expect(second).rejects.toThrow(StartupError);
  await expect(second).rejects.toThrow(`${directory} is in use by another Cadenza (process ${process.pid})`);
});

test('[DB3] after kill -9 of the process the next start adopts its server, and no row is lost', async () => {
  const directory = await clusterFolder();
  const { child, url } = await runningElsewhere(directory);
  const before = client(url);
  await before.sql`create table kept as select generate_series(1, 1000) as number`;
  const orphan = await postmasterPid(directory);
  await killed(child);
  const cluster = await running(directory);
  expect(await postmasterPid(directory)).toBe(orphan);
  expect(await client(cluster.url()).sql`select count(*)::int from kept`).toEqual([{ count: 1000 }]);
});

test('[DB3] after kill -9 of the process and of its server the next start recovers, and no committed row is lost', async () => {
  const directory = await clusterFolder();
  const { child, url } = await runningElsewhere(directory);
  await client(url).sql`create table kept as select generate_series(1, 1000) as number`;
  const server = await postmasterPid(directory);
  await killed(child);
  process.kill(server, 'SIGKILL');
  const cluster = await running(directory);
  expect(await postmasterPid(directory)).not.toBe(server);
  expect(await client(cluster.url()).sql`select count(*)::int from kept`).toEqual([{ count: 1000 }]);
});

test('[DB3] a pid that now belongs to another process does not prevent the start', async () => {
  const directory = await clusterFolder();
  const cluster = await running(directory);
  await cluster.stop();
  const file = join(directory, 'data', 'postmaster.pid');
  await writeFile(file, `${process.pid}\n${join(directory, 'data')}\n1700000000\n5432\n\n127.0.0.1\n\nready   \n`);
  const again = await running(directory);
  expect(await client(again.url()).sql`select 1 as one`).toEqual([{ one: 1 }]);
});

test('[DB3] of two concurrent starts one wins, and the cluster is complete', async () => {
  const directory = await clusterFolder();
  const starts = await Promise.allSettled([startCluster({ directory }), runningElsewhere(directory)]);
  const [here, there] = starts;
  expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const url = here.status === 'fulfilled' ? here.value.url() : there.status === 'fulfilled' ? there.value.url : '';
  expect(await client(url).sql`select 1 as one`).toEqual([{ one: 1 }]);
  expect(await readdir(directory)).toEqual(['data', 'log']);
  if (here.status === 'fulfilled') await here.value.stop();
});

test('[DB2] a start that loses the server it launched to another one says so and ends', async () => {
  const directory = await clusterFolder();
  const { child, guard } = await overtaken(directory);
  const said = await text(child.stderr!);
  expect(said).toContain(`${directory} is in use by another Cadenza (process ${process.pid})`);
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(1);
  process.kill(await postmasterPid(directory), 'SIGINT');
  await guard.lost;
  await guard.release();
});

/** Another process that has launched its server, and that server's guard, taken while the process was held up. */
async function overtaken(directory: string): Promise<{ child: ChildProcess; guard: Guard }> {
  for (;;) {
    const child = spawnCluster(directory, ['ignore', 'pipe', 'pipe']);
    const port = await portLaunched(child, directory);
    child.kill('SIGSTOP');
    const guard = await guardAt(port, directory);
    child.kill('SIGCONT');
    if (guard) return { child, guard };
    // It has looked before it could be stopped: once more, after it has told that it runs.
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

async function portLaunched(child: ChildProcess, directory: string): Promise<number> {
  for (;;) {
    expect(child.exitCode).toBeNull();
    const said = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
    const port = Number(said.split('\n')[3]);
    if (port) return port;
  }
}

/** Null: the process that launched the server has it. */
async function guardAt(port: number, directory: string): Promise<Guard | null> {
  const password = await readFile(join(directory, 'data', 'cadenza.password'), 'utf8');
  for (;;) {
    const attempt = await tryGuard(`postgres://cadenza:${password}@127.0.0.1:${port}/postgres`);
    if (attempt.kind === 'taken') return attempt.guard;
    if (attempt.kind === 'held') return null;
  }
}

test('[DB3] leftovers of a killed initialisation are removed', async () => {
  const directory = await clusterFolder();
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  const aside = join(directory, `initialising-${gone.pid!}`);
  await mkdir(join(aside, 'data'), { recursive: true });
  await writeFile(join(aside, 'data', 'PG_VERSION'), '18');
  await running(directory);
  expect(await readdir(directory)).toEqual(['data', 'log']);
});

test('[DB5] a server that dies is restarted; until then callers get an error', async () => {
  const directory = await clusterFolder();
  const cluster = await running(directory);
  const { sql } = client(cluster.url());
  await sql`create table kept as select 1 as number`;
  process.kill(await postmasterPid(directory), 'SIGKILL');
  const answer = await eventually(async () => {
    const failure: unknown = await sql`select pg_sleep(0)`.then(() => null, explainFailure);
    expect(failure).not.toBeNull();
    return failure;
  });
  expect(answer).toBeInstanceOf(ServiceUnavailableError);
  await eventually(async () => expect(await sql`select number from kept`).toEqual([{ number: 1 }]));
});

test('[DB4] an unusable folder is refused with a remedy', async () => {
  const directory = await clusterFolder();
  await writeFile(directory, 'a file');
  await expect(startCluster({ directory })).rejects.toThrow(/data folder .* cannot be used: .*CADENZA_DATA_DIR/);
  await expect(startCluster({ directory: join(directory, 'below') })).rejects.toThrow(StartupError);
});

test('[DB4] a folder with something else instead of a cluster is not changed', async () => {
  const directory = await clusterFolder();
  await mkdir(join(directory, 'data'), { recursive: true });
  await writeFile(join(directory, 'data', 'letters.txt'), 'dear');
  await expect(startCluster({ directory })).rejects.toThrow(/holds files that are no PostgreSQL cluster/);
  expect(await readdir(directory)).toEqual(['data']);
  expect(await readFile(join(directory, 'data', 'letters.txt'), 'utf8')).toBe('dear');
});

test('[DB4] a cluster whose password was changed, or whose files are broken, says so', async () => {
  const directory = await clusterFolder();
  const cluster = await running(directory);
  await cluster.stop();
  const secret = join(directory, 'data', 'cadenza.password');
  const password = await readFile(secret, 'utf8');
  await chmod(secret, 0o600);
  await writeFile(secret, 'something else');
  await expect(startCluster({ directory })).rejects.toThrow(/does not accept the password/);
  await writeFile(secret, password);
  await (await running(directory)).stop();
  await rm(join(directory, 'data', 'global', 'pg_control'));
  await expect(startCluster({ directory })).rejects.toThrow(/does not start. The end of its log:\n.*pg_control/s);
});
