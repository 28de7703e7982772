import { setImmediate } from 'node:timers/promises';
import type { Sql, Transaction } from './transaction.ts';

type Run = (tx: Transaction) => unknown;

/**
 * Makes transactions fail properly when their connection is lost. The driver by itself sends ROLLBACK, or the next
 * statement, to the lost connection, which throws an exception that cannot be caught. Here nothing more is sent, and
 * the transaction fails with CONNECTION_CLOSED.
 */
export function withSafeTransactions(sql: Sql): Sql {
  const begin = sql.begin.bind(sql) as (options: string, run: Run) => Promise<unknown>;
  const safeBegin = (...args: [Run] | [string, Run]): Promise<unknown> =>
    args.length === 1 ? runSafely(begin, '', args[0]) : runSafely(begin, ...args);
  return Object.assign(sql, { begin: safeBegin });
}

/** Set when the connection is lost. The driver then rejects `begin`, whatever `run` is doing. */
interface Connection {
  loss: Error | null;
}

async function runSafely(
  begin: (options: string, run: Run) => Promise<unknown>,
  options: string,
  run: Run,
): Promise<unknown> {
  const connection: Connection = { loss: null };
  try {
    return await begin(options, async (tx) => {
      try {
        const result = await run(guard(tx, connection));
        if (connection.loss === null) return result;
      } catch (error) {
        // A running statement fails just before the connection is known to be lost.
        await setImmediate();
        if (connection.loss === null) throw error;
      }
      // If the promise settled, the driver would send COMMIT or ROLLBACK.
      return new Promise<never>(() => undefined);
    });
  } catch (error) {
    connection.loss = error as Error;
    throw error;
  }
}

/** Makes statements throw once the connection is lost. */
function guard(tx: Transaction, connection: Connection): Transaction {
  const throwIfLost = (): void => {
    if (connection.loss) throw connection.loss;
  };
  const unsafe: typeof tx.unsafe = (...args) => {
    throwIfLost();
    return tx.unsafe(...args);
  };
  return new Proxy(tx, {
    apply(target, self, args) {
      throwIfLost();
      return Reflect.apply(target, self, args) as unknown;
    },
    get: (target, key) => (key === 'unsafe' ? unsafe : (Reflect.get(target, key) as unknown)),
  });
}
