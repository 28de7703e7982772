import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { READY } from '../../src/banner.ts';
import { connect, type Database } from '../../src/db/client.ts';
import { dataFolder, spawnServer, startServer } from '../support/server.ts';

const embedded = async () => ({ DATABASE_URL: '', CADENZA_DATA_DIR: await dataFolder() });

/** The embedded database of a data folder, as its files tell where it listens. */
async function embeddedDatabase(dataDir: string): Promise<Database> {
  const data = join(dataDir, 'postgres', 'data');
  const password = await readFile(join(data, 'cadenza.password'), 'utf8');
  const [, , , port] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
  const database = connect(`postgres://cadenza:${password}@127.0.0.1:${port}/cadenza`, { connections: 1 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
}

test('[START4] an invalid configuration ends the start with its problems, without a stack', async () => {
  const { exited } = spawnServer({ PORT: 'eighty', CADENZA_QUEUE: '0', DATABASE_URL: 'postgres://me:hunter2@' });
  const { code, output } = await exited;
  expect(code).toBe(1);
  for (const name of ['PORT', 'CADENZA_QUEUE', 'DATABASE_URL']) expect(output).toContain(`  ${name} `);
  expect(output).not.toMatch(/hunter2|at file:|\.ts:/);
});

test('[START1] it says once that it is ready, with its links, database, catalogue, writer and viewer', async () => {
  const server = await startServer();
  expect(await server.said(READY)).toMatchObject({
    studio: `${server.url}/studio`,
    graphql: `${server.url}/graphql`,
    health: `${server.url}/health/ready`,
    database: expect.stringMatching(/\S/) as string,
    catalogue: expect.stringMatching(/\S/) as string,
    writer: expect.stringMatching(/\S/) as string,
    viewer: expect.stringMatching(/\S/) as string,
  });
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  const { output } = await server.stop();
  expect(output.split(READY)).toHaveLength(2);
});

test('[CONF3] an unknown variable is warned about in the log', async () => {
  const server = await startServer({ CADENZA_LOGLEVEL: 'debug' });
  expect((await server.said(/CADENZA_LOGLEVEL/)).msg).toContain('did you mean CADENZA_LOG_LEVEL?');
});

test('[START2] SIGTERM and SIGINT shut down the server and its database cleanly', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const env = await embedded();
    const server = await startServer(env);
    const database = await embeddedDatabase(env.CADENZA_DATA_DIR);
    await database.sql`select 1`;
    server.process.kill(signal);
    expect(await server.exited).toMatchObject({ code: 0, signal: null });
    await expect(database.sql`select 1`).rejects.toThrow(/ECONNREFUSED|CONNECTION_CLOSED/);
  }
});

test('[START2] SIGTERM to npm drains the server that `npm start` became, and npm waits for it', async () => {
  const { CADENZA_DATA_DIR } = await embedded();
  const env = {
    PORT: '0',
    CADENZA_DATA_DIR,
    CADENZA_DEMO: 'off',
    CADENZA_FETCH_MODELS: 'off',
    CADENZA_LOG_FORMAT: 'json',
  };
  const npm = spawn('npm', ['start', '--silent'], {
    env: { ...process.env, ...env, DATABASE_URL: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(() => {
    // All that it started, should it have left something behind.
    if (npm.pid !== undefined) spawnSync('kill', ['-KILL', '--', `-${npm.pid}`]);
  });
  const said: string[] = [];
  const lines = createInterface(npm.stdout);
  const closed = once(lines, 'close');
  lines.on('line', (line) => said.push(line));
  await expect.poll(() => said.some((line) => line.includes('Cadenza is ready'))).toBe(true);
  npm.kill('SIGTERM');
  expect(await once(npm, 'exit')).toEqual([0, null]);
  await expect(postmasterPid(CADENZA_DATA_DIR)).rejects.toThrow('ENOENT');
  await closed;
  expect(said.join('\n')).toContain('"msg":"Stopped"');
});

test('[START3] the second signal ends it at once, with 128 + its number, however long the rest would take', async () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const env = await embedded();
    const server = await startServer(env);
    const postmaster = await postmasterPid(env.CADENZA_DATA_DIR);
    process.kill(postmaster, 'SIGSTOP');
    server.process.kill(signal);
    await server.said(/^Stopping/);
    server.process.kill(signal);
    const exit = await server.exited;
    process.kill(postmaster, 'SIGCONT');
    expect(exit).toMatchObject({ code, signal: null });
    await (await startServer(env)).stop();
  }
});

test('[START5] an uncaught failure is logged and ends the server cleanly', async () => {
  const hook = "data:text/javascript,process.once('SIGUSR2',()=>{throw new Error('unforeseen')})";
  const env = await embedded();
  const server = await startServer({ ...env, NODE_OPTIONS: `--import=${hook.replaceAll(' ', '%20')}` });
  server.process.kill('SIGUSR2');
  const logged = await server.said(/Uncaught failure/);
  expect(logged).toMatchObject({ level: 60, err: { message: 'unforeseen' } });
  const { code, output } = await server.exited;
  expect(code).toBe(1);
  expect(output).toContain('"msg":"Stopped"');
  await expect(postmasterPid(env.CADENZA_DATA_DIR)).rejects.toThrow('ENOENT');
});

test('[DB2] [START4] a second start on the same folder names the folder and the process, and harms nothing', async () => {
  const env = await embedded();
  const first = await startServer(env);
  const { code, output } = await spawnServer(env).exited;
  expect(code).toBe(1);
  expect(output).toContain(
    `${env.CADENZA_DATA_DIR}/postgres is in use by another Cadenza (process ${first.process.pid})`,
  );
  expect(output).not.toMatch(/at file:|\.ts:/);
  const database = await embeddedDatabase(env.CADENZA_DATA_DIR);
  expect(await database.sql`select 1 as one`).toEqual([{ one: 1 }]);
});

test('[DB3] after kill -9 the next start has every row', async () => {
  const env = await embedded();
  const first = await startServer(env);
  const before = await embeddedDatabase(env.CADENZA_DATA_DIR);
  await before.sql`insert into genres (slug, name) select 'genre-' || n, 'Genre ' || n from generate_series(1, 500) n`;
  expect(await first.kill()).toMatchObject({ signal: 'SIGKILL' });
  await startServer(env);
  const after = await embeddedDatabase(env.CADENZA_DATA_DIR);
  expect(await after.sql`select count(*)::int as genres from genres`).toEqual([{ genres: 500 }]);
});

test('[DB5] it survives the death of its database', async () => {
  const env = await embedded();
  const server = await startServer(env);
  process.kill(await postmasterPid(env.CADENZA_DATA_DIR), 'SIGKILL');
  await server.said('The embedded PostgreSQL runs again');
  const database = await embeddedDatabase(env.CADENZA_DATA_DIR);
  expect(await database.sql`select count(*)::int as tracks from tracks`).toEqual([{ tracks: 0 }]);
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test('[DB4] [START4] a database that refuses connections ends the start, and its password is not shown', async () => {
  const url = 'postgres://cadenza:hunter2@127.0.0.1:1/cadenza?connect_timeout=1';
  const server = spawnServer({ DATABASE_URL: url, CADENZA_DATA_DIR: await dataFolder() });
  await server.said(/does not answer yet; waiting/);
  server.process.kill('SIGTERM');
  const { code, output } = await server.exited;
  expect(code).toBe(0);
  expect(output).not.toContain('hunter2');
});

test('[START4] an unusable data folder ends the start', async () => {
  const folder = await dataFolder();
  await writeFile(join(folder, 'file'), '');
  await symlink(join(folder, 'nowhere'), join(folder, 'link'));
  for (const path of [
    join(folder, 'file'),
    join(folder, 'file', 'below'),
    join(folder, 'link', 'below'),
    '/proc/x',
    '/proc/x/y',
    '/dev/null/x',
  ]) {
    const { code, output } = await spawnServer({ DATABASE_URL: '', CADENZA_DATA_DIR: path }).exited;
    expect(output).toMatch(/The data folder .* cannot be used: .*; set CADENZA_DATA_DIR to/);
    expect(output).not.toMatch(/at file:|\.ts:/);
    expect(code).toBe(1);
  }
});
