import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { type DatabasePlace, openDriver } from './driver.ts';

/** Without named statements, which a pooler may not know. */
const ONE = { max: 1, prepare: false };
/** A pooler that is in use may give us the same connections by chance, but not each time. */
const ROUNDS = 10;

type Connection = Pick<postgres.Sql, 'unsafe'>;

/**
 * Whether a connection keeps its session from one statement to the next. Behind a pooler in transaction mode it does
 * not: the next transaction of whichever client gets the same connection to the server, with what was set there.
 * Wake-ups (LISTEN) and locks of sessions are lost there without an error.
 */
export async function keepsSessions(place: DatabasePlace): Promise<boolean> {
  const [mine, other] = [openDriver(place, ONE), openDriver(place, ONE)];
  try {
    for (let round = 0; round < ROUNDS; round++) if (!(await isApart(mine, other))) return false;
    return true;
  } finally {
    await Promise.all([mine, other].map((driver) => driver.end({ timeout: 1 })));
  }
}

/** Whether what one connection has set is there afterwards, and in no other. */
async function isApart(mine: Connection, other: postgres.Sql): Promise<boolean> {
  const value = randomUUID();
  await mine.unsafe(`select set_config('cadenza.session', '${value}', false)`);
  return other.begin(async (tx) => {
    if ((await valueIn(tx)) === value) return false;
    // The transaction occupies a connection of the server. A pooler that has just given us ours now takes another.
    return (await valueIn(mine)) === value;
  });
}

async function valueIn(sql: Connection): Promise<string | null> {
  const [row] = await sql.unsafe<{ value: string | null }[]>(
    "select current_setting('cadenza.session', true) as value",
  );
  return row?.value ?? null;
}
