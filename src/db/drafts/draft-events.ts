import type { Database } from '../client.ts';
import { openEvent, sealEvent, type StoredEvent } from '../sealing/sealed-events.ts';
import type { Sealer } from '../sealing/vault.ts';

/** As a part of a statement's JSON, sealed. */
export function eventJson(sealer: Sealer | null, stored: StoredEvent, draftId: string, sequence: number) {
  const { event, text, tokens } = sealEvent(sealer, stored, draftId, sequence);
  return tokens === null ? { event } : { text, tokens: tokens.toString('base64') };
}

export type EventRow = StoredEvent & {
  /** Of the row's last event. */
  sequence: number;
  /** The epoch in which it was written. */
  epoch: number;
};

/** Number of events that one row may hold. */
export const EVENTS_IN_ROW = 64;

/** The rows of a draft's events; of all turns or of the last. */
export async function selectEventRows(
  { sql, vault }: Database,
  draftId: string,
  turns: 'all' | 'last',
): Promise<EventRow[]> {
  const rows = await sql<EventRow[]>`
    select e.sequence, coalesce(d.epochs[width_bucket(e.sequence - 1, d.epoch_starts)], 0)::float8 as epoch, e.event, e.text, e.tokens
    from draft_events e join drafts d on d.id = e.draft_id
    where e.draft_id = ${draftId} and (${turns} = 'all' or e.sequence > coalesce((d.turns->-1->>'from')::int, 0))
    order by e.sequence`;
  return Promise.all(rows.map((row) => openEvent(vault, row, draftId)));
}

/** A row that takes the place of those after `after`, up to its own sequence number. */
export interface JoinedRow {
  after: number;
  sequence: number;
  text: string;
  tokens: Buffer;
}

/** Joins rows of a draft's events. Repeating it changes nothing. */
export async function joinEventRows(
  { sql, vault }: Database,
  draftId: string,
  rows: readonly JoinedRow[],
): Promise<void> {
  const sealer = await vault.sealerOfDraft(draftId);
  const json = JSON.stringify(
    rows.map(({ after, sequence, text, tokens }) => {
      return { after, sequence, ...eventJson(sealer, { event: null, text, tokens }, draftId, sequence) };
    }),
  );
  await sql`
    with joined as (
      select after, sequence, text, decode(tokens, 'base64') as tokens
      from jsonb_to_recordset(${json}::jsonb) as j (after int, sequence int, text text, tokens text)
    ), gone as (
      delete from draft_events e using joined j
      where e.draft_id = ${draftId} and e.sequence > j.after and e.sequence < j.sequence
    )
    update draft_events e set event = null, text = j.text, tokens = j.tokens
    from joined j where e.draft_id = ${draftId} and e.sequence = j.sequence`;
}
