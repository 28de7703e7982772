import { join } from 'node:path';
import type { Config } from '../config.ts';
import { acquiring } from '../lib/async/disposal.ts';
import { retry } from '../lib/async/retry.ts';
import { maskPassword } from '../lib/database-url.ts';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Tracing } from '../lib/tracing/tracing.ts';
import { connect, type Database, type DatabaseOptions } from './client.ts';
import { openDriver } from './connection/driver.ts';
import { placeOf } from './connection/servers.ts';
import { keepsSessions } from './connection/sessions.ts';
import { POOLED, startupError, throwIfUnusable } from './connection/startup-errors.ts';
import { startCluster } from './embedded/embedded.ts';
import { isAway } from './failures.ts';
import { migrateToLatest, USUAL_SCHEMA } from './migrations.ts';
import { selectServerFacts, type ServerFacts } from './queries/server-queries.ts';
import type { MasterKeys } from './sealing/master-keys.ts';
import { openLocalMasterKeys, openMasterKeys } from './sealing/open-master-keys.ts';

export interface OpenDatabaseOptions {
  /** How long to wait for a database that does not answer yet. */
  patienceMs?: number;
  /** Ends the waiting. */
  signal?: AbortSignal;
  /** If given, statements within requests are traced. */
  tracing?: Tracing | null;
}

/** Which database, and how it is used. */
export type DatabaseConfig = Pick<Config, 'databaseUrl' | 'dataDir'> &
  Partial<Pick<Config, 'databaseSchema' | 'databaseConnections' | 'masterKey' | 'consentUnlessSaid'>>;

/**
 * Opens the configured database, once it answers, is recent enough and migrated: the one of DATABASE_URL, otherwise the
 * embedded one in the data folder. Disposing it ends the connections and stops the embedded server.
 * @throws StartupError that tells an operator what to do ([DB2], [DB4])
 */
export function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  { patienceMs = 30_000, signal, tracing = null }: OpenDatabaseOptions = {},
): Promise<Database> {
  return acquiring(async (disposal) => {
    const url = config.databaseUrl ?? (await embeddedUrl(join(config.dataDir, 'postgres')));
    const name = config.databaseUrl ? `The database ${maskPassword(url)}` : 'The embedded PostgreSQL';
    const { databaseSchema = USUAL_SCHEMA } = config;
    try {
      const facts = await factsOnceThere(url, log, name, patienceMs, signal);
      throwIfUnusable(facts, name);
      // A pooler may refuse the setting, so it is only sent where the server would look elsewhere.
      const schema = facts.schema === databaseSchema ? null : databaseSchema;
      if (config.databaseUrl && !(await keepsSessions(placeOf(url, schema))))
        throw new StartupError(`${name} ${POOLED}`);
      await migrateToLatest(url, log, schema);
      const masterKeys = await masterKeysOf(config);
      const database = disposal.use(
        connect(url, { ...poolOf(config), ...consentDefaultOf(config), schema, masterKeys, tracing, watch: log }),
      );
      await database.vault.checkMasters();
      return { ...database, [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose]() };
    } catch (error) {
      throw startupError(error, name, databaseSchema);
    }

    async function embeddedUrl(directory: string): Promise<string> {
      const cluster = await startCluster({ directory, log });
      disposal.defer(() => cluster.stop());
      await ensureDatabase(cluster.url(), DATABASE);
      return cluster.url(DATABASE);
    }
  });
}

/** Connections of a node besides its pools: for wake-ups, the pulse, and one session. */
const CONNECTIONS_APART = 3;

function poolOf({ databaseConnections = 8 }: DatabaseConfig): Pick<DatabaseOptions, 'connections' | 'reading'> {
  const reading = Math.max(2, Math.floor(databaseConnections / 4));
  return { connections: databaseConnections - CONNECTIONS_APART - reading, reading };
}

export const consentDefaultOf = ({ consentUnlessSaid }: DatabaseConfig): Pick<DatabaseOptions, 'consentUnlessSaid'> =>
  consentUnlessSaid ? { consentUnlessSaid } : {};

/** Null if what people write is stored as it is ([SEAL2]). */
export async function masterKeysOf({
  masterKey = null,
  databaseUrl,
  dataDir,
}: DatabaseConfig): Promise<MasterKeys | null> {
  if (masterKey) return openMasterKeys(masterKey);
  return databaseUrl === null ? openLocalMasterKeys(dataDir) : null;
}

export const DATABASE = 'cadenza';

async function ensureDatabase(url: string, name: string): Promise<void> {
  await using admin = connect(url, { connections: 1 });
  const [existing] = await admin.sql`select 1 from pg_database where datname = ${name}`;
  if (!existing) await admin.sql`create database ${admin.sql(name)}`;
}

/** Retries each second while nothing answers: in a group of containers the database may start later than the server. */
async function factsOnceThere(
  url: string,
  log: Logger,
  name: string,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<ServerFacts> {
  const sql = openDriver(placeOf(url), { max: 1, prepare: false, connect_timeout: 2 });
  const deadline = performance.now() + patienceMs;
  let isTold = false;
  const onFailure = (error: unknown): void => {
    if (!isAway(error) || performance.now() > deadline) throw error;
    if (!isTold) log.warn(`${name} does not answer yet; waiting for it up to ${patienceMs / 1000} seconds`);
    isTold = true;
  };
  const waitMs = Math.min(1000, patienceMs / 10);
  const backoff = { firstMs: waitMs, longestMs: waitMs };
  try {
    return await retry(() => selectServerFacts(sql), { backoff, signal, onFailure });
  } finally {
    await sql.end({ timeout: 1 });
  }
}
