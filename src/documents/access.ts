import type { Database } from '../db/client.ts';
import { type DocumentRow, selectDocuments } from '../db/documents/document-queries.ts';
import { indexBy } from '../lib/collections.ts';
import { ForbiddenError } from '../lib/errors.ts';
import { may, type Viewer } from '../listeners/listeners.ts';
import { type DocumentRole, noSuchDocument, type TextDocument } from './contract.ts';
import { placeCursor } from './document-cursor.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the viewer may do. ADMIN may do everything. Null: nothing, as if there were no such document ([DOCUMENT1]). */
export function roleOf(viewer: Viewer, row: { role: DocumentRole | null }): DocumentRole | null {
  return may(viewer, 'ADMIN') ? 'OWNER' : row.role;
}

export const mayWrite = (role: DocumentRole): boolean => role === 'OWNER' || role === 'EDITOR';

export const maySuggest = (role: DocumentRole): boolean => role !== 'READER';

/** Documents as viewers may use them. */
export class DocumentAccess {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Those that the viewer may read. Others are absent. */
  async byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, TextDocument>> {
    const known = ids.filter((id) => UUID.test(id));
    if (known.length === 0) return new Map();
    const rows = await selectDocuments(this.#database, known, viewer.listener.id);
    return indexBy(
      rows.flatMap((row) => documentOf(viewer, row) ?? []),
      ({ id }) => id,
    );
  }

  /** @throws NotFoundError */
  async readable(viewer: Viewer, id: string): Promise<TextDocument> {
    const document = (await this.byIds(viewer, [id])).get(id);
    if (!document) throw noSuchDocument(id);
    return document;
  }

  /** @throws NotFoundError, ForbiddenError */
  async writable(viewer: Viewer, id: string): Promise<TextDocument> {
    const document = await this.readable(viewer, id);
    if (!mayWrite(document.role)) throw forbiddenToWrite();
    return document;
  }

  /** @throws NotFoundError, ForbiddenError */
  async suggestible(viewer: Viewer, id: string): Promise<TextDocument> {
    const document = await this.readable(viewer, id);
    if (!maySuggest(document.role)) throw forbiddenToWrite();
    return document;
  }

  /** @throws NotFoundError, ForbiddenError */
  async own(viewer: Viewer, id: string): Promise<TextDocument> {
    const document = await this.readable(viewer, id);
    if (document.role === 'OWNER') return document;
    throw new ForbiddenError('Only the owner of the document may do this');
  }
}

export const forbiddenToWrite = (): ForbiddenError =>
  new ForbiddenError('The document is shared with you for reading or suggesting; its owner can make you an EDITOR');

export function documentOf(viewer: Viewer, row: DocumentRow): TextDocument | null {
  const role = roleOf(viewer, row);
  if (role === null) return null;
  const { id, listenerId, title, createdAt, updatedAt } = row;
  return { id, listenerId, title, role, cursor: placeCursor(id, row), createdAt, updatedAt };
}
