import type { Database } from '../db/client.ts';
import { type DocumentKey, type DocumentRow, selectDocumentsOf } from '../db/documents/document-queries.ts';
import { selectStored } from '../db/documents/update-queries.ts';
import { selectDocumentVersion, selectDocumentVersions } from '../db/documents/version-queries.ts';
import type { DocumentRows } from './contract.ts';
import type { YjsThread } from './yjs/yjs-thread.ts';

const AT_ONCE = 20;

/**
 * What a listener's documents consist of, one at a time ([EXPORT3]). Of those of others, in which they take part: what
 * they may do there.
 */
export const exportedRows = (database: Database, yjs: YjsThread, listenerId: number): DocumentRows => ({
  documents: exportedDocuments(database, yjs, listenerId),
  versions: exportedVersions(database, listenerId),
});

async function* exportedDocuments(database: Database, yjs: YjsThread, listenerId: number): AsyncGenerator<object> {
  for await (const { id, title, role, createdAt, updatedAt } of documentsOf(database, listenerId)) {
    const head = { id, title, role, createdAt, updatedAt };
    const stored = role === 'OWNER' ? await selectStored(database, id) : null;
    if (!stored) {
      yield head;
      continue;
    }
    const text = await yjs.text(stored.parts, 'PLAIN');
    const { update } = await yjs.state(stored.parts, null, 'stateVector');
    yield { ...head, text, update: toBase64(update) };
  }
}

async function* exportedVersions(database: Database, listenerId: number): AsyncGenerator<object> {
  for await (const { id: document, role } of documentsOf(database, listenerId)) {
    const versions =
      role === 'OWNER' ? paged((after) => selectDocumentVersions(database, document, after, AT_ONCE)) : [];
    for await (const { id } of versions) {
      const version = await selectDocumentVersion(database, id);
      if (!version) continue;
      const { name, createdAt, state } = version;
      yield { document, name, createdAt, update: toBase64(state) };
    }
  }
}

const documentsOf = (database: Database, listenerId: number): AsyncGenerator<DocumentRow> =>
  paged((after) => selectDocumentsOf(database, listenerId, after, AT_ONCE));

async function* paged<Row extends DocumentKey>(
  read: (after: DocumentKey | null) => Promise<Row[]>,
): AsyncGenerator<Row> {
  for (let after: DocumentKey | null = null; ;) {
    const rows = await read(after);
    yield* rows;
    after = rows.at(-1) ?? null;
    if (!after) return;
  }
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
