import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { hasNats, startNats } from '../support/network/nats.ts';
import { freePort } from '../support/network/ports.ts';
import { createDatabase } from '../support/postgres/database.ts';

const script = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url));

interface Report {
  ok: boolean;
  findings: { check: string; status: string; says: string }[];
}

async function examine(env: NodeJS.ProcessEnv) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--json'], { env: { PATH, HOME, ...env } });
  const texts = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(texts.errors).toBe('');
  const { ok, findings } = JSON.parse(texts.output) as Report;
  expect(code).toBe(ok ? 0 : 1);
  const of = (check: string) => findings.filter((one) => one.check === check);
  return { ok, of, wrong: findings.filter(({ status }) => status === 'wrong').map(({ check }) => check), findings };
}

const API = { CADENZA_ROLE: 'api', CADENZA_DEVICE: 'cpu' };

test('[OPS3] the doctor finds all right beside a database with tables, and changes nothing', async () => {
  const database = await createDatabase({ connections: 1 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const folder = await temporaryFolder();
  const env = { DATABASE_URL: database.url, CADENZA_DATA_DIR: join(folder, 'new'), PORT: String(await freePort()) };
  const { wrong, of } = await examine({ ...env, CADENZA_DEVICE: 'cpu' });
  expect(wrong).toEqual([]);
  expect(of('migrations')).toMatchObject([{ status: 'right' }]);
  expect(of('master key')).toMatchObject([{ status: 'note' }]);
  expect(of('library')).toMatchObject([{ says: expect.stringMatching(/^ONNX Runtime 1\.\d+\.\d+ loads$/) as string }]);
  expect(of('models').length).toBeGreaterThan(2);
  for (const check of ['node', 'database', 'clock', 'connections', 'disk', 'port', 'device'])
    expect(of(check)).toMatchObject([{ status: 'right' }]);
  expect(existsSync(env.CADENZA_DATA_DIR)).toBe(false);
});

test('[OPS3] the doctor says what is wrong, several things at once', async () => {
  const database = await createDatabase({ connections: 1 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  await database.sql`
    insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
  await database.sql`
    insert into data_keys (listener_id, master, wrapped) select id, 'abcdefgh', '\\x00' from listeners limit 1`;
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const { wrong, of } = await examine({
    ...API,
    ...{ DATABASE_URL: database.url, PORT: String(port), CADENZA_DATA_DIR: join(folder, 'file', 'data') },
    ...{ CADENZA_LOG: 'nats', CADENZA_NATS_URL: `nats://127.0.0.1:${await freePort()}` },
  });
  expect(wrong.sort()).toEqual(['disk', 'master key', 'nats', 'port']);
  expect(of('port')[0]?.says).toContain('EADDRINUSE');
  expect(of('nats')[0]?.says).toContain('--jetstream');
});

test('[OPS3] a database that is away, and an invalid configuration, are told in words', async () => {
  const away = await examine({ ...API, PORT: '0', DATABASE_URL: `postgres://127.0.0.1:${await freePort()}/x` });
  expect(away.wrong).toEqual(['database']);
  expect(away.of('database')[0]?.says).toMatch(/does not answer \(\w+\): is it running/);
  const invalid = await examine({ PORT: 'many' });
  expect(invalid.findings).toHaveLength(1);
  expect(invalid.of('config')[0]?.says).toContain('PORT');
});

test('[OPS3] a damaged model and a lost master key are found', async () => {
  const folder = await temporaryFolder();
  const models = join(folder, 'models', 'tiny');
  await mkdir(models, { recursive: true });
  await mkdir(join(folder, 'postgres'));
  await copyFile(script, join(models, 'tiny.gguf'));
  const catalogue = join(folder, 'models.json');
  const sha256 = '0'.repeat(64);
  const described = { id: 'tiny', name: 'Tiny', task: 'TEXT_GENERATION', version: '1', context: 64 };
  const sources = [{ url: 'https://models.example.com/tiny.gguf' }];
  const entry = { ...described, file: { name: 'tiny.gguf', bytes: 100, sha256 }, sources };
  await writeFile(catalogue, JSON.stringify({ models: [entry] }));
  const { wrong } = await examine({
    CADENZA_DATA_DIR: folder,
    CADENZA_MODELS: catalogue,
    CADENZA_DEVICE: 'cpu',
    PORT: '0',
  });
  expect(wrong.sort()).toEqual(['master key', 'models']);
});

test.runIf(hasNats)('[OPS3] a NATS with JetStream is right, or a note where it keeps one copy', async () => {
  const nats = await startNats();
  onTestFinished(() => nats.stop());
  const database = await createDatabase({ connections: 1 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const { of } = await examine({
    ...API,
    ...{ DATABASE_URL: database.url, PORT: '0', CADENZA_LOG: 'nats', CADENZA_NATS_URL: nats.url },
  });
  expect(of('nats')).toMatchObject([{ status: 'note', says: expect.stringContaining('JetStream') as string }]);
});
