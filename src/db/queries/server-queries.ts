import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../client.ts';

export interface ServerVersion {
  /** As in `server_version_num`: 150004 is 15.4. */
  number: number;
  text: string;
  /** Of the database. */
  encoding: string;
}

export async function selectServerVersion({ sql }: Pick<Database, 'sql'>): Promise<ServerVersion> {
  const [row] = await sql<[ServerVersion]>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as text,
      current_setting('server_encoding') as encoding`;
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
