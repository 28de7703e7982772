import type { Database } from '../client.ts';

export type DraftLogKind = 'postgres' | 'nats';

export interface Installation {
  id: string;
  /** Where the drafts' logs are. */
  draftLog: DraftLogKind;
}

/**
 * Notes where the drafts' logs are to be, unless they are elsewhere: logs stay where they are as long as there are drafts, or
 * other nodes, which would go on writing them there. Logs from before this was noted are in PostgreSQL if any events are.
 * @returns the installation as it is then: where the logs are may not be what was asked for
 */
export async function settleDraftLog({ sql: driver }: Database, wanted: DraftLogKind): Promise<Installation> {
  return driver.begin(async (tx) => {
    await tx`insert into installation default values on conflict do nothing`;
    const [known] = await tx<{ id: string; draftLog: DraftLogKind | null }[]>`
      select id, coalesce(draft_log, case when exists (select from draft_events) then 'postgres' end) as "draftLog"
      from installation for update`;
    if (!known) throw new Error('The database has lost its installation');
    const [use] = await tx<{ isFree: boolean }[]>`
      select not exists (select from drafts) and (select count(*) from nodes) <= 1 as "isFree"`;
    const draftLog = known.draftLog === null || use?.isFree ? wanted : known.draftLog;
    await tx`update installation set draft_log = ${draftLog}`;
    return { id: known.id, draftLog };
  });
}
