import { systemSleep } from '../../lib/clock.ts';
import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';
import { explainFailure } from '../failures.ts';

/** What one process on a database does at a time, with arbitrary constants that nothing else in the database uses. */
const LOCKS = { training: 0x7475726e, measuring: 0x6d656173 } as const;
const LOOK_MS = 500;

/**
 * Waits until no other process on this database does this, and keeps others from it until it is disposed ([REC16],
 * [BEYOND6]).
 * The lock is held by the process's session and ends with it: with the process, or within a minute if its machine is
 * cut off. A task whose connection is lost continues; at worst another runs beside it. A process has one session, so a
 * second task of its own waits too.
 *
 * The lock is polled. Waiting in the database would be one statement as long as a training, and would keep VACUUM from
 * removing rows deleted meanwhile.
 * @param onWait called once if another process is at it
 * @throws the signal's reason if it aborts
 */
export async function takeTurn(
  database: Database,
  what: keyof typeof LOCKS,
  signal: AbortSignal,
  onWait: () => void = () => undefined,
): Promise<AsyncDisposable> {
  const session = await database.session(signal);
  const { sql } = session;
  const release = () => session[Symbol.asyncDispose]();
  try {
    await noticeDeadMachines(sql);
    for (let looks = 0; !(await isTaken(sql, LOCKS[what])); looks++) {
      if (looks === 0) onWait();
      await systemSleep(LOOK_MS, signal);
    }
    signal.throwIfAborted();
    return { [Symbol.asyncDispose]: release };
  } catch (error) {
    await release();
    signal.throwIfAborted();
    throw explainFailure(error);
  }
}

/** Without this, most systems notice after two hours. */
async function noticeDeadMachines(sql: Sql): Promise<void> {
  await sql`select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false)`;
}

async function isTaken(sql: Sql, lock: number): Promise<boolean> {
  const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${lock}) as taken`;
  return row?.taken === true;
}
