import { join, resolve } from 'node:path';
import type { Logger } from '../../lib/log.ts';
import { connect, type Database } from '../client.ts';
import { findPostmaster, openClusterFiles } from '../embedded/cluster-files.ts';
import { tryGuard } from '../embedded/cluster-guard.ts';
import { migrateToLatest, USUAL_SCHEMA } from '../migrations.ts';
import {
  consentDefaultOf,
  DATABASE,
  type DatabaseConfig,
  masterKeysOf,
  openDatabase,
  type OpenDatabaseOptions,
} from '../open.ts';

/**
 * Opens the configured database for a command that may run beside a server. If a running server keeps the embedded
 * cluster, the command uses that server; stopping it ends this connection too.
 * @throws StartupError, as `openDatabase`
 */
export async function openDatabaseBeside(
  config: DatabaseConfig,
  log: Logger,
  options: OpenDatabaseOptions = {},
): Promise<Database> {
  const running = config.databaseUrl === null ? await runningCluster(join(config.dataDir, 'postgres')) : null;
  if (running === null) return openDatabase(config, log, options);
  const schema = config.databaseSchema === USUAL_SCHEMA ? null : config.databaseSchema;
  await migrateToLatest(running, log, schema);
  const masterKeys = await masterKeysOf(config);
  const database = connect(running, { ...(schema && { schema }), ...consentDefaultOf(config), masterKeys });
  await database.vault.checkMasters();
  return database;
}

/** The URL of our database in a cluster kept by another process of ours. Null if there is none. */
async function runningCluster(directory: string): Promise<string | null> {
  const postmaster = await findPostmaster(join(resolve(directory), 'data'));
  if (postmaster?.port == null) return null;
  const { password } = await openClusterFiles(directory);
  const url = (database: string) => `postgres://cadenza:${password}@127.0.0.1:${postmaster.port}/${database}`;
  const attempt = await tryGuard(url('postgres'));
  // Nobody keeps the cluster. The caller will adopt its server.
  if (attempt.kind === 'taken') await attempt.guard.release();
  return attempt.kind === 'held' ? url(DATABASE) : null;
}
