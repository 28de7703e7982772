import type { Database } from '../client.ts';
import type { DraftRow } from '../drafts/draft-columns.ts';
import { eventJson, type EventRow } from '../drafts/draft-events.ts';
import { openEvent, type StoredEvent } from '../sealing/sealed-events.ts';

/** How far a draft's log goes, in PostgreSQL. */
export type LogExtent = Pick<DraftRow, 'id' | 'sequence' | 'compacted'>;

/** The drafts after an id, in the order of ids. */
export async function selectLogExtents({ sql }: Database, after: string, limit: number): Promise<LogExtent[]> {
  return sql<LogExtent[]>`
    select id, sequence, compacted from drafts where id > ${after} order by id limit ${limit}`;
}

/** A row of a log. `at` is an instant in ISO 8601, in UTC. */
export type LogRow = EventRow & { at: string };

/** The rows of one log that hold entries after a sequence number, in order. */
export async function selectLogRows(
  { sql, vault }: Database,
  draftId: string,
  after: number,
  limit: number,
): Promise<LogRow[]> {
  const rows = await sql<LogRow[]>`
    select e.sequence, d.epochs[width_bucket(e.sequence - 1, d.epoch_starts)]::float8 as epoch, e.event, e.text, e.tokens,
      to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from draft_events e join drafts d on d.id = e.draft_id
    where e.draft_id = ${draftId} and e.sequence > ${after} order by e.sequence limit ${limit}`;
  return Promise.all(rows.map((row) => openEvent(vault, row, draftId)));
}

/** Replaces what there is of these rows. */
export async function putLogRows(
  { sql, vault }: Database,
  draftId: string,
  rows: readonly (StoredEvent & Pick<LogRow, 'sequence' | 'at'>)[],
): Promise<void> {
  const sealer = await vault.sealerOfDraft(draftId);
  const json = JSON.stringify(
    rows.map(({ sequence, at, ...event }) => ({ sequence, at, ...eventJson(sealer, event, draftId, sequence) })),
  );
  await sql`
    insert into draft_events (draft_id, sequence, event, text, tokens, at)
    select ${draftId}, sequence, event, text, decode(tokens, 'base64'), at
    from jsonb_to_recordset(${json}::jsonb) as e (sequence int, event jsonb, text text, tokens text, at timestamptz)
    on conflict (draft_id, sequence) do update set
      event = excluded.event, text = excluded.text, tokens = excluded.tokens, at = excluded.at`;
}

/** Brings the row of a draft that has not ended to the end of its log. */
export async function putProgress({ sql }: Database, draft: DraftRow): Promise<void> {
  const { id, sequence, epochs, epochStarts, status, usage } = draft;
  await sql`
    update drafts set sequence = ${sequence}, epochs = ${arrayOf(epochs)}::bigint[],
      epoch_starts = ${arrayOf(epochStarts)}::int[], status = ${status}, usage = ${JSON.stringify(usage)}::text::jsonb
    where id = ${id}`;
}

/** Removes the events of these drafts. */
export async function deleteEntries({ sql }: Database, ids: readonly string[]): Promise<void> {
  await sql`delete from draft_events where draft_id = any(${arrayOf(ids)}::uuid[])`;
}

/** An array as PostgreSQL writes it, for values without commas and quotes. */
const arrayOf = (values: readonly (string | number)[]): string => `{${values.join(',')}}`;
