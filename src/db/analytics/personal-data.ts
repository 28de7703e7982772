import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';

/** Number of rows that are read at once. */
const BATCH = 500;

/** What is kept of a listener besides preferences and drafts, each row as JSON for people. */
export interface PersonalRows {
  feedback: AsyncIterable<object>;
  verdicts: AsyncIterable<object>;
  lists: AsyncIterable<object>;
}

/** Rows are read as they are taken, so that a long history takes no memory. */
export function readPersonalRows({ sql }: Database, listenerId: number): PersonalRows {
  return {
    feedback: paged((after) => feedbackAfter(sql, listenerId, after)),
    verdicts: paged((after) => verdictsAfter(sql, listenerId, after)),
    lists: paged((after) => listsAfter(sql, listenerId, after)),
  };
}

/** A row, and its key in the order of reading. */
interface Keyed {
  key: string;
  row: object;
}

async function* paged(read: (after: string | null) => Promise<Keyed[]>): AsyncGenerator<object> {
  for (let after: string | null = null; ;) {
    const rows = await read(after);
    for (const { row } of rows) yield row;
    after = rows.at(-1)?.key ?? null;
    if (rows.length < BATCH) return;
  }
}

async function feedbackAfter(sql: Sql, listenerId: number, after: string | null): Promise<Keyed[]> {
  return sql<Keyed[]>`
    select f.id::text as key, jsonb_build_object('track', t.external_id, 'title', t.title, 'artist', a.name, 'kind', f.kind,
      'plays', f.plays, 'listenedMs', f.listened_ms, 'at', f.at, 'list', f.request_id, 'idempotencyKey', f.dedupe_key) as row
    from feedback f join tracks t on t.id = f.track_id join artists a on a.id = t.artist_id
    where f.listener_id = ${listenerId} and f.id > ${after ?? '0'}::bigint order by f.id limit ${BATCH}`;
}

async function verdictsAfter(sql: Sql, listenerId: number, after: string | null): Promise<Keyed[]> {
  return sql<Keyed[]>`
    select v.track_id || ' ' || v.dimension as key, jsonb_build_object('track', t.external_id, 'title', t.title,
      'dimension', v.dimension, 'kind', v.kind, 'at', v.at) as row
    from verdicts v join tracks t on t.id = v.track_id
    where v.listener_id = ${listenerId} and (${after}::text is null or (v.track_id, v.dimension::text)
      > (split_part(${after ?? '0 '}, ' ', 1)::bigint, split_part(${after ?? '0 '}, ' ', 2)))
    order by v.track_id, v.dimension::text limit ${BATCH}`;
}

async function listsAfter(sql: Sql, listenerId: number, after: string | null): Promise<Keyed[]> {
  return sql<Keyed[]>`
    select l.id::text as key, jsonb_build_object('list', l.id, 'surface', l.surface, 'at', l.created_at, 'modelVersion', l.model_version,
      'firstRank', l.first_rank, 'tracks', array(select t.external_id from unnest(l.track_ids) with ordinality as s (id, n)
        join tracks t on t.id = s.id order by s.n), 'reasons', to_jsonb(string_to_array(l.causes, E'\\n'))) as row
    from recommendation_lists l
    where l.listener_id = ${listenerId} and (${after}::uuid is null or l.id > ${after}::uuid) order by l.id limit ${BATCH}`;
}

/** Ids of a listener's drafts, in order. */
export async function selectDraftIdsAfter(
  { sql }: Database,
  listenerId: number,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from drafts where listener_id = ${listenerId} and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit}`;
  return rows.map(({ id }) => id);
}
