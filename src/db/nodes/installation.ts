import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';

export type DraftLogKind = 'postgres' | 'nats';

export interface Installation {
  id: string;
  /** Where the drafts' logs are. */
  draftLog: DraftLogKind;
  /** Where they are being moved. Null unless a move was begun and not finished ([LOG14]). */
  movesTo: DraftLogKind | null;
}

/**
 * Notes where the drafts' logs are to be, unless they are elsewhere: logs stay where they are as long as there are drafts, or
 * other nodes, which would go on writing them there. Logs from before this was noted are in PostgreSQL if any events are.
 * @returns the installation as it is then: where the logs are may not be what was asked for
 */
export async function settleDraftLog({ sql: driver }: Database, wanted: DraftLogKind): Promise<Installation> {
  return driver.begin(async (tx) => {
    const known = await lockInstallation(tx);
    const [use] = await tx<{ isFree: boolean }[]>`
      select not exists (select from drafts) and (select count(*) from nodes) <= 1 as "isFree"`;
    const draftLog = known.draftLog === null || (use?.isFree && known.movesTo === null) ? wanted : known.draftLog;
    await tx`update installation set draft_log = ${draftLog}`;
    return { ...known, draftLog };
  });
}

/**
 * Notes that the logs are being moved there, so that no node starts meanwhile. Where they are there already, a move
 * elsewhere that was not finished is given up.
 */
export async function beginLogMove({ sql: driver }: Database, to: DraftLogKind): Promise<Installation> {
  return driver.begin(async (tx) => {
    const { draftLog, ...known } = await lockInstallation(tx);
    const from = draftLog ?? 'postgres';
    const movesTo = from === to ? null : to;
    await tx`update installation set draft_log = ${from}, draft_log_moves_to = ${movesTo}`;
    return { ...known, draftLog: from, movesTo };
  });
}

/** From now on the logs are there. */
export async function endLogMove({ sql }: Database, to: DraftLogKind): Promise<void> {
  await sql`update installation set draft_log = ${to}, draft_log_moves_to = null`;
}

async function lockInstallation(
  tx: Transaction,
): Promise<Omit<Installation, 'draftLog'> & { draftLog: DraftLogKind | null }> {
  await tx`insert into installation default values on conflict do nothing`;
  const [known] = await tx<{ id: string; draftLog: DraftLogKind | null; movesTo: DraftLogKind | null }[]>`
    select id, coalesce(draft_log, case when exists (select from draft_events) then 'postgres' end) as "draftLog",
      draft_log_moves_to as "movesTo"
    from installation for update`;
  if (!known) throw new Error('The database has lost its installation');
  return known;
}
