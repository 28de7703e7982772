import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';

/** What decides whether a database can be used, and how. */
export interface ServerFacts {
  /** As in `server_version_num`: 150004 is 15.4. */
  number: number;
  text: string;
  /** Of the database. */
  encoding: string;
  /** Where tables are looked for first. Null if no schema of the search_path exists. */
  schema: string | null;
  /** Whether it is a standby, or set to be read-only. */
  isReadOnly: boolean;
}

export async function selectServerFacts(sql: Sql): Promise<ServerFacts> {
  const [row] = await sql<[ServerFacts]>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as text,
      current_setting('server_encoding') as encoding, current_schema()::text as schema,
      pg_is_in_recovery() or current_setting('transaction_read_only')::bool as "isReadOnly"`;
  return row;
}

/** Whether the database answers, and within that time. */
export function answersWithin({ sql }: Pick<Database, 'sql'>, ms: number): Promise<boolean> {
  const answered = sql`select 1`.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, delay(ms, false, { ref: false })]);
}
