import { and, eq, isNotNull, lt } from 'drizzle-orm';
import type { Database, Queryable } from './client.ts';
import { recommendationLists } from './tables.ts';

export type ServedListRow = Omit<typeof recommendationLists.$inferSelect, 'createdAt'>;

/**
 * A list that is there already is replaced: its later pages have been served. One parameter, whatever their number: this
 * runs for every list served, and making a statement would cost more than making the list.
 */
export async function upsertServedLists({ sql: driver }: Database, rows: readonly ServedListRow[]): Promise<void> {
  await driver`
    insert into recommendation_lists
      (id, listener_id, surface, model_version, first_rank, track_ids, propensities, reasons, state)
    select id, "listenerId", surface, "modelVersion", "firstRank", "trackIds", propensities, reasons, state
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as row (id uuid, "listenerId" bigint, surface list_surface, "modelVersion" text, "firstRank" integer,
        "trackIds" bigint[], propensities float8[], reasons reason_kind[], state jsonb)
    on conflict (id) do update set
      track_ids = excluded.track_ids, propensities = excluded.propensities, reasons = excluded.reasons,
      state = excluded.state`;
}

/** Null as well when it is too old to be gone on with. */
export async function selectServedList(db: Queryable, id: string): Promise<ServedListRow | null> {
  const [row] = await db
    .select()
    .from(recommendationLists)
    .where(and(eq(recommendationLists.id, id), isNotNull(recommendationLists.state)));
  return row ?? null;
}

/** What the listener was recommended since then, each track once. */
export async function selectServedTracks({ sql }: Database, listenerId: number, since: Date): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select distinct unnest(track_ids)::float8 as id from recommendation_lists
    where listener_id = ${listenerId} and created_at >= ${since.toISOString()}::timestamptz
      and surface = 'RECOMMENDATIONS'`;
  return rows.map(({ id }) => id);
}

/** Of lists older than this only what was served is kept. */
export async function dropListStatesBefore(db: Queryable, instant: Date): Promise<void> {
  const isOld = and(lt(recommendationLists.createdAt, instant), isNotNull(recommendationLists.state));
  await db.update(recommendationLists).set({ state: null }).where(isOld);
}

export async function deleteServedListsBefore(db: Queryable, instant: Date): Promise<void> {
  await db.delete(recommendationLists).where(lt(recommendationLists.createdAt, instant));
}
