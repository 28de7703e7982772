import type { Database } from '../client.ts';
import type { Sql } from '../connection/transaction.ts';
import { openTitles, sealSnapshot, sealTitle } from '../sealing/sealed-documents.ts';

export type DocumentRoleName = 'OWNER' | 'EDITOR' | 'SUGGESTER' | 'READER';

/** A document without its content, as one listener may use it. */
export interface DocumentRow {
  id: string;
  listenerId: number;
  title: string;
  sequence: number;
  mark: number;
  createdAt: Date;
  updatedAt: Date;
  /** Null if it is not shared with that listener. */
  role: DocumentRoleName | null;
}

const columns = (sql: Sql, listenerId: number) => sql`
  d.id, d.listener_id::float8 as "listenerId", d.title, d.sequence, d.mark,
  (extract(epoch from d.created_at) * 1000)::float8 as "createdMs", (extract(epoch from d.updated_at) * 1000)::float8 as "updatedMs",
  case when d.listener_id = ${listenerId} then 'OWNER' else (
    select m.role::text from document_members m where m.document_id = d.id and m.listener_id = ${listenerId}) end as role`;

type Read = Omit<DocumentRow, 'createdAt' | 'updatedAt'> & { createdMs: number; updatedMs: number };

const toRow = ({ createdMs, updatedMs, ...row }: Read): DocumentRow => ({
  ...row,
  createdAt: new Date(createdMs),
  updatedAt: new Date(updatedMs),
});

/** The rows as they were written. Those whose owner was erased meanwhile are left out. */
export async function selectDocuments(
  { sql, vault }: Database,
  ids: readonly string[],
  listenerId: number,
): Promise<DocumentRow[]> {
  const rows = await sql<Read[]>`
    select ${columns(sql, listenerId)} from documents d
    where d.id in (select id::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) as ids (id))`;
  return openTitles(vault, rows.map(toRow));
}

export interface DocumentKey {
  createdAt: Date;
  id: string;
}

/** A listener's own documents and those shared with them, newest first. */
export async function selectDocumentsOf(
  { sql, vault }: Database,
  listenerId: number,
  after: DocumentKey | null,
  limit: number,
): Promise<DocumentRow[]> {
  const from = after
    ? sql`and (d.created_at, d.id) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`
    : sql``;
  const rows = await sql<Read[]>`
    select ${columns(sql, listenerId)} from documents d
    where (d.listener_id = ${listenerId} or exists (
      select from document_members m where m.document_id = d.id and m.listener_id = ${listenerId})) ${from}
    order by d.created_at desc, d.id desc limit ${limit}`;
  return openTitles(vault, rows.map(toRow));
}

export async function countDocumentsOf(sql: Sql, listenerId: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select (select count(*) from documents where listener_id = ${listenerId})::int
      + (select count(*) from document_members where listener_id = ${listenerId})::int as count`;
  return row?.count ?? 0;
}

export interface NewDocument {
  id: string;
  listenerId: number;
  title: string;
  /** All of its content as one update, and its state vector. Null for an empty one. */
  content: { update: Uint8Array; stateVector: Uint8Array } | null;
  at: Date;
}

/** @returns false if the listener has as many as they may have */
export async function insertDocument({ sql, vault }: Database, document: NewDocument, most: number): Promise<boolean> {
  const { id, listenerId, title, content, at } = document;
  // Before the transaction, which locks what a new data key needs.
  const sealer = await vault.sealerOf(listenerId);
  return sql.begin(async (tx) => {
    // Of several at once each counts those before it.
    await tx`select from listeners where id = ${listenerId} for no key update`;
    const [owned] = await tx<{ count: number }[]>`
      select count(*)::int as count from documents where listener_id = ${listenerId}`;
    if ((owned?.count ?? 0) >= most) return false;
    await tx`
      insert into documents (id, listener_id, title, snapshot, state_vector, created_at, updated_at)
      values (${id}, ${listenerId}, ${sealTitle(sealer, title, id)}, ${content && sealSnapshot(sealer, content.update, id)},
        ${content ? Buffer.from(content.stateVector) : EMPTY}, ${at.toISOString()}::timestamptz, ${at.toISOString()}::timestamptz)`;
    return true;
  });
}

/** The state vector of an empty document. */
const EMPTY = Buffer.from([0]);

export async function updateDocumentTitle(
  { sql, vault }: Database,
  id: string,
  title: string,
  at: Date,
): Promise<void> {
  const sealed = sealTitle(await vault.sealerOfDocument(id), title, id);
  await sql`update documents set title = ${sealed}, updated_at = ${at.toISOString()}::timestamptz where id = ${id}`;
}

export async function deleteDocumentRow(sql: Sql, id: string): Promise<void> {
  await sql`delete from documents where id = ${id}`;
}

/** @returns the ids of those that were deleted */
export async function deleteDocumentsOf(sql: Sql, listenerId: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`delete from documents where listener_id = ${listenerId} returning id`;
  return rows.map(({ id }) => id);
}
