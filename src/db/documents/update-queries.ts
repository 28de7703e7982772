import { randomInt } from 'node:crypto';
import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import {
  digestOfUpdate,
  openParts,
  openSnapshot,
  openUpdates,
  sealSnapshot,
  sealUpdate,
} from '../sealing/sealed-documents.ts';
import type { Sealer } from '../sealing/vault.ts';
import type { DocumentRoleName } from './document-queries.ts';

/** A position in a document's log: an update's number, and the random number by which it is told from a lost one. */
export interface LogPlace {
  sequence: number;
  mark: number;
}

export interface UpdateRow extends LogPlace {
  update: Buffer;
}

/** What an append must know, while nobody else appends. */
export interface DocumentHead extends LogPlace {
  stateVector: Buffer;
  snapshotBytes: number;
  /** Number of updates that are not in the snapshot, and their bytes. */
  logLength: number;
  logBytes: number;
  role: DocumentRoleName | null;
}

interface Append {
  documentId: string;
  authorId: number;
  at: Date;
  /** What is stored with it or not at all. What it throws undoes everything. */
  within?: ((tx: Transaction) => Promise<void>) | undefined;
}

/** What is to be appended, and the document's state vector with it. */
export interface Decision {
  updates: readonly Uint8Array[];
  stateVector: Uint8Array;
}

export interface Appended {
  end: LogPlace;
  /** What of it is not in the snapshot. */
  log: { length: number; bytes: number };
  stateVector: Uint8Array;
  hasGrown: boolean;
}

/**
 * Appends updates to a document's log, all or none. Those whose like is in the log are left out.
 * @param decide called while nobody else appends. What it throws undoes everything
 * @returns null if there is no such document
 */
export async function appendUpdates(
  { sql, vault }: Database,
  { documentId, authorId, at, within }: Append,
  decide: (head: DocumentHead) => Decision,
): Promise<Appended | null> {
  // Before the transaction, which may lock what a new data key needs.
  const sealer = await vault.sealerOfDocument(documentId);
  return sql.begin(async (tx) => {
    const head = await lockHead(tx, documentId, authorId);
    if (!head) return null;
    const { updates, stateVector } = decide(head);
    const rows = updates.length > 0 ? await newRows(tx, sealer, documentId, updates) : [];
    let end: LogPlace = { sequence: head.sequence, mark: head.mark };
    let bytes = 0;
    for (const { update, digest } of rows) {
      end = { sequence: end.sequence + 1, mark: randomInt(1, 2 ** 31) };
      const sealed = sealUpdate(sealer, update, documentId, end.sequence);
      bytes += sealed.length;
      await tx`
        insert into document_updates (document_id, sequence, mark, update, digest, author_id, at)
        values (${documentId}, ${end.sequence}, ${end.mark}, ${sealed}, ${digest}, ${authorId}, ${at.toISOString()}::timestamptz)`;
    }
    if (rows.length > 0) {
      await tx`
        update documents set sequence = ${end.sequence}, mark = ${end.mark}, state_vector = ${Buffer.from(stateVector)},
          log_bytes = log_bytes + ${bytes}, updated_at = ${at.toISOString()}::timestamptz
        where id = ${documentId}`;
    }
    await within?.(tx);
    const log = { length: head.logLength + rows.length, bytes: head.logBytes + bytes };
    return { end, log, stateVector, hasGrown: rows.length > 0 };
  });
}

async function lockHead(tx: Transaction, documentId: string, listenerId: number): Promise<DocumentHead | null> {
  const [head] = await tx<DocumentHead[]>`
    select d.sequence, d.mark, d.state_vector as "stateVector", d.sequence - d.snapshot_until as "logLength",
      coalesce(octet_length(d.snapshot), 0) as "snapshotBytes", d.log_bytes as "logBytes",
      case when d.listener_id = ${listenerId} then 'OWNER' else (
        select m.role::text from document_members m where m.document_id = d.id and m.listener_id = ${listenerId}) end as role
    from documents d where d.id = ${documentId} for no key update of d`;
  return head ?? null;
}

async function newRows(tx: Transaction, sealer: Sealer | null, documentId: string, updates: readonly Uint8Array[]) {
  const rows = new Map<string, { update: Uint8Array; digest: Buffer }>();
  const asPlain = new Map<string, string>();
  for (const update of updates) {
    const digest = digestOfUpdate(sealer, update, documentId);
    const name = digest.toString('hex');
    rows.set(name, { update, digest });
    // As it was stored before there was a master key.
    asPlain.set(digestOfUpdate(null, update, documentId).toString('hex'), name);
  }
  const names = JSON.stringify([...rows.keys(), ...asPlain.keys()]);
  const known = await tx<{ digest: Buffer }[]>`
    select digest from document_updates where document_id = ${documentId}
      and digest in (select decode(d, 'hex') from jsonb_array_elements_text(${names}::text::jsonb) as digests (d))`;
  for (const name of known.map(({ digest }) => digest.toString('hex'))) rows.delete(asPlain.get(name) ?? name);
  return [...rows.values()];
}

/** Everything of a document as of one moment: its snapshot, and the updates since. */
export interface StoredDocument extends LogPlace {
  parts: Buffer[];
  snapshotUntil: number;
}

/** Null if there is no document, or its owner was erased. */
export async function selectStored({ sql, vault }: Database, documentId: string): Promise<StoredDocument | null> {
  const rows = await sql<(LogPlace & { snapshotUntil: number; number: number | null; part: Buffer | null })[]>`
    select d.sequence, d.mark, d.snapshot_until as "snapshotUntil", p.number, p.part
    from documents d left join lateral (
      select d.snapshot as part, 0 as number where d.snapshot is not null
      union all
      select u.update, u.sequence from document_updates u
      where u.document_id = d.id and u.sequence > d.snapshot_until and u.sequence <= d.sequence) p on true
    where d.id = ${documentId} order by p.number`;
  const [first] = rows;
  if (!first) return null;
  const { sequence, mark, snapshotUntil } = first;
  const kept = rows.flatMap(({ number, part }) => (number !== null && part ? [{ number, part }] : []));
  const parts = await openParts(vault, kept, documentId);
  return parts && { sequence, mark, snapshotUntil, parts };
}

/** A document's snapshot as it is stored, and the log that goes on from it. */
export interface StoredSnapshot {
  /** The end of the log, and what the document has there. */
  end: LogPlace;
  stateVector: Buffer;
  snapshot: Buffer;
  /** The last update that is in the snapshot. */
  until: LogPlace;
}

/** Null if there is no document, it has no snapshot, or its log does not go on from it. */
export async function selectSnapshot({ sql, vault }: Database, documentId: string): Promise<StoredSnapshot | null> {
  const [row] = await sql<(LogPlace & Pick<StoredSnapshot, 'snapshot' | 'stateVector'> & Until)[]>`
    select d.sequence, d.mark, d.state_vector as "stateVector", d.snapshot, d.snapshot_until as "snapshotUntil",
      case d.snapshot_until when 0 then 0 when d.sequence then d.mark else (
        select u.mark from document_updates u where u.document_id = d.id and u.sequence = d.snapshot_until) end as "untilMark"
    from documents d where d.id = ${documentId} and d.snapshot is not null`;
  if (!row || row.untilMark === null) return null;
  const { sequence, mark, stateVector, snapshotUntil, untilMark } = row;
  const snapshot = await openSnapshot(vault, row.snapshot, documentId);
  if (!snapshot) return null;
  return { end: { sequence, mark }, stateVector, snapshot, until: { sequence: snapshotUntil, mark: untilMark } };
}

interface Until {
  snapshotUntil: number;
  untilMark: number | null;
}

/** Number of updates kept for readers that were away, beside those that are not in the snapshot. */
const KEPT = 256;

/**
 * Replaces a document's log up to a position by one update.
 * @param from where the previous snapshot ended: if another node has made one since, nothing is changed
 */
export async function storeSnapshot(
  { sql, vault }: Database,
  documentId: string,
  { from, until, snapshot }: { from: number; until: number; snapshot: Uint8Array },
): Promise<void> {
  const sealed = sealSnapshot(await vault.sealerOfDocument(documentId), snapshot, documentId);
  await sql.begin(async (tx) => {
    const stored = await tx`
      update documents set snapshot = ${sealed}, snapshot_until = ${until}, log_bytes = (
        select coalesce(sum(octet_length(update)), 0) from document_updates
        where document_id = ${documentId} and sequence > ${until})
      where id = ${documentId} and snapshot_until = ${from}`;
    if (stored.count === 0) return;
    await tx`delete from document_updates where document_id = ${documentId} and sequence <= ${until - KEPT}`;
  });
}

/** A log that somebody follows, and the sequence number of the last update that they have. */
export interface LogWanted {
  documentId: string;
  after: number;
}

export interface LogNews extends LogPlace {
  /** From `after` itself on, where the log still has it. */
  updates: UpdateRow[];
}

/** The new updates of many documents, at most `limit` of each. Null for a document that is gone, or its owner erased. */
export async function selectNews(
  { sql, vault }: Database,
  wanted: readonly LogWanted[],
  limit: number,
): Promise<(LogNews | null)[]> {
  const json = JSON.stringify(wanted.map(({ documentId, after }, i) => ({ i, id: documentId, after })));
  const rows = await sql<(LogPlace & { i: number; at: number | null; atMark: number | null; update: Buffer | null })[]>`
    select w.i, d.sequence, d.mark, u.sequence as at, u.mark as "atMark", u.update
    from jsonb_to_recordset(${json}::jsonb) as w (i int, id uuid, after int) join documents d on d.id = w.id
    left join lateral (
      select sequence, mark, update from document_updates
      where document_id = w.id and sequence >= w.after and sequence <= d.sequence order by sequence limit ${limit + 1}) u on true
    order by w.i, u.sequence`;
  const news = wanted.map((): LogNews | null => null);
  for (const { i, sequence, mark, at, atMark, update } of rows) {
    const entry = (news[i] ??= { sequence, mark, updates: [] });
    if (at !== null && atMark !== null && update) entry.updates.push({ sequence: at, mark: atMark, update });
  }
  return Promise.all(
    wanted.map(async ({ documentId }, i) => {
      const entry = news[i];
      const updates = entry && (await openUpdates(vault, entry.updates, documentId));
      return entry && updates ? { ...entry, updates } : null;
    }),
  );
}
