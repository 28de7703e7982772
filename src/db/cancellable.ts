import type postgres from 'postgres';

/** A statement is sent again so often when it was hit by the cancellation of the one before it on its connection. */
const ATTEMPTS = 3;
/** query_canceled */
const CANCELLED = '57014';

/**
 * A driver for statements that read, each cancelled in the database when the signal aborts. A cancellation names a connection and
 * not a statement: one that comes too late hits the next, which is then sent once more. So connections of these are shared with
 * no others, least of all with what changes something.
 *
 * @param cancel what runs in this process of the database; the driver's own way is a rejection that nobody can catch when the
 *   database is away
 */
export function cancelledBy(sql: postgres.Sql, signal: AbortSignal, cancel: (pid: number) => void): postgres.Sql {
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

/** The process that a statement runs in; null while it waits for a connection. The driver keeps it to itself. */
function pidOf(query: object): number | null {
  const state: unknown = Reflect.get(query, 'state');
  return typeof state === 'object' && state !== null && 'pid' in state && typeof state.pid === 'number'
    ? state.pid
    : null;
}

const isCancelled = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === CANCELLED;
