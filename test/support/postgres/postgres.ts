import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connect } from '../../../src/db/client.ts';
import { startCluster } from '../../../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../../../src/db/migrations.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server the tests make their databases on; its database `template` is migrated and empty. */
    postgres: string;
  }
}

/**
 * One real PostgreSQL for the whole run: the embedded one, or the one that `TEST_DATABASE_URL` names (how the oldest
 * version we support is tested), where each project of vitest.config.ts has its own template. Durability is off: these
 * databases live for seconds.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await server();
  const admin = connect(url, { connections: 1 });
  const template = `cadenza_template_${process.pid}_${project.name}`;
  await admin.sql`create database ${admin.sql(template)}`;
  const templateUrl = new URL(url);
  templateUrl.pathname = `/${template}`;
  await migrateToLatest(templateUrl.href);
  project.provide('postgres', templateUrl.href);
  return async () => {
    await admin.sql`drop database if exists ${admin.sql(template)} with (force)`;
    await admin[Symbol.asyncDispose]();
    await stop();
  };
}

async function server(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { url: given, stop: () => Promise.resolve() };
  const directory = await mkdtemp(join(await fastFolder(), 'cadenza-test-'));
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' };
  const cluster = await startCluster({ directory, settings });
  return {
    url: cluster.url(),
    stop: async () => {
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const SHARED_MEMORY = '/dev/shm';
const ROOM_BYTES = 2 ** 32;

/** In memory, where there is room: a database is made for each test, and its 500 files take three times as long on a disk. */
async function fastFolder(): Promise<string> {
  const free = await statfs(SHARED_MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return free >= ROOM_BYTES ? SHARED_MEMORY : tmpdir();
}
