import type { Database } from './client.ts';
import type { Transaction } from './track-merge.ts';

/**
 * Runs an import as one transaction: all of it stays or none. Imports take turns, since each compares with what is there.
 * The signal ends it even in the middle of a statement.
 */
export async function importTransaction<Result>(
  { sql }: Database,
  signal: AbortSignal | undefined,
  run: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  let cancel = (): void => undefined;
  try {
    return (await sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      cancel = () => void sql`select pg_cancel_backend(${row?.pid ?? 0})`.catch(() => undefined);
      signal?.addEventListener('abort', cancel, { once: true });
      // Sorting and hashing millions of rows: the default of 4 MB would go through the disk.
      await tx`set local work_mem = '64MB'`;
      await tx`select pg_advisory_xact_lock(hashtext('cadenza:import'))`;
      const result = await run(tx);
      signal?.throwIfAborted();
      return result;
    })) as Result;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
