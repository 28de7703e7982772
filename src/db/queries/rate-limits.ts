import { getTableName } from 'drizzle-orm';
import type { Database } from '../client.ts';
import { rateLimits } from '../tables.ts';

/** The store of counts that several nodes share, in the form of node-postgres, which rate-limiter-flexible supports. */
export interface RateStore {
  table: string;
  client: { query(query: Query): Promise<{ rows: readonly unknown[]; rowCount: number }> };
}

interface Query {
  text: string;
  values?: (string | number)[];
}

export function createRateStore({ sql }: Database): RateStore {
  return {
    table: getTableName(rateLimits),
    client: {
      query: async ({ text, values = [] }) => {
        const rows = await sql.unsafe(text, values, { prepare: true });
        return { rows, rowCount: rows.count };
      },
    },
  };
}
