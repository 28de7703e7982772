import type { Database } from '../client.ts';
import { keepingTexts } from '../queries/draft-log-queries.ts';
import type { DraftRow } from '../queries/draft-queries.ts';

/** How far a draft's log goes, in PostgreSQL. */
export type LogExtent = Pick<DraftRow, 'id' | 'sequence' | 'compacted'>;

/** The drafts after an id, in the order of ids. */
export async function selectLogExtents({ sql }: Database, after: string, limit: number): Promise<LogExtent[]> {
  return sql<LogExtent[]>`
    select id, sequence, compacted from drafts where id > ${after} order by id limit ${limit}`;
}

/** An entry as it is stored. */
export interface StoredEntry {
  sequence: number;
  epoch: number;
  event: unknown;
  /** An instant in ISO 8601, in UTC. */
  at: string;
}

/** The entries of one log after a sequence number, in order. */
export async function selectEntries(
  { sql }: Database,
  draftId: string,
  after: number,
  limit: number,
): Promise<StoredEntry[]> {
  return sql<StoredEntry[]>`
    select e.sequence, d.epochs[width_bucket(e.sequence - 1, d.epoch_starts)]::float8 as epoch, e.event,
      to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from draft_events e join drafts d on d.id = e.draft_id
    where e.draft_id = ${draftId} and e.sequence > ${after} order by e.sequence limit ${limit}`;
}

/** Replaces what there is of these entries. */
export async function putEntries({ sql }: Database, draftId: string, entries: readonly StoredEntry[]): Promise<void> {
  await sql`
    insert into draft_events (draft_id, sequence, event, at)
    select ${draftId}, sequence, event, at
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) as e (sequence int, event jsonb, at timestamptz)
    on conflict (draft_id, sequence) do update set event = excluded.event, at = excluded.at`;
}

/** Stores the text of each turn of the drafts that have ended, so that nothing of them is in the events alone. */
export async function keepTexts({ sql }: Database, ids: readonly string[]): Promise<void> {
  const { columns, written, kept } = keepingTexts(sql);
  await sql`
    with old as (
      select ${columns} from drafts
      where id = any(${arrayOf(ids)}::uuid[]) and texts_until < sequence and status in ('COMPLETED', 'CANCELLED', 'FAILED')
      for update
    ), ${written}
    update drafts d set ${kept} from old left join written w on w.id = old.id where d.id = old.id`;
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
