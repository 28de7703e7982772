import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { asError, StartupError } from '../../lib/errors.ts';
import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import { newestMigration } from '../migrations.ts';
import { fileOf, MANIFEST, type Manifest } from './manifest.ts';
import { columnsOf, type CopiedTable, quoted, tablesOf } from './tables.ts';

/**
 * Copies all tables into a new folder, as of one moment, while the nodes go on. The folder gets its name when all is in it
 * and on the disk ([OPS6]).
 * @throws StartupError if the folder is there already
 */
export async function writeBackup(database: Database, to: string, signal: AbortSignal): Promise<Manifest> {
  const folder = resolve(to);
  const aside = `${folder}.unfinished-${process.pid}`;
  await makeNew(folder, aside);
  try {
    await using session = await database.session(signal);
    const manifest = await session.sql.begin('isolation level repeatable read read only', (tx) =>
      copyAll(tx, aside, signal),
    );
    await writeWhole(join(aside, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(aside, folder);
    return manifest;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    signal.throwIfAborted();
    throw error;
  }
}

/** Texts in it are encrypted, but tracks and lists are not: only this user may read it. */
async function makeNew(folder: string, aside: string): Promise<void> {
  if (existsSync(folder)) throw new StartupError(`${folder} is there already: name a folder that is not.`);
  try {
    await mkdir(aside, { mode: 0o700 });
  } catch (error) {
    throw new StartupError(`${aside} cannot be made: ${asError(error).message}`);
  }
}

async function copyAll(tx: Transaction, folder: string, signal: AbortSignal): Promise<Manifest> {
  const tables: Manifest['tables'] = [];
  for (const table of await tablesOf(tx))
    tables.push({ ...table, columns: [...table.columns], ...(await copyOut(tx, table, folder, signal)) });
  const masters = await tx<{ master: string }[]>`select distinct master from data_keys order by master`;
  const [installed] = await tx<{ draftLog: Manifest['draftLog'] | null }[]>`
    select draft_log as "draftLog" from installation`;
  return {
    format: 1,
    createdAt: new Date().toISOString(),
    migration: newestMigration(),
    masters: masters.map(({ master }) => master),
    draftLog: installed?.draftLog ?? 'postgres',
    sequences: await sequencesOf(tx),
    tables,
  };
}

/** Read after the rows: what was given meanwhile is skipped, and no id is given twice. */
async function sequencesOf(tx: Transaction): Promise<Manifest['sequences']> {
  return tx<Manifest['sequences']>`
    select sequencename as name, last_value::float8 as last from pg_sequences
    where schemaname = current_schema() and last_value is not null order by sequencename`;
}

async function copyOut(tx: Transaction, table: CopiedTable, folder: string, signal: AbortSignal) {
  const path = fileOf(folder, table.name);
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform: (chunk: Buffer, _, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const source = await tx.unsafe(`copy ${columnsOf(table)} to stdout`).readable();
  await pipeline(source, createGzip(), hashing, createWriteStream(path, { mode: 0o600, flush: true }), { signal });
  const [counted] = await tx.unsafe<[{ rows: number }]>(`select count(*)::float8 as rows from ${quoted(table.name)}`);
  return { rows: counted.rows, sha256: hash.digest('hex') };
}

async function writeWhole(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}
