import { and, desc, eq, gt, gte, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { opened } from '../sealing/sealed-values.ts';
import { KeyDestroyedError, type Vault } from '../sealing/vault.ts';
import { feedback, listeners, recommendationLists } from '../tables.ts';

export type ServedListRow = Omit<typeof recommendationLists.$inferSelect, 'createdAt'>;

/**
 * An existing list is replaced, because more of its pages have been served. There is one parameter, whatever the number
 * of rows: this runs for every served list, and building a statement would cost more than the list.
 */
export async function upsertServedLists(
  { sql: driver, vault }: Database,
  rows: readonly ServedListRow[],
): Promise<void> {
  const sealed = await Promise.all(rows.map((row) => sealState(vault, row)));
  const json = JSON.stringify(sealed.map((row) => ({ ...row, state: row.state?.toString('base64') ?? null })));
  await driver`
    insert into recommendation_lists
      (id, listener_id, surface, model_version, first_rank, track_ids, propensities, causes, state)
    select id, "listenerId", surface, "modelVersion", "firstRank", "trackIds", propensities, causes, decode(state, 'base64')
    from jsonb_to_recordset(${json}::text::jsonb)
      as row (id uuid, "listenerId" bigint, surface list_surface, "modelVersion" text, "firstRank" integer,
        "trackIds" bigint[], propensities float8[], causes text, state text)
    on conflict (id) do update set
      surface = case recommendation_lists.surface when 'PREVIEW' then excluded.surface else recommendation_lists.surface end,
      track_ids = excluded.track_ids, propensities = excluded.propensities, causes = excluded.causes,
      state = excluded.state
    where cardinality(recommendation_lists.track_ids) <= cardinality(excluded.track_ids)`;
}

/** Before a state that is sealed. One that is not begins with another byte: see recommend/lists. */
const SEALED = 2;
const placeOf = (listId: string): string => `recommendation_lists ${listId} state`;

/** What a list was made from has the words of preferences and of the request. */
export async function sealState<Row extends Pick<ServedListRow, 'id' | 'listenerId' | 'state'>>(
  vault: Vault,
  row: Row,
): Promise<Row> {
  const sealer = row.state && (await vault.sealerOf(row.listenerId));
  if (!sealer || !row.state) return row;
  return { ...row, state: Buffer.concat([Buffer.of(SEALED), sealer.seal(row.state, placeOf(row.id))]) };
}

/** Without the lists of listeners who were erased meanwhile. */
async function openStates<Row extends ServedListRow>(vault: Vault, rows: readonly Row[]): Promise<Row[]> {
  const lists = await Promise.all(rows.map((row) => openState(vault, row)));
  return lists.filter((row) => row !== null);
}

async function openState<Row extends ServedListRow>(vault: Vault, row: Row): Promise<Row | null> {
  if (row.state?.[0] !== SEALED) return row;
  try {
    return { ...row, state: await opened(vault, row.state.subarray(1), placeOf(row.id)) };
  } catch (error) {
    if (error instanceof KeyDestroyedError) return null;
    throw error;
  }
}

/** Also null if it is too old to be continued. */
export async function selectServedList({ db, vault }: Database, id: string): Promise<ServedListRow | null> {
  const rows = await db
    .select()
    .from(recommendationLists)
    .where(and(eq(recommendationLists.id, id), isNotNull(recommendationLists.state)));
  const [row] = await openStates(vault, rows);
  return row ?? null;
}

/** A listener's newest lists that can still be continued. */
export async function selectListsSince(
  { db, vault }: Database,
  listenerId: number,
  since: Date,
  limit: number,
): Promise<ServedListRow[]> {
  const { state, createdAt } = recommendationLists;
  const isRecent = and(eq(recommendationLists.listenerId, listenerId), gte(createdAt, since), isNotNull(state));
  const rows = await db.select().from(recommendationLists).where(isRecent).orderBy(desc(createdAt)).limit(limit);
  return openStates(vault, rows);
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

/** Where lists are read from, and whose. */
type ListSource = { db: Queryable } & Pick<Database, 'vault' | 'consentUnlessSaid'>;

const isOfWhoAllowsAnalytics = ({ consentUnlessSaid }: Pick<Database, 'consentUnlessSaid'>) => sql`not exists (
  select from ${listeners} where ${listeners.id} = ${recommendationLists.listenerId}
    and not coalesce(${listeners.allowsAnalytics}, ${listeners.simulated} or ${consentUnlessSaid.analytics}::boolean))`;

/**
 * The newest recommendation lists that can still be continued, of those who allow analytics, at most `limit`, in batches,
 * with their clicks.
 * @param after only lists that were begun later
 */
export async function* readRecentLists(
  { db, vault, ...consents }: ListSource,
  limit: number,
  after: Date | null,
): AsyncGenerator<ListsWithClicks> {
  const isWhole = and(
    isNotNull(recommendationLists.state),
    eq(recommendationLists.surface, 'RECOMMENDATIONS'),
    after ? gt(recommendationLists.createdAt, after) : undefined,
    isOfWhoAllowsAnalytics(consents),
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
    yield { rows: await openStates(vault, rows), clicks };
  }
}

/** Deletes the state of older lists, of which only the served tracks are kept. */
export async function dropListStatesBefore(db: Queryable, instant: Date): Promise<void> {
  const isOld = and(lt(recommendationLists.createdAt, instant), isNotNull(recommendationLists.state));
  await db.update(recommendationLists).set({ state: null }).where(isOld);
}
