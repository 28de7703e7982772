import type { Database } from '../client.ts';
import { openPresence, sealPresence } from '../sealing/sealed-documents.ts';

export interface PresenceRow {
  clientId: number;
  listenerId: number;
  clock: number;
  /** JSON. Null once the client has left. */
  state: string | null;
}

/** How long somebody is present after they last said so, by the database's clock. */
const PRESENCE_SECONDS = 30;

/**
 * Says where a client is. One that has left or fallen silent makes room for others.
 * @returns 'full' if too many are present; 'taken' if the client is another listener's
 */
export async function upsertPresence(
  { sql, vault }: Database,
  documentId: string,
  { clientId, listenerId, clock, state }: PresenceRow,
  most: number,
): Promise<'present' | 'taken' | 'full'> {
  const sealed = sealPresence(await vault.sealerOfDocument(documentId), state, documentId, clientId);
  return sql.begin(async (tx) => {
    await tx`
      delete from document_presence where document_id = ${documentId} and at < now() - ${2 * PRESENCE_SECONDS}::float8 * interval '1 second'`;
    const [own] = await tx<{ listenerId: number }[]>`
      select listener_id::float8 as "listenerId" from document_presence
      where document_id = ${documentId} and client_id = ${clientId} and at >= now() - ${PRESENCE_SECONDS}::float8 * interval '1 second'`;
    if (own && own.listenerId !== listenerId) return 'taken';
    const rows = await tx`
      insert into document_presence (document_id, client_id, listener_id, clock, state, at)
      select ${documentId}::uuid, ${clientId}::bigint, ${listenerId}::bigint, ${clock}::int, ${sealed}::text, now()
      where (select count(*) from document_presence where document_id = ${documentId} and client_id <> ${clientId}) < ${most}
      on conflict (document_id, client_id) do update
        set listener_id = excluded.listener_id, clock = excluded.clock, state = excluded.state, at = excluded.at
      returning 1`;
    return rows.length > 0 ? 'present' : 'full';
  });
}

/** Who is in these documents now, in the order of their clients. */
export async function selectPresence(
  { sql, vault }: Database,
  documentIds: readonly string[],
): Promise<(PresenceRow & { documentId: string })[]> {
  const rows = await sql<(PresenceRow & { documentId: string })[]>`
    select document_id as "documentId", client_id::float8 as "clientId", listener_id::float8 as "listenerId", clock, state
    from document_presence
    where document_id in (select id::uuid from jsonb_array_elements_text(${JSON.stringify(documentIds)}::jsonb) as ids (id))
      and state is not null and at >= now() - ${PRESENCE_SECONDS}::float8 * interval '1 second'
    order by client_id`;
  return openPresence(vault, rows);
}
