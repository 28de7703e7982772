import type { Database } from '../client.ts';
import { takeChore } from '../nodes/chores.ts';

/** Whether this node is to do it: no other has begun to within the time. */
export const claimRetention = ({ sql }: Database, withinMs: number): Promise<boolean> =>
  sql.begin((tx) => takeChore(tx, 'retention', withinMs));

/** Served lists with what they were made from. @returns how many; at most `most` */
export async function deleteOldLists({ sql }: Database, before: Date, most: number): Promise<number> {
  const { count } = await sql`
    delete from recommendation_lists where id in (
      select id from recommendation_lists where created_at < ${before.toISOString()}::timestamptz order by created_at limit ${most})`;
  return count;
}

/** Events by the time at which they happened. What an app shows as liked, saved or hidden stays. */
export async function deleteOldFeedback({ sql }: Database, before: Date, most: number): Promise<number> {
  const { count } = await sql`
    delete from feedback where id in (
      select id from feedback where at < ${before.toISOString()}::timestamptz limit ${most})`;
  return count;
}

export async function deleteOldUsage({ sql }: Database, before: Date, most: number): Promise<number> {
  const { count } = await sql`
    delete from usage_days where id in (
      select id from usage_days where day < ${before.toISOString()}::timestamptz::date order by day limit ${most})`;
  return count;
}
