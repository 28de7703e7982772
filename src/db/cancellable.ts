import type { Sql } from './transaction.ts';

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

interface Cancellable<Rows> extends Promise<Rows> {
  cancel(): void;
}

async function untilAborted<Rows>(
  signal: AbortSignal,
  cancel: (pid: number) => void,
  send: () => Cancellable<Rows>,
): Promise<Rows> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const query = send();
    const stop = (): void => {
      const pid = pidOf(query);
      if (pid === null) query.cancel();
      else cancel(pid);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await query;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === ATTEMPTS || !isCancelled(error)) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
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
