import DataLoader from 'dataloader';
import { and, count, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from '../client.ts';

/**
 * Batches lists of several owners: calls with the same arguments in the same turn of the event loop become one call of
 * `load`. So a list on each node of a list does not cost one statement per node ([PAGE3]).
 * @param load one statement; owners without rows are absent from its result
 */
export function perOwner<Args, Result, Owner extends number | string = number>(
  load: (owners: readonly Owner[], args: Args) => Promise<ReadonlyMap<Owner, Result>>,
  none: Result,
): (owner: Owner, args: Args) => Promise<Result> {
  const waiting = new Map<string, DataLoader<Owner, Result>>();
  return (owner, args) => {
    const key = JSON.stringify(args);
    const loader = waiting.get(key) ?? new DataLoader<Owner, Result>((owners) => answer(owners));
    waiting.set(key, loader);
    return loader.load(owner);

    async function answer(owners: readonly Owner[]): Promise<Result[]> {
      waiting.delete(key);
      const found = await load(owners, args);
      return owners.map((one) => found.get(one) ?? none);
    }
  };
}

/** Number of rows of each owner, by the column with the owner. Owners without rows are absent. */
export async function countPerOwner(
  db: Queryable,
  owner: PgColumn,
  owners: readonly number[],
  condition?: SQL,
): Promise<Map<number, number>> {
  const rows = await db
    .select({ owner: sql`${owner}`.mapWith(Number), total: count() })
    .from(owner.table)
    .where(and(inArray(owner, [...owners]), condition))
    .groupBy(owner);
  return new Map(rows.map((row) => [row.owner, row.total]));
}

/** What comes after a row, in a list of newest first whose equals are in the order of their ids, the last first. */
export const olderThan = (at: PgColumn, id: PgColumn, last: { at: Date; id: number | string }): SQL | undefined =>
  or(lt(at, last.at), and(eq(at, last.at), lt(id, last.id)));
