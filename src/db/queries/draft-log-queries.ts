import { eq } from 'drizzle-orm';
import type { Database, Queryable, Sql } from '../client.ts';
import { drafts } from '../tables.ts';
import type { DraftRow, KeptColumns } from './draft-queries.ts';

/** The changes to a draft's row besides its position. */
export type RowChanges = Partial<
  Pick<DraftRow, 'status' | 'finishReason' | 'usage' | 'failure' | 'turns' | keyof KeptColumns>
>;

export interface Append {
  draftId: string;
  epoch: number;
  /** The first event's sequence number, which must follow the draft's last. */
  sequence: number;
  events: readonly unknown[];
  set: RowChanges;
  at: Date;
}

/**
 * Appends events to any number of drafts and updates their rows in one statement. A reader sees both or neither, and a
 * step of all drafts is one round trip and one commit.
 * @returns for each, whether it was made; false if the draft is not at the expected position, because another writer
 * has taken it or it was deleted
 */
export async function appendEvents({ sql }: Database, appends: readonly Append[]): Promise<boolean[]> {
  // The driver serialises an object itself only if it knows the parameter's type.
  const batch = JSON.stringify(appends.map((append, n) => ({ n, ...append })));
  const made = await sql<{ n: number }[]>`
    with batch as (
      select b.*, jsonb_array_length(b.events) as length
      from jsonb_to_recordset(${batch}::jsonb)
        as b (n int, "draftId" uuid, epoch bigint, sequence int, events jsonb, set jsonb, at timestamptz)
    ), fence as (
      update drafts d set
        sequence = b.sequence + b.length - 1,
        status = coalesce((b.set->>'status')::draft_status, d.status),
        finish_reason = case when b.set ? 'finishReason' then (b.set->>'finishReason')::finish_reason else d.finish_reason end,
        usage = coalesce(b.set->'usage', d.usage),
        failure = case when b.set ? 'failure' then b.set->>'failure' else d.failure end,
        turns = coalesce(b.set->'turns', d.turns),
        texts = case when b.set ? 'texts' then array(select jsonb_array_elements_text(b.set->'texts')) else d.texts end,
        text_turns = case when b.set ? 'texts'
          then array(select jsonb_array_elements_text(b.set->'textTurns')::int) else d.text_turns end,
        texts_before = case when b.set ? 'texts' then (b.set->>'textsBefore')::int else d.texts_before end,
        texts_until = coalesce((b.set->>'textsUntil')::int, d.texts_until),
        updated_at = b.at
      from batch b
      where d.id = b."draftId" and d.epoch = b.epoch and d.sequence = b.sequence - 1
      returning d.id, b.n, b.sequence, b.events, b.at
    ), events as (
      insert into draft_events (draft_id, sequence, event, at)
      select f.id, f.sequence + e.ordinality - 1, e.value, f.at
      from fence f, jsonb_array_elements(f.events) with ordinality as e
    )
    select n from fence`;
  const known = new Set(made.map(({ n }) => n));
  return appends.map((_, n) => known.has(n));
}

export type Position = Pick<DraftRow, 'sequence' | 'epoch' | 'status'>;

/** The log's position, for a writer that does not know whether its last append arrived. */
export async function selectPosition(db: Queryable, id: string): Promise<Position | null> {
  const position = { sequence: drafts.sequence, epoch: drafts.epoch, status: drafts.status };
  const [row] = await db.select(position).from(drafts).where(eq(drafts.id, id));
  return row ?? null;
}

export interface EventRow {
  sequence: number;
  /** The epoch in which it was written. */
  epoch: number;
  event: unknown;
}

interface EventsWanted {
  draftId: string;
  after: number;
  /** The epoch of the entry `after`. Null if it is not to be compared. */
  epoch: number | null;
  limit: number;
}

type FoundRow = { n: number; isThere: boolean } & (EventRow | Record<keyof EventRow, null>);

/**
 * The entries of each request in order, in one statement, so that the tails of all drafts that grew in a step are read
 * together.
 * @returns for each the entries; null if the log does not have the entry `after` of that epoch
 */
export async function selectEvents({ sql }: Database, wanted: readonly EventsWanted[]): Promise<(EventRow[] | null)[]> {
  const rows = await sql<FoundRow[]>`
    select w.n::int, e.sequence, e.event, e.epoch, w.epoch is null
      or (w.after <= l.sequence and coalesce(l.epochs[width_bucket(w.after - 1, l.epoch_starts)], 0) = w.epoch) as "isThere"
    from rows from (jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as ("draftId" uuid, after int, epoch bigint, "limit" int))
      with ordinality as w ("draftId", after, epoch, "limit", n)
    join drafts l on l.id = w."draftId"
    left join lateral (
      select d.sequence, d.event, coalesce(l.epochs[width_bucket(d.sequence - 1, l.epoch_starts)], 0)::float8 as epoch from draft_events d
      where d.draft_id = w."draftId" and d.sequence > w.after order by d.sequence limit w.limit
    ) e on true
    order by w.n, e.sequence`;
  const found = wanted.map((): EventRow[] | null => []);
  for (const { n, isThere, ...row } of rows) {
    if (!isThere) found[n - 1] = null;
    else if (row.sequence !== null) found[n - 1]?.push(row);
  }
  return found;
}

/**
 * What keeps the text of the drafts `d` that have ended in their rows: the columns of `old`, which selects them, the
 * texts in their events, and the changes.
 */
export const keepingTexts = (sql: Sql) => ({
  columns: sql`id, coalesce(texts, '{}') as texts, texts_until, sequence,
    coalesce(text_turns, array(select generate_series(1, cardinality(texts)))) as text_turns,
    coalesce(texts_before, cardinality(texts), 0) as first,
    (select count(*) from jsonb_array_elements(turns) turn where not turn ? 'type')::int as turn`,
  written: sql`written as (
    select old.id, string_agg(e.event->>'text', '' order by e.sequence) as text
    from old join draft_events e on e.draft_id = old.id and e.sequence > old.texts_until group by old.id
  )`,
  kept: sql`
    texts = case when w.text > '' then old.texts[:first] || w.text || old.texts[first + 1:] else old.texts end,
    text_turns = case when w.text > '' then old.text_turns[:first] || old.turn || old.text_turns[first + 1:]
      else old.text_turns end,
    texts_before = null, texts_until = d.sequence`,
});

/**
 * Reduces drafts that ended before `before` to their text, and removes their events: at most `limit` drafts, the
 * earliest ended first.
 * @returns their number
 */
export async function compactFinished({ sql }: Database, before: Date, limit: number): Promise<number> {
  const { columns, written, kept } = keepingTexts(sql);
  const rows = await sql`
    with old as (
      select ${columns} from drafts
      where status in ('COMPLETED', 'CANCELLED', 'FAILED') and compacted < sequence and updated_at < ${before.toISOString()}
      order by updated_at limit ${limit} for update skip locked
    ), ${written}, gone as (
      delete from draft_events e using old where e.draft_id = old.id
    )
    update drafts d set ${kept}, compacted = d.sequence
    from old left join written w on w.id = old.id where d.id = old.id returning d.id`;
  return rows.length;
}
