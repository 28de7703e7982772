import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { DiskFullError, ServiceUnavailableError } from '../lib/errors.ts';
import { withSafeTransactions } from './lost-connections.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Any constant does, as long as nothing else in the database uses it: "cadenza" in ASCII, cut to 32 bits. */
const MIGRATION_LOCK = 0x63616465;

export type Sql = postgres.Sql;
/** A query runner: the pool, or a transaction on one of its connections. */
export type Queryable = Omit<PostgresJsDatabase, '$client'>;

/** The one way to the database: `db` for queries built with Drizzle, `sql` for COPY, LISTEN and raw statements. */
export interface Database extends AsyncDisposable {
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  readonly url: string;
}

export interface DatabaseOptions {
  /** Connections at most; 10 unless told. */
  connections?: number;
  /** Called with each statement's text before it is sent: what tests count statements with. */
  onStatement?: (statement: string) => void;
}

export function connect(url: string, { connections = 10, onStatement }: DatabaseOptions = {}): Database {
  const driver = postgres(url, {
    max: connections,
    onnotice: () => undefined,
    connect_timeout: 10,
    // The driver would ask for the array types on each new connection, and a connection that dies during that question is
    // a rejection that nobody can catch. Drizzle parses its arrays itself.
    fetch_types: false,
    // Seconds between tries while the server is away: short, so that the pool is back as soon as the server is.
    backoff: (attempt) => Math.min(0.1 * attempt, 1),
    connection: { application_name: 'cadenza', TimeZone: 'UTC' },
    ...(onStatement && { debug: (_connection: number, statement: string) => onStatement(statement) }),
  });
  const sql = withSafeTransactions(driver);
  const db = drizzle({ client: sql, casing: 'snake_case' });
  return { sql, db, url, [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) };
}

/** Codes of a connection that cannot be had or was lost, by Node.js, by the driver, and SQLSTATEs by the server. */
const AWAY = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'],
  ...['57P01', '57P02', '57P03', '53300', '08000', '08003', '08006'],
]);

/** Whether this failure, or one that caused it, means that the database does not answer at present. */
export const isAway = (error: unknown): boolean => hasCode(error, (code) => AWAY.has(code));

/** Whether the database took offence at the values themselves (SQLSTATE classes 22 and 23): the same call fails for ever. */
export const isRefused = (error: unknown): boolean => hasCode(error, (code) => /^2[23]\w{3}$/.test(code));

/** disk_full */
const isOutOfRoom = (error: unknown): boolean => hasCode(error, (code) => code === '53100');

function hasCode(error: unknown, matches: (code: string) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && typeof error.code === 'string' && matches(error.code)) || hasCode(error.cause, matches);
}

/**
 * What a failure of this room means to a caller: ServiceUnavailableError when the database does not answer, the same call
 * being good later ([DB6]), DiskFullError when it has no room ([DB7]); any other failure is itself.
 */
export function explainFailure(error: unknown): unknown {
  const failure = isAway(error)
    ? new ServiceUnavailableError('The database does not answer at present. Try again in a moment.')
    : isOutOfRoom(error)
      ? new DiskFullError('The disk of the database is full, and nothing was changed. Make room on it, then try again.')
      : null;
  if (!failure) return error;
  failure.cause = error;
  return failure;
}

/**
 * Brings the schema up to date. Several processes may start at once: the first to take the advisory lock migrates, the
 * others wait and find nothing to do (SPEC [DB1]).
 */
export async function migrateToLatest(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 10 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrate(drizzle({ client: sql, casing: 'snake_case' }), { migrationsFolder });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
