import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { PgDialect } from 'drizzle-orm/pg-core';
import { drizzle, PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { cancelledBy, readAsOfOneMoment } from './cancellable.ts';
import { withSafeTransactions } from './lost-connections.ts';
import { Pulse } from './pulse.ts';
import { bringToNormalForm } from './texts/normal-forms.ts';
import type { Sql, Transaction } from './transaction.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Separate connections for statements that may take long, so that nothing else waits for them. */
const READING_CONNECTIONS = 4;
/** An arbitrary constant that nothing else in the database uses: "cadenza" in ASCII, truncated to 32 bits. */
const MIGRATION_LOCK = 0x63616465;

export type { Sql } from './transaction.ts';
/** A query runner: the pool, or a transaction on one of its connections. */
export type Queryable = Omit<PostgresJsDatabase, '$client'>;

/** The only access to the database: `db` for queries built with Drizzle, `sql` for COPY and raw statements. */
export interface Database extends AsyncDisposable {
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  readonly url: string;
  /**
   * For reading statements that may take long. They are cancelled when the signal aborts, and have connections of their
   * own.
   */
  under(signal: AbortSignal | undefined): Queryable;
  /** The same for several statements, as of one moment. The database itself ends a statement after `mostMs`. */
  asOfOneMoment<Result>(
    terms: { signal: AbortSignal; mostMs: number },
    read: (tx: Transaction) => Promise<Result>,
  ): Promise<Result>;
  /**
   * Listens on a channel over a connection of its own. `onListening` is called whenever it is established, also after a
   * loss.
   */
  listen(channel: string, onMessage: (payload: string) => void, onListening: () => void): Promise<Listening>;
  /** A connection outside the pool, for long use. The caller ends it. */
  connection(): Sql;
}

type Listening = Pick<postgres.ListenMeta, 'unlisten'>;

export interface DatabaseOptions {
  /** Maximum number of connections; 10 by default. */
  connections?: number;
  /** Called with each statement's text before it is sent, so that tests can count statements. */
  onStatement?: (statement: string) => void;
  /** If given, the database is probed continuously, and calls fail at once while it does not answer ([DB8]). */
  watch?: Logger;
}

export function connect(url: string, { connections = 10, onStatement, watch }: DatabaseOptions = {}): Database {
  const pulse = watch && new Pulse(url, watch);
  const options = {
    onnotice: () => undefined,
    connect_timeout: pulse ? 2 : 10,
    // The driver would query the array types on each new connection, and a connection lost during that query causes a
    // rejection that cannot be caught. Drizzle parses arrays itself.
    fetch_types: false,
    // Seconds between attempts while the server is unavailable: short, so that the pool recovers as soon as the server
    // does.
    backoff: (attempt: number) => Math.min(0.1 * attempt, 1),
    connection: { application_name: 'cadenza', TimeZone: 'UTC' },
    ...(pulse && { socket: pulse.open }),
  };
  const pooled = {
    ...options,
    // Calls that wait for a connection must not wait for each other's failures.
    backoff: (attempt: number) => (pulse?.isAway ? 0 : options.backoff(attempt)),
    ...(onStatement && { debug: (_connection: number, statement: string) => onStatement(statement) }),
  };
  const driver = postgres(url, { ...pooled, max: connections });
  const reading = withSafeTransactions(
    postgres(url, { ...pooled, max: Math.min(connections, READING_CONNECTIONS), ...ONE_AT_A_TIME }),
  );
  const listener = postgres(url, options);
  const reads = drizzle({ client: reading, casing: 'snake_case' });
  const sql = withSafeTransactions(driver);
  // If that fails, the database is unavailable, and so the statement fails too.
  const cancel = (pid: number): void => void sql`select pg_cancel_backend(${pid})`.catch(() => undefined);
  return {
    ...{ sql, url, db: drizzle({ client: sql, casing: 'snake_case' }) },
    under: (signal) => (signal ? queriesOf(cancelledBy(reading, signal, cancel)) : reads),
    asOfOneMoment: (terms, read) => readAsOfOneMoment(reading, terms, cancel, read),
    listen: (channel, onMessage, onListening) => listener.listen(channel, onMessage, onListening),
    connection: () => postgres(url, { ...options, max: 1, max_lifetime: null }),
    [Symbol.asyncDispose]: async () => {
      await pulse?.[Symbol.asyncDispose]();
      await Promise.all([listener, reading, sql].map((one) => one.end({ timeout: 5 })));
    },
  };
}

/** Statements are not pipelined, because a cancellation hits whichever is running. */
const ONE_AT_A_TIME = { max_pipeline: 1 };

const dialect = new PgDialect({ casing: 'snake_case' });

/**
 * A Drizzle instance for one operation, on a driver that Drizzle has already set up, so that nothing is looked up
 * again.
 */
const queriesOf = (sql: Sql): Queryable =>
  new PostgresJsDatabase(dialect, new PostgresJsSession(sql, dialect, undefined), undefined);

/**
 * Migrates the schema. Several processes may start at once: the first that gets the advisory lock migrates, the others
 * wait and then have nothing to do ([DB1]).
 * @throws StartupError if a newer build has migrated it ([DB9])
 */
export async function migrateToLatest(url: string, log?: Logger): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 10 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    // Where there is nothing to do, a role that may create nothing is enough ([DB10]).
    if (!(await isMigrated(sql))) await migrate(drizzle({ client: sql, casing: 'snake_case' }), { migrationsFolder });
    await bringToNormalForm(sql, log);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** @throws StartupError when a newer build has: its tables this one would read wrongly, and write worse */
async function isMigrated(sql: Sql): Promise<boolean> {
  const [found] = await sql<{ isThere: boolean }[]>`
    select to_regclass('drizzle.__drizzle_migrations') is not null as "isThere"`;
  if (!found?.isThere) return false;
  const [applied] = await sql<{ newest: number | null }[]>`
    select max(created_at)::float8 as newest from drizzle.__drizzle_migrations`;
  const known = Math.max(...readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis));
  const newest = applied?.newest ?? 0;
  if (newest <= known) return newest === known;
  throw new StartupError(
    'The database was migrated by a newer build of Cadenza, and this one does not know its tables. ' +
      'Start that build, or restore a backup made before it.',
  );
}
