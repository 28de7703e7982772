import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { StartupError } from '../../lib/errors.ts';
import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import { copyChunks } from '../imports/import-copy.ts';
import { newestMigration } from '../migrations.ts';
import { type MasterKeys, missingMaster } from '../sealing/master-keys.ts';
import { fileOf, type Manifest } from './manifest.ts';
import { columnsOf, quoted, tablesOf } from './tables.ts';

/** Whether the backup can be restored by this build, with these master keys. @throws StartupError that says why not */
export function checkFits({ migration, masters, createdAt }: Manifest, keys: MasterKeys | null): void {
  const missing = masters.filter((id) => !keys?.has(id));
  if (missing.length > 0) throw missingMaster(missing);
  if (migration === newestMigration()) return;
  const other = migration < newestMigration() ? 'an older' : 'a newer';
  throw new StartupError(
    `The backup of ${createdAt} was made by ${other} build of Cadenza, with other tables: restore it with that build, and then ` +
      (migration < newestMigration() ? 'start this one, which brings them up to date.' : 'upgrade this one.'),
  );
}

/**
 * Fills an empty database with what the backup holds: all of it or nothing ([OPS6]). Nodes have to be stopped.
 * @throws StartupError if there is something in the database
 */
export async function restoreBackup(
  database: Database,
  { folder, manifest }: { folder: string; manifest: Manifest },
  signal: AbortSignal,
): Promise<void> {
  await using session = await database.session(signal);
  await session.sql.begin(async (tx) => {
    const tables = await tablesOf(tx);
    const there = new Map(tables.map((table) => [table.name, columnsOf(table)]));
    for (const { name } of tables) await refuseIfUsed(tx, name);
    for (const saved of manifest.tables) {
      if (there.get(saved.name) !== columnsOf(saved))
        throw new StartupError(`The backup's table ${saved.name} is another than this build's.`);
    }
    await tx`delete from installation`;
    // In the order of this database: each after those that its rows refer to.
    for (const { name } of tables) {
      const saved = manifest.tables.find((one) => one.name === name);
      if (saved) await copyIn(tx, saved, folder, signal);
    }
    for (const { name, last } of manifest.sequences) await tx`select setval(${quoted(name)}::regclass, ${last})`;
  });
}

/** The installation is noted when the tables are made, or by the first node. Nodes note themselves while they run. */
const EARLY = ['installation'];

async function refuseIfUsed(tx: Transaction, table: string): Promise<void> {
  if (EARLY.includes(table)) return;
  const [row] = await tx.unsafe<[{ used: boolean }]>(`select exists (select from ${quoted(table)}) as used`);
  if (row.used)
    throw new StartupError(
      `The database is not empty (${table}): name a new one in DATABASE_URL, or a new CADENZA_DATA_DIR.`,
    );
}

async function copyIn(
  tx: Transaction,
  saved: Manifest['tables'][number],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const take = (rows: AsyncIterable<Uint8Array>) => copyChunks(tx, columnsOf(saved), rows);
  await pipeline(createReadStream(fileOf(folder, saved.name)), createGunzip(), take, { signal });
  const [counted] = await tx.unsafe<[{ rows: number }]>(`select count(*)::float8 as rows from ${quoted(saved.name)}`);
  if (counted.rows !== saved.rows) throw new Error(`${saved.name} got ${counted.rows} rows of ${saved.rows}`);
}
