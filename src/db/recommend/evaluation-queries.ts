import { and, eq, notExists, sql } from 'drizzle-orm';
import { allowing } from '../access/consent-queries.ts';
import type { Database, Queryable } from '../client.ts';
import { evaluations, recommenderVersions } from '../tables.ts';

export type EvaluationRow = Omit<typeof evaluations.$inferInsert, 'id' | 'at'>;

export async function hasEvaluations(db: Queryable, modelVersion: string, protocol: string): Promise<boolean> {
  const rows = await db
    .select({ id: evaluations.id })
    .from(evaluations)
    .where(and(eq(evaluations.modelVersion, modelVersion), eq(evaluations.protocol, protocol)))
    .limit(1);
  return rows.length > 0;
}

/** Whether there is an active version without these. */
export async function isActiveUnmeasured(db: Queryable, protocol: string): Promise<boolean> {
  const measured = db
    .select({ id: evaluations.id })
    .from(evaluations)
    .where(and(eq(evaluations.modelVersion, recommenderVersions.version), eq(evaluations.protocol, protocol)));
  const rows = await db
    .select({ version: recommenderVersions.version })
    .from(recommenderVersions)
    .where(and(eq(recommenderVersions.active, true), notExists(measured)));
  return rows.length > 0;
}

/** Held until the end of the transaction, because several nodes measure a version when it starts to serve. */
const lockEvaluations = sql`select pg_advisory_xact_lock(hashtext('cadenza:evaluations'))`;

/** Stores measurements, beside earlier ones. */
export async function insertEvaluations({ db }: Database, rows: readonly EvaluationRow[]): Promise<void> {
  if (rows.length > 0) await db.insert(evaluations).values([...rows]);
}

/** Stores the metrics of one version and protocol, unless there are any. @returns whether there were none */
export async function insertEvaluationsOnce({ db }: Database, rows: readonly EvaluationRow[]): Promise<boolean> {
  const [first] = rows;
  if (!first) return false;
  return db.transaction(async (tx) => {
    await tx.execute(lockEvaluations);
    if (await hasEvaluations(tx, first.modelVersion, first.protocol)) return false;
    await tx.insert(evaluations).values([...rows]);
    return true;
  });
}

/** A sample of at most this many listeners with feedback, of those who allow analytics. It stays the same as long as none is added or removed. */
export async function selectSomeListeners(database: Database, limit: number): Promise<number[]> {
  const { sql: driver } = database;
  const rows = await driver<{ id: number }[]>`
    select id::float8 as id from listeners
    where exists (select from feedback where listener_id = listeners.id)
      and ${allowing(driver, 'analytics', database, driver`listeners.id`)}
    order by md5(external_id), id limit ${limit}`;
  return rows.map(({ id }) => id);
}
