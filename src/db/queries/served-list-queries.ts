import { and, desc, eq, gt, inArray, isNotNull, lt } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { feedback, recommendationLists } from '../tables.ts';

export type ServedListRow = Omit<typeof recommendationLists.$inferSelect, 'createdAt'>;

/**
 * An existing list is replaced, because more of its pages have been served. There is one parameter, whatever the number
 * of rows: this runs for every served list, and building a statement would cost more than the list.
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
      state = excluded.state
    where cardinality(recommendation_lists.track_ids) <= cardinality(excluded.track_ids)`;
}

/** Also null if it is too old to be continued. */
export async function selectServedList(db: Queryable, id: string): Promise<ServedListRow | null> {
  const [row] = await db
    .select()
    .from(recommendationLists)
    .where(and(eq(recommendationLists.id, id), isNotNull(recommendationLists.state)));
  return row ?? null;
}

/** The tracks recommended to the listener since then, each once. */
export async function selectServedTracks({ sql }: Database, listenerId: number, since: Date): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select distinct unnest(track_ids)::float8 as id from recommendation_lists
    where listener_id = ${listenerId} and created_at >= ${since.toISOString()}::timestamptz
      and surface = 'RECOMMENDATIONS'`;
  return rows.map(({ id }) => id);
}

/** Number of lists in a batch. Each may have a history of thousands of events. */
const BATCH = 50;

export interface ListsWithClicks {
  rows: ServedListRow[];
  /** The clicks in these lists. */
  clicks: { requestId: string | null; trackId: number }[];
}

/**
 * The newest recommendation lists that can still be continued, at most `limit`, in batches, with their clicks.
 * @param after only lists that were begun later
 */
export async function* readRecentLists(
  db: Queryable,
  limit: number,
  after: Date | null,
): AsyncGenerator<ListsWithClicks> {
  const isWhole = and(
    isNotNull(recommendationLists.state),
    eq(recommendationLists.surface, 'RECOMMENDATIONS'),
    after ? gt(recommendationLists.createdAt, after) : undefined,
  );
  const newest = await db
    .select({ id: recommendationLists.id })
    .from(recommendationLists)
    .where(isWhole)
    .orderBy(desc(recommendationLists.createdAt), recommendationLists.id)
    .limit(limit);
  for (let at = 0; at < newest.length; at += BATCH) {
    const ids = newest.slice(at, at + BATCH).map(({ id }) => id);
    const isOneOf = inArray(recommendationLists.id, ids);
    const ofList = and(
      eq(feedback.requestId, recommendationLists.id),
      eq(feedback.listenerId, recommendationLists.listenerId),
    );
    const clicks = await db
      .selectDistinct({ requestId: feedback.requestId, trackId: feedback.trackId })
      .from(feedback)
      .innerJoin(recommendationLists, ofList)
      .where(and(isOneOf, inArray(feedback.kind, ['PLAY', 'COMPLETE', 'LIKE', 'SAVE'])));
    const rows = await db.select().from(recommendationLists).where(and(isOneOf, isWhole));
    yield { rows, clicks };
  }
}

/** Deletes the state of older lists, of which only the served tracks are kept. */
export async function dropListStatesBefore(db: Queryable, instant: Date): Promise<void> {
  const isOld = and(lt(recommendationLists.createdAt, instant), isNotNull(recommendationLists.state));
  await db.update(recommendationLists).set({ state: null }).where(isOld);
}

export async function deleteServedListsBefore(db: Queryable, instant: Date): Promise<void> {
  await db.delete(recommendationLists).where(lt(recommendationLists.createdAt, instant));
}
