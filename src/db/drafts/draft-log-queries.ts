import { eq } from 'drizzle-orm';
import { StoredDataError } from '../../lib/stored-data.ts';
import type { Database, Queryable } from '../client.ts';
import { sealChanges } from '../sealing/sealed-drafts.ts';
import { openEvent, type StoredEvent } from '../sealing/sealed-events.ts';
import { KeyDestroyedError } from '../sealing/vault.ts';
import { drafts } from '../tables.ts';
import type { DraftRow, KeptColumns } from './draft-columns.ts';
import { eventJson, type EventRow, EVENTS_IN_ROW } from './draft-events.ts';

/** The changes to a draft's row besides its position. */
export type RowChanges = Partial<
  Pick<DraftRow, 'status' | 'finishReason' | 'usage' | 'failure' | 'turns' | keyof KeptColumns>
>;

export interface Append {
  draftId: string;
  epoch: number;
  /** The first event's sequence number, which must follow the draft's last. */
  sequence: number;
  events: readonly StoredEvent[];
  set: RowChanges;
  at: Date;
}

/**
 * Appends events to any number of drafts and updates their rows in one statement. A reader sees both or neither, and a
 * step of all drafts is one round trip and one commit.
 * @returns for each, whether it was made; false if the draft is not at the expected position, because another writer
 * has taken it or it was deleted
 */
export async function appendEvents(database: Database, appends: readonly Append[]): Promise<boolean[]> {
  const { sql } = database;
  // The driver serialises an object itself only if it knows the parameter's type.
  const batch = JSON.stringify(await Promise.all(appends.map((append, n) => appendJson(database, append, n))));
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
      insert into draft_events (draft_id, sequence, event, text, tokens, at)
      select f.id, f.sequence + e.ordinality - 1, e.value->'event', e.value->>'text', decode(e.value->>'tokens', 'base64'), f.at
      from fence f, jsonb_array_elements(f.events) with ordinality as e
    )
    select n from fence`;
  const known = new Set(made.map(({ n }) => n));
  return appends.map((_, n) => known.has(n));
}

async function appendJson({ vault }: Database, { events, set, ...append }: Append, n: number): Promise<object> {
  const { draftId, sequence } = append;
  const sealer = await vault.sealerOfDraft(draftId);
  const rows = events.map((event, i) => eventJson(sealer, event, draftId, sequence + i));
  return { n, ...append, set: sealChanges(sealer, set, draftId), events: rows };
}

export type Position = Pick<DraftRow, 'sequence' | 'epoch' | 'status'>;

/** The log's position, for a writer that does not know whether its last append arrived. */
export async function selectPosition(db: Queryable, id: string): Promise<Position | null> {
  const position = { sequence: drafts.sequence, epoch: drafts.epoch, status: drafts.status };
  const [row] = await db.select(position).from(drafts).where(eq(drafts.id, id));
  return row ?? null;
}

interface EventsWanted {
  draftId: string;
  after: number;
  /** The epoch of the entry `after`. Null if it is not to be compared. */
  epoch: number | null;
  limit: number;
}

type FoundRow = { n: number; isThere: boolean } & (EventRow | (StoredEvent & { sequence: null; epoch: null }));

/**
 * The entries of each request in order, in one statement, so that the tails of all drafts that grew in a step are read
 * together.
 * @returns for each the rows with the events after `after`, at least `limit` events if there are as many; null if the log does not have the entry `after` of that epoch
 */
export async function selectEvents(
  { sql, vault }: Database,
  wanted: readonly EventsWanted[],
): Promise<(EventRow[] | null)[]> {
  const rows = await sql<FoundRow[]>`
    select w.n::int, e.sequence, e.event, e.text, e.tokens, e.epoch, w.epoch is null
      or (w.after <= l.sequence and coalesce(l.epochs[width_bucket(w.after - 1, l.epoch_starts)], 0) = w.epoch) as "isThere"
    from rows from (jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as ("draftId" uuid, after int, epoch bigint, "limit" int))
      with ordinality as w ("draftId", after, epoch, "limit", n)
    join drafts l on l.id = w."draftId"
    left join lateral (
      select d.sequence, d.event, d.text, d.tokens,
        coalesce(l.epochs[width_bucket(d.sequence - 1, l.epoch_starts)], 0)::float8 as epoch from draft_events d
      where d.draft_id = w."draftId" and d.sequence > w.after
        and d.sequence < greatest(w.after, l.compacted) + w.limit + ${EVENTS_IN_ROW} order by d.sequence limit w.limit
    ) e on true
    order by w.n, e.sequence`;
  const found = wanted.map((): EventRow[] | null => []);
  for (const { n, isThere, ...row } of rows) {
    if (!isThere) found[n - 1] = null;
    else if (row.sequence !== null) found[n - 1]?.push(row);
  }
  return Promise.all(found.map((rows, i) => openedRows(vault, rows, wanted[i]?.draftId ?? '')));
}

/** A log whose listener was erased meanwhile is as good as gone. One that was tampered with is so when it is unpacked, by itself. */
async function openedRows(
  vault: Database['vault'],
  rows: readonly EventRow[] | null,
  draftId: string,
): Promise<EventRow[] | null> {
  if (!rows) return null;
  try {
    return await Promise.all(rows.map((row) => openEvent(vault, row, draftId)));
  } catch (error) {
    if (error instanceof KeyDestroyedError) return [];
    if (error instanceof StoredDataError) return [...rows];
    throw error;
  }
}

/** Drafts that ended before this time and whose events are still there, the earliest ended first. */
export async function selectUncompacted({ sql }: Database, before: Date, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from drafts
    where status in ('COMPLETED', 'CANCELLED', 'FAILED') and compacted < sequence and updated_at < ${before.toISOString()}
    order by updated_at limit ${limit}`;
  return rows.map(({ id }) => id);
}

/**
 * Keeps the text of a draft that has ended in its row, up to its last event.
 * @param isCompacted whether its events are removed
 * @returns false if it was changed since
 */
export async function keepText(
  { sql: driver, vault }: Database,
  { id, sequence, epoch, ...kept }: Pick<DraftRow, 'id' | 'sequence' | 'epoch' | keyof KeptColumns>,
  isCompacted: boolean,
): Promise<boolean> {
  const { texts, textTurns } = sealChanges(await vault.sealerOfDraft(id), kept, id);
  return driver.begin(async (tx) => {
    const { count } = await tx`
      update drafts set texts = array(select jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb)),
        text_turns = ${`{${(textTurns ?? []).join(',')}}`}::int[], texts_before = null, texts_until = sequence,
        compacted = case when ${isCompacted} then sequence else compacted end
      where id = ${id} and sequence = ${sequence} and epoch = ${epoch}
        and status in ('COMPLETED', 'CANCELLED', 'FAILED')`;
    if (count > 0 && isCompacted) await tx`delete from draft_events where draft_id = ${id}`;
    return count > 0;
  });
}
