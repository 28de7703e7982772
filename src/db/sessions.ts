import postgres from 'postgres';

/** Without named statements, which a pooler may not know. */
const ONE = { max: 1, prepare: false, fetch_types: false, onnotice: () => undefined, connect_timeout: 10 };
const SET = "select set_config('cadenza.session', 'mine', false)";
const GET = "select current_setting('cadenza.session', true) as value";

/**
 * Whether a connection keeps its session from one statement to the next. Behind a pooler in transaction mode it does
 * not: the next transaction of whichever client gets the same connection to the server, with what was set there.
 * Wake-ups (LISTEN) and locks of sessions are lost there without an error.
 */
export async function keepsSessions(url: string): Promise<boolean> {
  const [mine, other] = [postgres(url, ONE), postgres(url, ONE)];
  try {
    await mine.unsafe(SET);
    return await other.begin(async (tx) => {
      if ((await valueIn(tx)) === 'mine') return false;
      // The transaction occupies a connection of the server. A pooler that has just given us ours now takes another.
      return (await valueIn(mine)) === 'mine';
    });
  } finally {
    await Promise.all([mine, other].map((driver) => driver.end({ timeout: 1 })));
  }
}

async function valueIn(sql: Pick<postgres.Sql, 'unsafe'>): Promise<string | null> {
  const [row] = await sql.unsafe<{ value: string | null }[]>(GET);
  return row?.value ?? null;
}
