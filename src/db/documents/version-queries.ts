import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';
import { openVersionNames, openVersionState, sealVersion } from '../sealing/sealed-documents.ts';
import type { DocumentKey } from './document-queries.ts';

/** A named version without its state. */
export interface DocumentVersionRow {
  id: string;
  documentId: string;
  name: string;
  /** Null once they are erased. */
  authorId: number | null;
  createdAt: Date;
}

type Read = Omit<DocumentVersionRow, 'createdAt'> & { createdMs: number };

const toRow = ({ createdMs, ...row }: Read): DocumentVersionRow => ({ ...row, createdAt: new Date(createdMs) });

const columns = (sql: Sql) => sql`
  id, document_id as "documentId", name, author_id::float8 as "authorId", (extract(epoch from created_at) * 1000)::float8 as "createdMs"`;

/** @returns false if the document has as many versions as it may have */
export async function insertDocumentVersion(
  { sql, vault }: Database,
  { id, documentId, name, authorId, createdAt }: DocumentVersionRow,
  state: Uint8Array,
  most: number,
): Promise<boolean> {
  const sealed = sealVersion(await vault.sealerOfDocument(documentId), { name, state }, id);
  const rows = await sql`
    insert into document_versions (id, document_id, name, state, author_id, created_at)
    select ${id}::uuid, ${documentId}::uuid, ${sealed.name}, ${sealed.state}::bytea, ${authorId}::bigint, ${createdAt.toISOString()}::timestamptz
    where (select count(*) from document_versions where document_id = ${documentId}) < ${most} returning 1`;
  return rows.length > 0;
}

/** Newest first. */
export async function selectDocumentVersions(
  { sql, vault }: Database,
  documentId: string,
  after: DocumentKey | null,
  limit: number,
): Promise<DocumentVersionRow[]> {
  const from = after
    ? sql`and (created_at, id) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`
    : sql``;
  const rows = await sql<Read[]>`
    select ${columns(sql)} from document_versions where document_id = ${documentId} ${from}
    order by created_at desc, id desc limit ${limit}`;
  return openVersionNames(vault, rows.map(toRow));
}

export async function countDocumentVersions(sql: Sql, documentId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from document_versions where document_id = ${documentId}`;
  return row?.count ?? 0;
}

export async function selectDocumentVersion(
  { sql, vault }: Database,
  id: string,
): Promise<(DocumentVersionRow & { state: Buffer }) | null> {
  const [row] = await sql<(Read & { state: Buffer })[]>`
    select ${columns(sql)}, state from document_versions where id = ${id}`;
  const [named] = row ? await openVersionNames(vault, [toRow(row)]) : [];
  const state = row && (await openVersionState(vault, row.state, id));
  return named && state ? { ...named, state } : null;
}
