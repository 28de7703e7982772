import { join } from 'node:path';
import type { Config } from '../config.ts';
import { acquiring } from '../lib/async/disposal.ts';
import { retry } from '../lib/async/retry.ts';
import { maskPassword } from '../lib/database-url.ts';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { connect, type Database, migrateToLatest } from './client.ts';
import { startCluster } from './embedded/embedded.ts';
import { isAway } from './failures.ts';
import { selectServerVersion, type ServerVersion } from './queries/server-queries.ts';
import { keepsSessions } from './sessions.ts';

export interface OpenDatabaseOptions {
  /** How long to wait for a database that does not answer yet. */
  patienceMs?: number;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/**
 * Opens the configured database, once it answers, is recent enough and migrated: the one of DATABASE_URL, otherwise the
 * embedded one in the data folder. Disposing it ends the connections and stops the embedded server.
 * @throws StartupError that tells an operator what to do ([DB2], [DB4])
 */
export function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Logger,
  { patienceMs = 30_000, signal }: OpenDatabaseOptions = {},
): Promise<Database> {
  return acquiring(async (disposal) => {
    const url = config.databaseUrl ?? (await embeddedUrl(join(config.dataDir, 'postgres')));
    const name = config.databaseUrl ? `The database ${maskPassword(url)}` : 'The embedded PostgreSQL';
    const database = disposal.use(connect(url, { watch: log }));
    try {
      const { number, text, encoding } = await versionOnceThere(database, log, name, patienceMs, signal);
      if (number < OLDEST_VERSION * 10_000)
        throw new StartupError(`${name} is PostgreSQL ${text}; Cadenza needs ${OLDEST_VERSION} or later.`);
      if (encoding !== 'UTF8') throw new StartupError(`${name} has the encoding ${encoding}; ${MAKE_UTF8}`);
      if (config.databaseUrl && !(await keepsSessions(url))) throw new StartupError(`${name} ${POOLED}`);
      await migrateToLatest(url, log);
    } catch (error) {
      throw startupError(error, name);
    }
    return { ...database, [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose]() };

    async function embeddedUrl(directory: string): Promise<string> {
      const cluster = await startCluster({ directory, log });
      disposal.defer(() => cluster.stop());
      await ensureDatabase(cluster.url(), DATABASE);
      return cluster.url(DATABASE);
    }
  });
}

export const DATABASE = 'cadenza';

async function ensureDatabase(url: string, name: string): Promise<void> {
  await using admin = connect(url, { connections: 1 });
  const [existing] = await admin.sql`select 1 from pg_database where datname = ${name}`;
  if (!existing) await admin.sql`create database ${admin.sql(name)}`;
}

const POOLED =
  'is reached through a pooler in transaction mode (PgBouncer?), where wake-ups between nodes and locks are lost: set ' +
  'pool_mode=session for it, or name the server itself in DATABASE_URL.';
const OLDEST_VERSION = 15;
const MAKE_UTF8 = "Cadenza needs UTF8: create database NAME encoding 'UTF8' template template0.";

/** Retries each second while nothing answers: in a group of containers the database may start later than the server. */
async function versionOnceThere(
  database: Database,
  log: Logger,
  name: string,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<ServerVersion> {
  const deadline = performance.now() + patienceMs;
  let isTold = false;
  const onFailure = (error: unknown): void => {
    if (!isAway(error) || performance.now() > deadline) throw error;
    if (!isTold) log.warn(`${name} does not answer yet; waiting for it up to ${patienceMs / 1000} seconds`);
    isTold = true;
  };
  const waitMs = Math.min(1000, patienceMs / 10);
  const backoff = { firstMs: waitMs, longestMs: waitMs };
  return retry(() => selectServerVersion(database), { backoff, signal, onFailure });
}

function startupError(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof StartupError) return error;
  const { code = '', message } = rootOf(error);
  const remedy =
    remedies[code] ??
    (isAway(error)
      ? `does not answer (${code}): is it running, and are host and port in DATABASE_URL right?`
      : undefined);
  return remedy ? new StartupError(`${name} ${remedy}`) : asRefusal(error, `${name} cannot be used: ${message}`, code);
}

/** For any other SQLSTATE or a TLS failure, the server's own message is the best explanation. */
function asRefusal(error: Error, message: string, code: string): Error {
  return /^[\dA-Z]{5}$|^ERR_|CERT|TLS|SSL/.test(code) ? new StartupError(message) : error;
}

const remedies: Partial<Record<string, string>> = {
  '28P01': 'refuses the user or the password in DATABASE_URL.',
  '28000': 'refuses this user: see its pg_hba.conf, and the user in DATABASE_URL.',
  '3D000': 'has no database of the name in DATABASE_URL: create it, or correct the name.',
  '42501':
    'does not let this user create tables: grant it CREATE on the database and its schema “public”, or run ' +
    '`npm run migrate` as a user who may.',
  '53300': 'has no connection left for this node: raise its max_connections, or run fewer nodes.',
  '25006': 'is read-only (a standby?): DATABASE_URL has to name the primary.',
};

function rootOf(error: Error): NodeJS.ErrnoException {
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}
