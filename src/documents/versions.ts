import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { selectStored } from '../db/documents/update-queries.ts';
import {
  countDocumentVersions,
  insertDocumentVersion,
  selectDocumentVersion,
  selectDocumentVersions,
} from '../db/documents/version-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { ConflictError, NotFoundError } from '../lib/errors.ts';
import { checkFirst, decodeCursor, keyPart, type Page, type PageArgs, pageOf } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { DocumentAccess } from './access.ts';
import { type DocumentVersion, noSuchDocument, type TextDocument } from './contract.ts';
import type { Pushing } from './pushing.ts';
import type { YjsThread } from './yjs/yjs-thread.ts';

const MOST_VERSIONS = 200;

interface VersionsOptions {
  database: Database;
  access: DocumentAccess;
  pushing: Pushing;
  yjs: YjsThread;
  clock: Clock;
}

/** Named states of documents, to which they can be made equal again ([DOCUMENT9]). */
export class Versions {
  readonly #options: VersionsOptions;

  constructor(options: VersionsOptions) {
    this.#options = options;
  }

  async save(viewer: Viewer, documentId: string, given: string): Promise<DocumentVersion> {
    const { access, yjs, database, clock } = this.#options;
    const name = checkText(given, 'input.name', { max: 200 });
    await access.writable(viewer, documentId);
    const { update } = await yjs.state(await this.#stored(documentId), null, 'stateVector');
    const authorId = viewer.listener.id;
    const version = { id: randomUUID(), documentId, name, authorId, createdAt: new Date(clock.now()) };
    if (await insertDocumentVersion(database, version, update, MOST_VERSIONS)) return version;
    throw new ConflictError(`A document may have ${MOST_VERSIONS} versions`);
  }

  /** Newest first. @throws InvalidInputError */
  async of({ id }: TextDocument, { first, after = null }: PageArgs): Promise<Page<DocumentVersion>> {
    const { database } = this.#options;
    const list = `document-versions:${id}`;
    const key = after === null ? null : versionKey(after, list);
    const rows = await selectDocumentVersions(database, id, key, checkFirst(first) + 1);
    const keyOf = ({ createdAt, id: own }: DocumentVersion) => [createdAt.getTime(), own];
    return pageOf(rows, list, { first, after }, keyOf, () => countDocumentVersions(database.sql, id));
  }

  async byId(viewer: Viewer, id: string): Promise<DocumentVersion | null> {
    const found = await this.#readable(viewer, id);
    if (!found) return null;
    const { state: _, ...version } = found;
    return version;
  }

  async restore(viewer: Viewer, versionId: string): Promise<TextDocument> {
    const { access, yjs, pushing } = this.#options;
    const version = await this.#readable(viewer, versionId);
    if (!version)
      throw new NotFoundError('There is no such version, or its document is not shared with you', versionId);
    await access.writable(viewer, version.documentId);
    const update = await yjs.restore(await this.#stored(version.documentId), version.state);
    await pushing.append(viewer, version.documentId, [update], 'id');
    return access.readable(viewer, version.documentId);
  }

  async #readable(viewer: Viewer, id: string) {
    const { access, database } = this.#options;
    const version = await selectDocumentVersion(database, id);
    return version && (await access.byIds(viewer, [version.documentId])).has(version.documentId) ? version : null;
  }

  async #stored(documentId: string): Promise<readonly Uint8Array[]> {
    const stored = await selectStored(this.#options.database, documentId);
    if (!stored) throw noSuchDocument(documentId);
    return stored.parts;
  }
}

function versionKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
