import type { Database } from '../client.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';
import { openAsked, sealAsked } from '../sealing/sealed-documents.ts';
import type { DocumentKey } from './document-queries.ts';

type AssistStatusName = 'STARTING' | 'WRITING' | 'WRITTEN' | 'STOPPED' | 'FAILED';

export interface AssistRow {
  id: string;
  documentId: string;
  /** Who asked for it. */
  listenerId: number;
  draftIds: string[];
  status: AssistStatusName;
  reason: string | null;
  clientId: number;
  asked: unknown;
  createdAt: Date;
  endedAt: Date | null;
  undoneAt: Date | null;
  undoneBy: number | null;
}

type Read = Omit<AssistRow, 'createdAt' | 'endedAt' | 'undoneAt'> & {
  createdMs: number;
  endedMs: number | null;
  undoneMs: number | null;
};

const columns = (sql: Sql) => sql`
  id, document_id as "documentId", listener_id::float8 as "listenerId", to_jsonb(draft_ids) as "draftIds", status, reason,
  client_id::float8 as "clientId", asked, undone_by::float8 as "undoneBy",
  (extract(epoch from created_at) * 1000)::float8 as "createdMs",
  (extract(epoch from ended_at) * 1000)::float8 as "endedMs", (extract(epoch from undone_at) * 1000)::float8 as "undoneMs"`;

/** The rows as they were written. Those whose keys were destroyed are left out. */
async function opened({ vault }: Database, rows: readonly Read[]): Promise<AssistRow[]> {
  return (await openAsked(vault, rows)).map(({ createdMs, endedMs, undoneMs, ...row }) => {
    const [endedAt, undoneAt] = [dateOf(endedMs), dateOf(undoneMs)];
    return { ...row, createdAt: new Date(createdMs), endedAt, undoneAt };
  });
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

export interface NewAssist {
  id: string;
  documentId: string;
  listenerId: number;
  draftIds: readonly string[];
  clientId: number;
  asked: object;
  at: Date;
}

/** Before its drafts are stored: it is taken up once it was started, or after a minute, if whoever started it has died. */
export async function insertAssist(
  { sql, vault }: Database,
  { id, documentId, listenerId, draftIds, clientId, asked, at }: NewAssist,
  ownerId: number,
): Promise<void> {
  const sealed = sealAsked(await vault.sealerOf(ownerId), asked, id);
  await sql`
    insert into document_assists (id, document_id, listener_id, draft_ids, client_id, asked, created_at)
    values (${id}, ${documentId}, ${listenerId},
      array(select jsonb_array_elements_text(${JSON.stringify(draftIds)}::text::jsonb)::uuid), ${clientId},
      ${JSON.stringify(sealed)}::text::jsonb, ${at.toISOString()}::timestamptz)`;
}

export async function startAssist({ sql }: Database, id: string): Promise<void> {
  await sql`update document_assists set status = 'WRITING' where id = ${id} and status = 'STARTING'`;
}

export async function deleteAssist({ sql }: Database, id: string): Promise<void> {
  await sql`delete from document_assists where id = ${id}`;
}

export async function selectAssists(database: Database, ids: readonly string[]): Promise<AssistRow[]> {
  const { sql } = database;
  const rows = await sql<Read[]>`
    select ${columns(sql)} from document_assists
    where id in (select id::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb) as ids (id))`;
  return opened(database, rows);
}

export async function selectAssistOfDraft(database: Database, draftId: string): Promise<AssistRow | null> {
  const { sql } = database;
  const rows = await sql<Read[]>`
    select ${columns(sql)} from document_assists where draft_ids @> array[${draftId}::uuid]`;
  return (await opened(database, rows))[0] ?? null;
}

/** Newest first. */
export async function selectAssistsOf(
  database: Database,
  documentId: string,
  after: DocumentKey | null,
  limit: number,
): Promise<AssistRow[]> {
  const { sql } = database;
  const from = after
    ? sql`and (created_at, id) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`
    : sql``;
  const rows = await sql<Read[]>`
    select ${columns(sql)} from document_assists where document_id = ${documentId} ${from}
    order by created_at desc, id desc limit ${limit}`;
  return opened(database, rows);
}

/** Those that a listener has asked for, in the order of their ids. */
export async function selectAssistsBy(
  database: Database,
  listenerId: number,
  after: string | null,
  limit: number,
): Promise<AssistRow[]> {
  const { sql } = database;
  const rows = await sql<Read[]>`
    select ${columns(sql)} from document_assists
    where listener_id = ${listenerId} and (${after}::uuid is null or id > ${after}::uuid) order by id limit ${limit}`;
  return opened(database, rows);
}

export async function countAssistsOf({ sql }: Database, documentId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from document_assists where document_id = ${documentId}`;
  return row?.count ?? 0;
}

/** How long a process holds what it carries out after it last said so. */
const HELD_SECONDS = 5;
/** How long starting one may take. */
const START_SECONDS = 60;

/** Says that a process still carries these out. @returns those that it may go on with */
export async function renewAssists({ sql }: Database, scribe: string, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    update document_assists set held_until = now() + ${HELD_SECONDS}::float8 * interval '1 second'
    where scribe = ${scribe} and id in (select id::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb) as ids (id))
    returning id`;
  return rows.map(({ id }) => id);
}

/** Takes assists that nobody carries out, the oldest first. */
export async function claimAssists(database: Database, scribe: string, most: number): Promise<AssistRow[]> {
  const { sql } = database;
  const rows = await sql<Read[]>`
    update document_assists
    set scribe = ${scribe}, status = 'WRITING', held_until = now() + ${HELD_SECONDS}::float8 * interval '1 second'
    where id in (
      select id from document_assists
      where (status = 'WRITING' or (status = 'STARTING' and created_at < now() - ${START_SECONDS}::float8 * interval '1 second'))
        and (held_until is null or held_until < now())
      order by created_at limit ${most} for update skip locked)
    returning ${columns(sql)}`;
  return opened(database, rows);
}

/** Leaves what a process carries out to others, or one assist to whoever takes it next. */
export async function releaseAssists({ sql }: Database, scribe: string, id: string | null = null): Promise<void> {
  await sql`
    update document_assists set scribe = null, held_until = null
    where scribe = ${scribe} and ended_at is null and (${id}::uuid is null or id = ${id}::uuid)`;
}

export interface AssistEnd {
  status: 'WRITTEN' | 'STOPPED' | 'FAILED';
  reason: string | null;
  at: Date;
}

/** @returns false if it has ended before */
export async function endAssist(
  sql: Sql | Transaction,
  id: string,
  { status, reason, at }: AssistEnd,
): Promise<boolean> {
  const ended = await sql`
    update document_assists set status = ${status}, reason = ${reason}, ended_at = ${at.toISOString()}::timestamptz
    where id = ${id} and ended_at is null`;
  return ended.count > 0;
}

/** @returns false if it was undone before */
export async function undoAssistRow(tx: Transaction, id: string, by: number, at: Date): Promise<boolean> {
  const undone = await tx`
    update document_assists set undone_at = ${at.toISOString()}::timestamptz, undone_by = ${by}
    where id = ${id} and undone_at is null`;
  return undone.count > 0;
}
