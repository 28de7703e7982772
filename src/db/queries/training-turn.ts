import { systemSleep } from '../../lib/clock.ts';
import type { Database } from '../client.ts';
import { explainFailure } from '../failures.ts';
import type { Sql } from '../transaction.ts';

/** Any constant does, as long as nothing else in the database uses it: "turn" in ASCII. */
const TURN_LOCK = 0x7475726e;
const LOOK_MS = 500;

/**
 * Waits until no other process on this database trains; until it is disposed, none does ([REC16]). The lock is kept by a
 * connection of its own and dies with it: with the process, and within a minute with a machine that is cut off. A training
 * whose connection is lost goes on, since at worst another is done beside it.
 *
 * Looked at again and again, and not waited for in the database: a statement that takes as long as a training would keep
 * VACUUM from all that is deleted meanwhile.
 * @param onWait called once, when another process is found training
 * @throws the signal's reason when it aborts
 */
export async function takeTrainingTurn(
  database: Database,
  signal: AbortSignal,
  onWait: () => void = () => undefined,
): Promise<AsyncDisposable> {
  signal.throwIfAborted();
  const sql = database.connection();
  const release = () => sql.end({ timeout: 1 });
  try {
    await noticeDeadMachines(sql);
    for (let looks = 0; !(await isTaken(sql)); looks++) {
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

/** Two hours, in most systems, unless told. */
async function noticeDeadMachines(sql: Sql): Promise<void> {
  await sql`select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false)`;
}

async function isTaken(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${TURN_LOCK}) as taken`;
  return row?.taken === true;
}
