import type { Database } from '../client.ts';
import type { MasterKeys, WrappedKey } from './master-keys.ts';
import { plainAssist, plainDocument, plainUpdate, plainVersion } from './seal-documents.ts';

const AT_ONCE = 500;

/**
 * Wraps all data keys with the current master key, so that older ones are needed no more. No other row is written
 * ([SEAL4]). It may be repeated.
 * @returns the number of data keys
 * @throws StartupError if a key's master key is not given
 */
export async function rewrapDataKeys({ sql }: Database, masters: MasterKeys): Promise<number> {
  for (let done = 0; ;) {
    const rows = await sql<(WrappedKey & { id: number })[]>`
      select id::float8 as id, master, wrapped from data_keys where master <> ${masters.currentId} order by id limit ${AT_ONCE}`;
    if (rows.length === 0) return done;
    const wrapped = rows.map((row) => ({ id: row.id, ...masters.wrap(masters.unwrap(row, row.id), row.id) }));
    const json = JSON.stringify(wrapped.map((row) => ({ ...row, wrapped: row.wrapped.toString('base64') })));
    await sql`
      update data_keys k set master = r.master, wrapped = decode(r.wrapped, 'base64')
      from jsonb_to_recordset(${json}::text::jsonb) as r (id bigint, master text, wrapped text) where k.id = r.id`;
    done += rows.length;
  }
}

export interface SealingStatus {
  /** Number of data keys by the master key that wraps them. */
  keys: { master: string; keys: number }[];
  /** Number of rows, by table, in which something is stored as it was written. */
  open: Record<string, number>;
}

export async function selectSealingStatus({ sql }: Database): Promise<SealingStatus> {
  const keys = await sql<SealingStatus['keys']>`
    select master, count(*)::float8 as keys from data_keys group by master order by master`;
  const [open = {}] = await sql<Record<string, number>[]>`
    select (select count(*) from listeners where ${plainListener(sql)})::float8 as listeners,
      (select count(*) from drafts where ${plainDraft(sql)})::float8 as drafts,
      (select count(*) from draft_events where ${plainEvent(sql)})::float8 as draft_events,
      (select count(*) from documents where ${plainDocument(sql)})::float8 as documents,
      (select count(*) from document_updates where ${plainUpdate(sql)})::float8 as document_updates,
      (select count(*) from document_versions where ${plainVersion(sql)})::float8 as document_versions,
      (select count(*) from document_assists where ${plainAssist(sql)})::float8 as document_assists,
      (select count(*) from recommendation_lists where ${plainList(sql)})::float8 as recommendation_lists`;
  return { keys: [...keys], open };
}

type Sql = Database['sql'];

/** Conditions on rows in which something is stored as it was written. What the server itself names is not. */
export const plainListener = (sql: Sql) => sql`not simulated and (
  (display_name not in (external_id, 'Visitor') and not starts_with(display_name, E'\\x01k'))
  or not starts_with(preference_text, E'\\x01k')
  or (cardinality(preference_tags) > 0 and not starts_with(preference_tags[1], E'\\x01k')))`;
export const plainDraft = (sql: Sql) => sql`not starts_with(title, E'\\x01k')`;
export const plainEvent = (sql: Sql) => sql`(get_byte(tokens, 0) <> 2 or event->>'type' <> 'status')`;
export const plainList = (sql: Sql) => sql`get_byte(state, 0) <> 2`;
