import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import type { FeedbackKindColumn } from '../queries/listener-queries.ts';

export interface DemoEvent {
  /** External ids. */
  listener: string;
  track: string;
  kind: FeedbackKindColumn;
  at: Date;
}

export async function hasSimulated(sql: Database['sql']): Promise<boolean> {
  const rows = await sql`select 1 from listeners where simulated limit 1`;
  return rows.length > 0;
}

export async function hasTracks(tx: Transaction): Promise<boolean> {
  const [row] = await tx<{ some: boolean }[]>`select exists (select from tracks) as some`;
  return row?.some ?? false;
}

/** Creates the viewer of a server without authentication. It is not simulated. */
export async function insertDemoViewer(tx: Transaction, externalId: string, displayName: string): Promise<void> {
  await tx`insert into listeners (external_id, display_name) values (${externalId}, ${displayName}) on conflict do nothing`;
}

/** Inserts simulated listeners and their feedback, with one statement each. */
export async function insertSimulated(
  tx: Transaction,
  listeners: readonly { externalId: string; displayName: string }[],
  events: readonly DemoEvent[],
): Promise<void> {
  await tx`insert into listeners (external_id, display_name, simulated)
    select "externalId", "displayName", true
    from jsonb_to_recordset(${JSON.stringify(listeners)}::jsonb) as r ("externalId" text, "displayName" text)
    on conflict do nothing`;
  await tx`insert into feedback (listener_id, track_id, kind, at)
    select l.id, t.id, r.kind::feedback_kind, r.at
    from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as r (listener text, track text, kind text, at timestamptz)
      join listeners l on l.external_id = r.listener join tracks t on t.external_id = r.track
    order by r.at, l.id, t.id`;
}
