import postgres from 'postgres';
import { StartupError } from '../../lib/errors.ts';

/** An arbitrary constant that nothing else in the cluster uses: "guard" in ASCII. */
const GUARD_LOCK = 0x67756172;

/**
 * The right to use a cluster, held by one process at a time. It is an advisory lock in the cluster itself, on a
 * connection of its own, and ends with the process that holds it or the server that grants it, so it is never stale.
 */
export interface Guard {
  /** Settles when the connection ends. That shows the death of the server, whether we started or adopted it. */
  readonly lost: Promise<void>;
  release(): Promise<void>;
}

export type GuardAttempt =
  | { kind: 'taken'; guard: Guard }
  | { kind: 'held'; holder: string }
  /** The server is starting, stopping or replaying its log after a crash. */
  | { kind: 'not ready' }
  | { kind: 'unreachable' };

/** @throws StartupError if the server refuses us permanently */
export async function tryGuard(url: string): Promise<GuardAttempt> {
  let lost = (): void => undefined;
  const whenLost = new Promise<void>((resolve) => (lost = resolve));
  const sql = postgres(url, {
    max: 1,
    max_lifetime: null,
    connect_timeout: 10,
    onclose: () => lost(),
    onnotice: () => undefined,
    connection: { application_name: `cadenza, process ${process.pid}` },
  });
  const release = () => sql.end({ timeout: 1 });
  try {
    const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${GUARD_LOCK}) as taken`;
    if (row?.taken) return { kind: 'taken', guard: { lost: whenLost, release } };
    const holder = await holderOf(sql);
    await release();
    return { kind: 'held', holder };
  } catch (error) {
    await release();
    return failedAttempt(error);
  }
}

async function holderOf(sql: postgres.Sql): Promise<string> {
  const [row] = await sql<{ application_name: string }[]>`
    select application_name from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and objid = ${GUARD_LOCK} and granted`;
  return row?.application_name.replace('cadenza, ', '') ?? 'a process that has just ended';
}

/** cannot_connect_now, admin_shutdown, crash_shutdown */
const PASSING = ['57P03', '57P01', '57P02'];
const INVALID_PASSWORD = '28P01';

function failedAttempt(error: unknown): GuardAttempt {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (PASSING.includes(code)) return { kind: 'not ready' };
  if (code === INVALID_PASSWORD) {
    throw new StartupError(
      'The embedded PostgreSQL does not accept the password in its folder (data/cadenza.password): either the file was ' +
        'changed, or the folder combines two backups. Restore both from one backup.',
    );
  }
  if (/^\d/.test(code)) throw new StartupError(`The embedded PostgreSQL refuses us: ${message}`);
  return { kind: 'unreachable' };
}
