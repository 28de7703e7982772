import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import { digestOfUpdate, sealAsked, sealSnapshot, sealTitle, sealUpdate, sealVersion } from './sealed-documents.ts';
import type { Sealer } from './vault.ts';

type Sql = Database['sql'];

/** Conditions on rows in which something is stored as it was written. */
const plainBytes = (sql: Sql, column: string) => sql`substring(${sql(column)} for 3) <> '\\xffffff'::bytea`;
export const plainDocument = (sql: Sql) => sql`(not starts_with(title, E'\\x01k') or ${plainBytes(sql, 'snapshot')})`;
export const plainUpdate = (sql: Sql) => plainBytes(sql, 'update');
export const plainVersion = (sql: Sql) => sql`(not starts_with(name, E'\\x01k') or ${plainBytes(sql, 'state')})`;
export const plainAssist = (sql: Sql) => sql`not asked ? 'sealed'`;

const AT_ONCE = 100;

/** Encrypts some documents with their logs. Whoever appends to one waits. @returns their number; 0 at the end */
export async function sealDocuments({ sql, vault }: Database): Promise<number> {
  const rows = await sql<{ id: string }[]>`
    select id from documents where ${plainDocument(sql)}
      or id in (select document_id from document_updates where ${plainUpdate(sql)} limit ${AT_ONCE})
    order by id limit ${AT_ONCE}`;
  for (const { id } of rows) {
    const sealer = await vault.sealerOfDocument(id);
    if (!sealer) continue;
    await sql.begin(async (tx) => {
      await tx`select from documents where id = ${id} for update`;
      await sealDocument(tx, sql, sealer, id);
      await sealUpdates(tx, sql, sealer, id);
    });
  }
  return rows.length;
}

async function sealDocument(tx: Transaction, sql: Sql, sealer: Sealer, id: string): Promise<void> {
  const [row] = await tx<{ title: string | null; snapshot: Buffer | null }[]>`
    select case when not starts_with(title, E'\\x01k') then title end as title,
      case when ${plainBytes(sql, 'snapshot')} then snapshot end as snapshot
    from documents where id = ${id}`;
  const title = row?.title != null ? sealTitle(sealer, row.title, id) : null;
  const snapshot = row?.snapshot ? sealSnapshot(sealer, row.snapshot, id) : null;
  await tx`
    update documents set title = coalesce(${title}, title), snapshot = coalesce(${snapshot}, snapshot) where id = ${id}`;
}

async function sealUpdates(tx: Transaction, sql: Sql, sealer: Sealer, documentId: string): Promise<void> {
  const rows = await tx<{ sequence: number; update: Buffer }[]>`
    select sequence, update from document_updates where document_id = ${documentId} and ${plainUpdate(sql)}`;
  for (const { sequence, update } of rows) {
    const sealed = sealUpdate(sealer, update, documentId, sequence);
    await tx`
      update document_updates set update = ${sealed}, digest = ${digestOfUpdate(sealer, update, documentId)}
      where document_id = ${documentId} and sequence = ${sequence}`;
  }
}

/** The same with named versions, of which each is a whole document. */
export async function sealVersions({ sql, vault }: Database): Promise<number> {
  const ids = await sql<{ id: string }[]>`select id from document_versions where ${plainVersion(sql)} limit ${AT_ONCE}`;
  for (const { id } of ids) {
    const [row] = await sql<{ documentId: string; name: string; state: Buffer }[]>`
      select document_id as "documentId", name, state from document_versions where id = ${id}`;
    const sealer = row && (await vault.sealerOfDocument(row.documentId));
    if (!sealer) continue;
    const { name, state } = sealVersion(sealer, row, id);
    await sql`update document_versions set name = ${name}, state = ${state} where id = ${id} and ${plainVersion(sql)}`;
  }
  return ids.length;
}

/** The same with what models were asked to write into documents. */
export async function sealAssists({ sql, vault }: Database): Promise<number> {
  const rows = await sql<{ id: string; documentId: string; asked: object }[]>`
    select id, document_id as "documentId", asked from document_assists where ${plainAssist(sql)} limit ${AT_ONCE}`;
  for (const { id, documentId, asked } of rows) {
    const sealer = await vault.sealerOfDocument(documentId);
    const sealed = JSON.stringify(sealAsked(sealer, asked, id));
    await sql`update document_assists set asked = ${sealed}::text::jsonb where id = ${id} and ${plainAssist(sql)}`;
  }
  return rows.length;
}
