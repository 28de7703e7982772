import { and, eq } from 'drizzle-orm';
import type { Database, Queryable } from './client.ts';
import { evaluations } from './tables.ts';

export type EvaluationRow = Omit<typeof evaluations.$inferInsert, 'id' | 'at'>;

export async function hasEvaluations(db: Queryable, modelVersion: string, protocol: string): Promise<boolean> {
  const rows = await db
    .select({ id: evaluations.id })
    .from(evaluations)
    .where(and(eq(evaluations.modelVersion, modelVersion), eq(evaluations.protocol, protocol)))
    .limit(1);
  return rows.length > 0;
}

export async function insertEvaluations(db: Queryable, rows: readonly EvaluationRow[]): Promise<void> {
  if (rows.length > 0) await db.insert(evaluations).values([...rows]);
}

/** At most so many listeners who have reacted to anything: a sample, the same as long as nobody comes or goes. */
export async function selectSomeListeners({ sql }: Database, limit: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id::float8 as id from listeners
    where exists (select from feedback where listener_id = listeners.id)
    order by md5(external_id), id limit ${limit}`;
  return rows.map(({ id }) => id);
}
