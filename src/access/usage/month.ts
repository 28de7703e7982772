import { foldEntries, totalUsage, type UsageTotal } from '../../db/access/usage-queries.ts';
import type { Database } from '../../db/client.ts';

export type { UsageTotal } from '../../db/access/usage-queries.ts';

/** What each key, and each listener without one, used in a month of UTC, like `2026-11`, up to now. */
export async function usageOfMonth(database: Database, month: string): Promise<UsageTotal[]> {
  while (await foldEntries(database));
  const [year = 0, number = 0] = month.split('-').map(Number);
  const last = new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
  return totalUsage(database, `${month}-01`, last);
}
