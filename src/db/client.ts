import { fileURLToPath } from 'node:url';
import { PgDialect } from 'drizzle-orm/pg-core';
import { drizzle, PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import type { Logger } from '../lib/log.ts';
import { cancelledBy } from './cancellable.ts';
import { withSafeTransactions } from './lost-connections.ts';
import { bringToNormalForm } from './normal-forms.ts';
import { Pulse } from './pulse.ts';
import type { Sql } from './transaction.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Of those that run what may take long, so that nothing else waits for it. */
const READING_CONNECTIONS = 4;
/** Any constant does, as long as nothing else in the database uses it: "cadenza" in ASCII, cut to 32 bits. */
const MIGRATION_LOCK = 0x63616465;

export type { Sql } from './transaction.ts';
/** A query runner: the pool, or a transaction on one of its connections. */
export type Queryable = Omit<PostgresJsDatabase, '$client'>;

/** The one way to the database: `db` for queries built with Drizzle, `sql` for COPY and raw statements. */
export interface Database extends AsyncDisposable {
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  readonly url: string;
  /** For what only reads, and may take long: cancelled once the signal aborts. On connections of its own. */
  under(signal: AbortSignal | undefined): Queryable;
  /** Hears a channel on a connection of its own, found again whenever it is lost: each time `onListening` is called. */
  listen(channel: string, onMessage: (payload: string) => void, onListening: () => void): Promise<Listening>;
  /** A connection of its own beside the pool, for what lasts as long as the caller keeps it; the caller ends it. */
  connection(): Sql;
}

type Listening = Pick<postgres.ListenMeta, 'unlisten'>;

export interface DatabaseOptions {
  /** Connections at most; 10 unless told. */
  connections?: number;
  /** Called with each statement's text before it is sent: what tests count statements with. */
  onStatement?: (statement: string) => void;
  /** Where it is given, the database is asked again and again whether it is there, and calls fail at once while it is not ([DB8]). */
  watch?: Logger;
}

export function connect(url: string, { connections = 10, onStatement, watch }: DatabaseOptions = {}): Database {
  const pulse = watch && new Pulse(url, watch);
  const options = {
    onnotice: () => undefined,
    connect_timeout: pulse ? 2 : 10,
    // The driver would ask for the array types on each new connection, and a connection that dies during that question is
    // a rejection that nobody can catch. Drizzle parses its arrays itself.
    fetch_types: false,
    // Seconds between tries while the server is away: short, so that the pool is back as soon as the server is.
    backoff: (attempt: number) => Math.min(0.1 * attempt, 1),
    connection: { application_name: 'cadenza', TimeZone: 'UTC' },
    ...(pulse && { socket: pulse.open }),
  };
  const pooled = {
    ...options,
    // Calls that wait for a connection must not wait for one another's failures.
    backoff: (attempt: number) => (pulse?.isAway ? 0 : options.backoff(attempt)),
    ...(onStatement && { debug: (_connection: number, statement: string) => onStatement(statement) }),
  };
  const driver = postgres(url, { ...pooled, max: connections });
  const reading = postgres(url, { ...pooled, max: Math.min(connections, READING_CONNECTIONS), ...ONE_AT_A_TIME });
  const listener = postgres(url, options);
  const reads = drizzle({ client: reading, casing: 'snake_case' });
  const sql = withSafeTransactions(driver);
  // Where that fails, the database is away, and so is the statement.
  const cancel = (pid: number): void => void sql`select pg_cancel_backend(${pid})`.catch(() => undefined);
  return {
    ...{ sql, url, db: drizzle({ client: sql, casing: 'snake_case' }) },
    under: (signal) => (signal ? queriesOf(cancelledBy(reading, signal, cancel)) : reads),
    listen: (channel, onMessage, onListening) => listener.listen(channel, onMessage, onListening),
    connection: () => postgres(url, { ...options, max: 1, max_lifetime: null }),
    [Symbol.asyncDispose]: async () => {
      await pulse?.[Symbol.asyncDispose]();
      await Promise.all([listener, reading, sql].map((one) => one.end({ timeout: 5 })));
    },
  };
}

/** Statements are not sent ahead of those before them: a cancellation would hit whichever runs. */
const ONE_AT_A_TIME = { max_pipeline: 1 };

const dialect = new PgDialect({ casing: 'snake_case' });

/** Drizzle on a driver that it knows already, for one operation: without what it looks up anew otherwise. */
const queriesOf = (sql: Sql): Queryable =>
  new PostgresJsDatabase(dialect, new PostgresJsSession(sql, dialect, undefined), undefined);

/**
 * Brings the schema up to date. Several processes may start at once: the first to take the advisory lock migrates, the
 * others wait and find nothing to do (SPEC [DB1]).
 */
export async function migrateToLatest(url: string, log?: Logger): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 10 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrate(drizzle({ client: sql, casing: 'snake_case' }), { migrationsFolder });
    await bringToNormalForm(sql, log);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
