import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';
import type { Transaction } from '../connection/transaction.ts';
import { explainFailure } from '../failures.ts';

/**
 * Runs an import as one transaction, all or nothing ([IMP1]). Imports take turns, because each compares with existing
 * data. The signal ends it even during a statement.
 */
export async function importTransaction<Result>(
  { sql }: Database,
  signal: AbortSignal | undefined,
  run: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  try {
    return (await sql.begin(async (tx) => {
      await using _ = await cancelOnAbort(sql, tx, signal);
      signal?.throwIfAborted();
      // For sorting and hashing millions of rows. The default of 4 MB would use the disk.
      await tx`set local work_mem = '64MB'`;
      await tx`select pg_advisory_xact_lock(hashtext('cadenza:import'))`;
      const result = await run(tx);
      signal?.throwIfAborted();
      return result;
    })) as Result;
  } catch (error) {
    signal?.throwIfAborted();
    throw explainFailure(error);
  }
}

const CANCEL_AGAIN_MS = 100;

/** Disposing it waits for a cancellation in progress, which would otherwise hit the connection's next statement. */
async function cancelOnAbort(sql: Sql, tx: Transaction, signal: AbortSignal | undefined): Promise<AsyncDisposable> {
  const [row] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`;
  const ended = new AbortController();
  // Repeatedly, because a cancellation between two statements has no effect.
  const cancel = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await sql`select pg_cancel_backend(${row.pid})`;
      await delay(CANCEL_AGAIN_MS, undefined, { signal: ended.signal });
    }
  };
  let cancelling = Promise.resolve();
  const onAbort = (): void => {
    cancelling = cancel().catch(() => undefined);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    [Symbol.asyncDispose]: async () => {
      signal?.removeEventListener('abort', onAbort);
      ended.abort();
      await cancelling;
    },
  };
}
