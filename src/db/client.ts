import { randomBytes } from 'node:crypto';
import { PgDialect } from 'drizzle-orm/pg-core';
import { drizzle, PostgresJsDatabase, PostgresJsSession } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { Semaphore } from '../lib/async/semaphore.ts';
import type { Logger } from '../lib/log.ts';
import type { Tracing } from '../lib/tracing/tracing.ts';
import type { Purposes } from './access/purposes.ts';
import { cancelledBy, readAsOfOneMoment } from './connection/cancellable.ts';
import { openDriver } from './connection/driver.ts';
import { withSafeTransactions } from './connection/lost-connections.ts';
import { Pulse } from './connection/pulse.ts';
import { placeOf } from './connection/servers.ts';
import type { Sql, Transaction } from './connection/transaction.ts';
import type { MasterKeys } from './sealing/master-keys.ts';
import { Vault } from './sealing/vault.ts';
import { tracedStatements } from './tracing/traced-statements.ts';

/** Separate connections for statements that may take long, so that nothing else waits for them. */
const READING_CONNECTIONS = 4;

export type { Sql } from './connection/transaction.ts';
/** A query runner: the pool, or a transaction on one of its connections. */
export type Queryable = Omit<PostgresJsDatabase, '$client'>;

/** The only access to the database: `db` for queries built with Drizzle, `sql` for COPY and raw statements. */
export interface Database extends AsyncDisposable {
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  readonly url: string;
  /** The application_name of the connection that listens, which no other process has. */
  readonly listenerName: string;
  /** Encrypts what people write. */
  readonly vault: Vault;
  /** What the feedback of listeners who have not said may be used for. */
  readonly consentUnlessSaid: Readonly<Purposes>;
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
  /**
   * A connection outside the pool, for long use: there is one at a time, and who comes later waits until it is disposed of.
   * @throws the signal's reason if it aborts before
   */
  session(signal: AbortSignal): Promise<DatabaseSession>;
  /** Number of open connections; 0 if they are not watched. */
  openConnections(): number;
}

interface DatabaseSession extends AsyncDisposable {
  readonly sql: Sql;
}

type Listening = Pick<postgres.ListenMeta, 'unlisten'>;

export interface DatabaseOptions {
  /** Maximum number of connections for statements; 10 by default. */
  connections?: number;
  /** Of these and besides them, connections for reading statements that may take long. At most as many as the others. */
  reading?: number;
  /** The schema of the tables. Without it, the first of the server's search_path. */
  schema?: string | null;
  /** Called with each statement's text before it is sent, so that tests can count statements. */
  onStatement?: (statement: string) => void;
  /** Without any, what people write is stored as it is. */
  masterKeys?: MasterKeys | null;
  /** Without it, all of it. */
  consentUnlessSaid?: Readonly<Purposes>;
  /** If given, statements within requests are traced. */
  tracing?: Tracing | null;
  /** If given, the database is probed continuously, and calls fail at once while it does not answer ([DB8]). */
  watch?: Logger;
}

/** @throws StartupError if a file that the URL names cannot be read */
export function connect(url: string, { connections = 10, ...given }: DatabaseOptions = {}): Database {
  const {
    reading: readers = READING_CONNECTIONS,
    schema = null,
    masterKeys = null,
    onStatement,
    watch,
    tracing,
  } = given;
  const { consentUnlessSaid = { training: true, analytics: true } } = given;
  const place = placeOf(url, schema);
  // A database that was restored may lack data keys that this node knows: what they encrypt would be lost.
  const pulse = watch && new Pulse(place, watch, () => vault.forget());
  const options = {
    connect_timeout: pulse ? 2 : 10,
    // Seconds between attempts while the server is unavailable: short, so that the pool recovers as soon as the server
    // does.
    backoff: (attempt: number) => Math.min(0.1 * attempt, 1),
    ...(pulse && { socket: pulse.open }),
  };
  const pooled = {
    ...options,
    // Calls that wait for a connection must not wait for each other's failures.
    backoff: (attempt: number) => (pulse?.isAway ? 0 : options.backoff(attempt)),
    ...(onStatement && { debug: (_connection: number, statement: string) => onStatement(statement) }),
  };
  const driver = openDriver(place, { ...pooled, max: connections });
  const traced = (sql: Sql): Sql => (tracing ? tracedStatements(sql, tracing) : sql);
  const reading = traced(
    withSafeTransactions(openDriver(place, { ...pooled, max: Math.min(connections, readers), ...ONE_AT_A_TIME })),
  );
  const reads = drizzle({ client: reading, casing: 'snake_case' });
  const listenerName = `cadenza ${randomBytes(6).toString('hex')}`;
  const listener = openDriver(place, { ...options, connection: { application_name: listenerName } });
  const sql = traced(withSafeTransactions(driver));
  const vault = new Vault(sql, masterKeys);
  // If that fails, the database is unavailable, and so the statement fails too.
  const cancel = (pid: number): void => void sql`select pg_cancel_backend(${pid})`.catch(() => undefined);
  const sessions = new Semaphore(1);
  return {
    ...{ sql, url, listenerName, vault, consentUnlessSaid, db: drizzle({ client: sql, casing: 'snake_case' }) },
    under: (signal) => (signal ? queriesOf(cancelledBy(reading, signal, cancel)) : reads),
    asOfOneMoment: (terms, read) => readAsOfOneMoment(reading, terms, cancel, read),
    listen: (channel, onMessage, onListening) => listener.listen(channel, onMessage, onListening),
    session: async (signal) => {
      const leave = await sessions.acquire(signal);
      const session = openDriver(place, { ...options, max: 1, max_lifetime: null });
      return { sql: session, [Symbol.asyncDispose]: () => session.end({ timeout: 1 }).finally(leave) };
    },
    openConnections: () => pulse?.openLines() ?? 0,
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
