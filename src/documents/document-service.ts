import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import * as queries from '../db/documents/document-queries.ts';
import { selectSnapshot, selectStored } from '../db/documents/update-queries.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { ConflictError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, decodeCursor, keyPart, type Page, type PageArgs, pageOf } from '../lib/page.ts';
import { checkExactText, checkText } from '../lib/text/check-text.ts';
import type { Viewer } from '../listeners/listeners.ts';
import { DocumentAccess, documentOf } from './access.ts';
import { Compacting } from './compacting.ts';
import {
  type AnchoredIn,
  type CreateDocumentInput,
  type DocumentEvent,
  type DocumentFormat,
  type DocumentMember,
  type DocumentPeer,
  type DocumentRows,
  type Documents,
  type DocumentVersion,
  type EncodedRange,
  type EncodedState,
  type FollowFrom,
  type MemberRole,
  type ModelProposal,
  noSuchDocument,
  type PeerDeeds,
  type PendingSuggestion,
  type PresenceInput,
  type Present,
  type PresentPeer,
  type Proposed,
  type Pushed,
  type PushInput,
  type ShareInput,
  type ShareLink,
  type SuggestInput,
  type SuggestionDecision,
  type TextDocument,
  type Within,
} from './contract.ts';
import { placeCursor } from './document-cursor.ts';
import { exportedRows } from './exporting.ts';
import { ReplicaPeer } from './peers/replica-peer.ts';
import { Suggesting } from './peers/suggesting.ts';
import { Presence } from './presence.ts';
import { Pushing } from './pushing.ts';
import { DocumentReaders } from './readers/document-readers.ts';
import { Sharing } from './sharing.ts';
import { Versions } from './versions.ts';
import { documentKey, documentRightsKey } from './wakeup-keys.ts';
import { ownedBy } from './yjs/state-vector.ts';
import { YjsThread } from './yjs/yjs-thread.ts';

const MOST_DOCUMENTS = 10_000;
const MOST_TEXT = 50_000;

export interface DocumentsOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
}

export function createDocuments(options: DocumentsOptions): Documents {
  return new DocumentService(options);
}

/** Puts the parts together. */
class DocumentService implements Documents {
  readonly #options: DocumentsOptions;
  readonly #yjs = new YjsThread();
  readonly #access: DocumentAccess;
  readonly #compacting: Compacting;
  readonly #pushing: Pushing;
  readonly #readers: DocumentReaders;
  readonly #sharing: Sharing;
  readonly #versions: Versions;
  readonly #suggesting: Suggesting;
  readonly #presence: Presence;

  constructor(options: DocumentsOptions) {
    this.#options = options;
    const { log: logger } = options;
    const access = (this.#access = new DocumentAccess(options.database));
    const parts = { ...options, access, yjs: this.#yjs, logger };
    const compacting = (this.#compacting = new Compacting(parts));
    const pushing = (this.#pushing = new Pushing({ ...parts, onGrown: (...grown) => compacting.grown(...grown) }));
    this.#readers = new DocumentReaders(parts);
    this.#sharing = new Sharing(parts);
    this.#versions = new Versions({ ...parts, pushing });
    this.#suggesting = new Suggesting({ ...parts, pushing });
    this.#presence = new Presence(parts);
  }

  async create(viewer: Viewer, { title: given, text }: CreateDocumentInput): Promise<TextDocument> {
    const title = checkText(given, 'input.title', { max: 200 });
    const begin = checkExactText(text ?? '', 'input.text', { min: 0, max: MOST_TEXT });
    const content = begin === '' ? null : await this.#yjs.create(begin);
    const { database, clock } = this.#options;
    const document = { id: randomUUID(), listenerId: viewer.listener.id, title, content, at: new Date(clock.now()) };
    if (!(await queries.insertDocument(database, document, MOST_DOCUMENTS)))
      throw new ConflictError(`A listener may have ${MOST_DOCUMENTS} documents`);
    return this.#access.readable(viewer, document.id);
  }

  byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, TextDocument>> {
    return this.#access.byIds(viewer, ids);
  }

  async list(viewer: Viewer, { first, after = null }: PageArgs): Promise<Page<TextDocument>> {
    const { database } = this.#options;
    const { id } = viewer.listener;
    const list = `documents:${id}`;
    const key = after === null ? null : documentListKey(after, list);
    const rows = await queries.selectDocumentsOf(database, id, key, checkFirst(first) + 1);
    const found = rows.flatMap((row) => documentOf(viewer, row) ?? []);
    const keyOf = (document: TextDocument) => [document.createdAt.getTime(), document.id];
    return pageOf(found, list, { first, after }, keyOf, () => queries.countDocumentsOf(database.sql, id));
  }

  async rename(viewer: Viewer, documentId: string, given: string): Promise<TextDocument> {
    const title = checkText(given, 'title', { max: 200 });
    const { database, clock } = this.#options;
    await this.#access.writable(viewer, documentId);
    await queries.updateDocumentTitle(database, documentId, title, new Date(clock.now()));
    return this.#access.readable(viewer, documentId);
  }

  async delete(viewer: Viewer, documentId: string): Promise<void> {
    await this.#access.own(viewer, documentId);
    await queries.deleteDocumentRow(this.#options.database.sql, documentId);
    this.#tellGone(documentId);
  }

  async deleteOf(listenerId: number): Promise<number> {
    const ids = await queries.deleteDocumentsOf(this.#options.database.sql, listenerId);
    for (const id of ids) this.#tellGone(id);
    return ids.length;
  }

  everythingOf(listenerId: number): DocumentRows {
    return exportedRows(this.#options.database, this.#yjs, listenerId);
  }

  #tellGone(documentId: string): void {
    const { wakeups } = this.#options;
    wakeups.wake(documentRightsKey(documentId));
    wakeups.wake(documentKey(documentId));
  }

  async text({ id }: TextDocument, format: DocumentFormat): Promise<string> {
    return this.#yjs.text(await this.#stored(id), format);
  }

  async state({ id }: TextDocument, given: Uint8Array | null): Promise<EncodedState> {
    const stateVector = ownedBy(given);
    const kept = stateVector === null ? await selectSnapshot(this.#options.database, id) : null;
    if (kept && kept.until.sequence === kept.end.sequence)
      return { update: kept.snapshot, stateVector: kept.stateVector };
    return this.#yjs.state(await this.#stored(id), stateVector, 'stateVector');
  }

  async push(viewer: Viewer, { documentId, updates, stateVector = null }: PushInput): Promise<Pushed> {
    const pushed = await this.#pushing.append(viewer, documentId, updates, 'input.updates');
    if (stateVector === null) return { ...pushed, missing: null };
    const missing = await this.#yjs.state(await this.#stored(documentId), stateVector, 'input.stateVector');
    return { ...pushed, missing: missing.update };
  }

  follow(
    viewer: Viewer,
    documentId: string,
    from: FollowFrom,
    signal?: AbortSignal,
  ): AsyncIterableIterator<DocumentEvent> {
    return this.#readers.follow(viewer, documentId, from, signal);
  }

  membersOf(documentIds: readonly string[]): Promise<Map<string, DocumentMember[]>> {
    return this.#sharing.membersOf(documentIds);
  }

  setMember(viewer: Viewer, documentId: string, listenerId: number, role: MemberRole | null): Promise<TextDocument> {
    return this.#sharing.setMember(viewer, documentId, listenerId, role);
  }

  share(viewer: Viewer, input: ShareInput): Promise<ShareLink> {
    return this.#sharing.share(viewer, input);
  }

  revokeLinks(viewer: Viewer, documentId: string): Promise<number> {
    return this.#sharing.revokeLinks(viewer, documentId);
  }

  join(viewer: Viewer, secret: string): Promise<TextDocument> {
    return this.#sharing.join(viewer, secret);
  }

  saveVersion(viewer: Viewer, documentId: string, name: string): Promise<DocumentVersion> {
    return this.#versions.save(viewer, documentId, name);
  }

  version(viewer: Viewer, id: string): Promise<DocumentVersion | null> {
    return this.#versions.byId(viewer, id);
  }

  versionsOf(document: TextDocument, page: PageArgs): Promise<Page<DocumentVersion>> {
    return this.#versions.of(document, page);
  }

  restore(viewer: Viewer, versionId: string): Promise<TextDocument> {
    return this.#versions.restore(viewer, versionId);
  }

  setPresence(viewer: Viewer, input: PresenceInput): Promise<void> {
    return this.#presence.set(viewer, input);
  }

  presence(viewer: Viewer, documentId: string, signal?: AbortSignal): AsyncIterableIterator<Present> {
    return this.#presence.follow(viewer, documentId, signal);
  }

  async anchor(
    viewer: Viewer,
    documentId: string,
    range: EncodedRange | null,
    { field, suggests }: { field: string; suggests: boolean },
  ): Promise<AnchoredIn> {
    const document = await (suggests
      ? this.#access.suggestible(viewer, documentId)
      : this.#access.writable(viewer, documentId));
    const stored = await selectStored(this.#options.database, documentId);
    if (!stored) throw noSuchDocument(documentId);
    const anchored = await this.#yjs.anchor(stored.parts, range, field);
    return { ...anchored, document, cursor: placeCursor(documentId, stored) };
  }

  peer(viewer: Viewer, documentId: string): DocumentPeer {
    const { database } = this.#options;
    return new ReplicaPeer({ database, pushing: this.#pushing, yjs: this.#yjs, viewer, documentId });
  }

  async undo(
    viewer: Viewer,
    documentId: string,
    { client, restore }: PeerDeeds,
    within: Within,
  ): Promise<TextDocument> {
    await this.#access.writable(viewer, documentId);
    const update = await this.#yjs.undo(await this.#stored(documentId), client, restore);
    await this.#pushing.append(viewer, documentId, update ? [update] : [], 'id', within);
    return this.#access.readable(viewer, documentId);
  }

  suggestions(document: TextDocument): Promise<PendingSuggestion[]> {
    return this.#suggesting.of(document.id);
  }

  suggest(viewer: Viewer, input: SuggestInput): Promise<PendingSuggestion> {
    return this.#suggesting.suggest(viewer, input);
  }

  propose(viewer: Viewer, proposal: ModelProposal, within: Within): Promise<Proposed> {
    return this.#suggesting.propose(viewer, proposal, within);
  }

  decideSuggestion(viewer: Viewer, decision: SuggestionDecision, within?: Within): Promise<TextDocument> {
    return this.#suggesting.decide(viewer, decision, within);
  }

  show(documentId: string, peer: PresentPeer): Promise<void> {
    return this.#presence.show(documentId, peer);
  }

  changes(documentId: string, signal: AbortSignal): AsyncIterable<void> {
    return this.#options.wakeups.changes(documentKey(documentId), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compacting[Symbol.asyncDispose]();
    await this.#yjs[Symbol.asyncDispose]();
  }

  async #stored(documentId: string): Promise<readonly Uint8Array[]> {
    const stored = await selectStored(this.#options.database, documentId);
    if (!stored) throw noSuchDocument(documentId);
    return stored.parts;
  }
}

function documentListKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
