import type { Sql, Transaction } from './transaction.ts';

/** Number of times that a statement is sent if it is hit by the cancellation of the previous one on its connection. */
const ATTEMPTS = 3;
/** query_canceled */
const CANCELLED = '57014';

/**
 * A driver for reading statements, which are cancelled in the database when the signal aborts. A cancellation names a
 * connection and not a statement: one that arrives late hits the next statement, which is then sent again. So these
 * connections are shared with no others, least of all with writing statements.
 *
 * @param cancel called with the statement's process in the database. The driver's own way of cancelling causes a
 * rejection that cannot be caught if the database is unavailable.
 */
export function cancelledBy(sql: Sql, signal: AbortSignal, cancel: (pid: number) => void): Sql {
  const unsafe = (...args: Parameters<typeof sql.unsafe>) => {
    const send = () => sql.unsafe(...args);
    const rows = () => untilAborted(signal, cancel, send);
    return {
      values: () => untilAborted(signal, cancel, () => send().values()),
      then: (...handlers: Parameters<Promise<unknown>['then']>) => rows().then(...handlers),
    };
  };
  return new Proxy(sql, {
    get: (target, key) => (key === 'unsafe' ? unsafe : (Reflect.get(target, key) as unknown)),
  });
}

/**
 * Reads with several statements as of one moment. They are cancelled like single ones. `mostMs` is the database's own limit for
 * each, for a process that can no longer cancel anything.
 */
export async function readAsOfOneMoment<Result>(
  sql: Sql,
  { signal, mostMs }: { signal: AbortSignal; mostMs: number },
  cancel: (pid: number) => void,
  read: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return again(signal, async () => {
    let pid: number | null = null;
    const stop = (): void => {
      if (pid !== null) cancel(pid);
    };
    signal.addEventListener('abort', stop);
    try {
      const result = await sql.begin('isolation level repeatable read read only', async (tx) => {
        const [begun] = await tx<[{ pid: number }]>`
          select pg_backend_pid() as pid, set_config('statement_timeout', ${String(mostMs)}, true)`;
        pid = begun.pid;
        signal.throwIfAborted();
        const rows = await read(tx);
        // Its last statement has ended, and a cancellation would hit that of somebody else.
        pid = null;
        return { rows };
      });
      return result.rows;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
}

interface Cancellable<Rows> extends Promise<Rows> {
  cancel(): void;
}

async function untilAborted<Rows>(
  signal: AbortSignal,
  cancel: (pid: number) => void,
  send: () => Cancellable<Rows>,
): Promise<Rows> {
  return again(signal, async () => {
    const query = send();
    const stop = (): void => {
      const pid = pidOf(query);
      if (pid === null) query.cancel();
      else cancel(pid);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await query;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
}

/** Repeats what was hit by the cancellation of something else. @throws the signal's reason if it aborts */
async function again<Result>(signal: AbortSignal, attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (attempts === ATTEMPTS || !isCancelled(error)) throw error;
    }
  }
}

/** The database process of a statement. Null while it waits for a connection. The driver does not expose it. */
function pidOf(query: object): number | null {
  const state: unknown = Reflect.get(query, 'state');
  return typeof state === 'object' && state !== null && 'pid' in state && typeof state.pid === 'number'
    ? state.pid
    : null;
}

const isCancelled = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === CANCELLED;
