import type { Sql } from '../connection/transaction.ts';

export type MemberRole = 'EDITOR' | 'SUGGESTER' | 'READER';

export interface MemberRow {
  documentId: string;
  listenerId: number;
  role: MemberRole;
}

export function selectMembers(sql: Sql, documentIds: readonly string[]): Promise<MemberRow[]> {
  return sql<MemberRow[]>`
    select document_id as "documentId", listener_id::float8 as "listenerId", role from document_members
    where document_id in (select id::uuid from jsonb_array_elements_text(${JSON.stringify(documentIds)}::jsonb) as ids (id)) order by created_at, listener_id`;
}

/** @returns false if the document has as many members as it may have */
export async function upsertMember(sql: Sql, member: MemberRow, most: number): Promise<boolean> {
  const { documentId, listenerId, role } = member;
  const rows = await sql`
    insert into document_members (document_id, listener_id, role)
    select ${documentId}::uuid, ${listenerId}::bigint, ${role}::member_role
    where (select count(*) from document_members where document_id = ${documentId} and listener_id <> ${listenerId}) < ${most}
    on conflict (document_id, listener_id) do update set role = excluded.role returning 1`;
  return rows.length > 0;
}

/** @returns whether there was such a member */
export async function deleteMember(sql: Sql, documentId: string, listenerId: number): Promise<boolean> {
  const gone = await sql`
    delete from document_members where document_id = ${documentId} and listener_id = ${listenerId} returning 1`;
  return gone.length > 0;
}

export interface NewLink {
  documentId: string;
  digest: Buffer;
  role: MemberRole;
  expiresAt: Date;
}

/** Those that have expired are forgotten. @returns false if the document has as many links as it may have */
export async function insertLink(sql: Sql, link: NewLink, most: number, now: Date): Promise<boolean> {
  const { documentId, digest, role, expiresAt } = link;
  await sql`delete from document_links where document_id = ${documentId} and expires_at <= ${now.toISOString()}::timestamptz`;
  const rows = await sql`
    insert into document_links (digest, document_id, role, expires_at)
    select ${digest}::bytea, ${documentId}::uuid, ${role}::member_role, ${expiresAt.toISOString()}::timestamptz
    where (select count(*) from document_links where document_id = ${documentId}) < ${most} returning 1`;
  return rows.length > 0;
}

export type LinkGrant = Pick<NewLink, 'documentId' | 'role'>;

/** What a link gives, unless it has expired. */
export async function selectLink(sql: Sql, digest: Buffer, now: Date): Promise<LinkGrant | null> {
  const [link] = await sql<LinkGrant[]>`
    select document_id as "documentId", role from document_links
    where digest = ${digest} and expires_at > ${now.toISOString()}::timestamptz`;
  return link ?? null;
}

/** @returns the number of links that were valid */
export async function deleteLinks(sql: Sql, documentId: string, now: Date): Promise<number> {
  const gone = await sql<{ valid: boolean }[]>`
    delete from document_links where document_id = ${documentId} returning expires_at > ${now.toISOString()}::timestamptz as valid`;
  return gone.filter(({ valid }) => valid).length;
}
