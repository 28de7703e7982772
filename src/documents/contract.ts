import type { Transaction } from '../db/connection/transaction.ts';
import type { DocumentRoleName } from '../db/documents/document-queries.ts';
import type { MemberRole, MemberRow } from '../db/documents/member-queries.ts';
import type { DocumentVersionRow } from '../db/documents/version-queries.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { AnchoredRange, DeltaPiece, EncodedRange } from './yjs/anchors.ts';
import type { DocumentFormat } from './yjs/export-text.ts';
import type { PeerChange, PeerWriting } from './yjs/peer-changes.ts';
import type { KeptPassage, NotAdded, PendingSuggestion, SuggestingModel } from './yjs/suggestions.ts';
import type { EncodedState } from './yjs/yjs-thread.ts';

export type { DeltaPiece, DocumentFormat, EncodedRange, EncodedState, KeptPassage, MemberRole, PendingSuggestion };

/** What a viewer may do with a document. Each may do what those after it may. */
export type DocumentRole = DocumentRoleName;
export type DocumentMember = MemberRow;
export type DocumentVersion = DocumentVersionRow;

/** A document as one viewer may use it, without its content. */
export interface TextDocument {
  id: string;
  /** The owner. */
  listenerId: number;
  title: string;
  role: DocumentRole;
  /** The log's end. */
  cursor: string;
  createdAt: Date;
  updatedAt: Date;
}

export interface CreateDocumentInput {
  title: string;
  /** What its text begins with; empty by default. */
  text?: string | null;
}

export interface PushInput {
  documentId: string;
  /** Updates of Yjs, in the order in which they were made. */
  updates: readonly Uint8Array[];
  /** What the sender has. If given, the answer contains what they lack. */
  stateVector?: Uint8Array | null;
}

export interface Pushed {
  /** The log's end with the updates. */
  cursor: string;
  /** What the server has now. */
  stateVector: Uint8Array;
  /** What the sender lacks. Null if they did not say what they have. */
  missing: Uint8Array | null;
}

export interface ShareInput {
  documentId: string;
  role: MemberRole;
  expiresAt?: Date | null;
}

export interface ShareLink {
  /** Whoever has it may join. It is not stored, and so told once. */
  secret: string;
  role: MemberRole;
  expiresAt: Date;
}

/** Somebody who is in a document at the moment, in one client. */
export interface PresentPeer {
  clientId: number;
  listenerId: number;
  clock: number;
  /** JSON. Null once the client has left. */
  state: string | null;
}

/** Who is in a document. */
export interface Present {
  peers: readonly PresentPeer[];
}

/** A range of a document, and the document in which it was meant. */
export interface AnchoredIn extends AnchoredRange {
  document: TextDocument;
  /** The end of the log, with which the state vector goes. */
  cursor: string;
}

/** What is stored with an update, or not at all. */
export type Within = (tx: Transaction) => Promise<void>;

/** Writes into a document for one Yjs client. */
export interface DocumentPeer extends AsyncDisposable {
  /**
   * Writes what is not in the document yet, as one transaction of Yjs and one update of the log. If the passage, or all
   * that was written, is gone, nothing is changed.
   * @param within is stored together with it, also if there is nothing to write
   * @throws NotFoundError, ForbiddenError, ConflictError for a full document
   */
  write(writing: PeerWriting, within?: Within): Promise<Omit<PeerChange, 'update'>>;
}

/** What a client that this server wrote for has done. */
export interface PeerDeeds {
  client: number;
  /** The passage that it has deleted, if it has written something; empty for none. */
  restore: readonly DeltaPiece[];
}

export interface SuggestInput {
  documentId: string;
  range: EncodedRange;
  /** What could be in its place. */
  alternatives: readonly string[];
}

/** What a model suggests for a passage that was anchored before, as a client of this server's. */
export interface ModelProposal {
  documentId: string;
  /** Of the suggestion. */
  id: string;
  client: number;
  kept: KeptPassage;
  alternatives: readonly string[];
  by: SuggestingModel;
}

/** What has become of a proposal: it was made now or before, or its passage is deleted. */
export type Proposed = 'suggested' | Exclude<NotAdded, 'full'>;

export interface SuggestionDecision {
  documentId: string;
  suggestionId: string;
  /** The alternative that is accepted, from 0. Null: the suggestion is rejected. */
  choice: number | null;
}

export interface PresenceInput {
  documentId: string;
  clientId: number;
  clock: number;
  state?: string | null;
}

/** Where a reader begins. `after` goes before `stateVector`. */
export interface FollowFrom {
  after?: string | null;
  stateVector?: Uint8Array | null;
}

/** Why a reader is sent the document's state: it has no cursor, the log no longer reaches back to it, or has lost it. */
export type StateReason = 'START' | 'COMPACTED' | 'DIVERGED';

/** An event of a document's log, as a reader gets it. */
export type DocumentEvent =
  | ({ type: 'state'; cursor: string; reason: StateReason } & EncodedState)
  | { type: 'updates'; cursor: string; updates: readonly Uint8Array[] };

/** Each row as JSON for people, read as it is taken. */
export interface DocumentRows {
  documents: AsyncIterable<object>;
  versions: AsyncIterable<object>;
}

/** Texts that several people edit at once: Yjs documents, stored in a log, followed by any number of readers. */
export interface Documents extends AsyncDisposable {
  /** @throws InvalidInputError; ConflictError if the viewer has as many as they may have */
  create(viewer: Viewer, input: CreateDocumentInput): Promise<TextDocument>;
  /** Those that the viewer may read. Others are absent. */
  byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, TextDocument>>;
  /** The viewer's own and those shared with them, newest first. @throws InvalidInputError */
  list(viewer: Viewer, page: PageArgs): Promise<Page<TextDocument>>;
  /** @throws NotFoundError, ForbiddenError, InvalidInputError */
  rename(viewer: Viewer, documentId: string, title: string): Promise<TextDocument>;
  /** Deletes a document for everybody. @throws NotFoundError, ForbiddenError */
  delete(viewer: Viewer, documentId: string): Promise<void>;
  /** Deletes all documents of a listener. @returns their number */
  deleteOf(listenerId: number): Promise<number>;
  /** What a listener's documents consist of, and in which others they take part. */
  everythingOf(listenerId: number): DocumentRows;
  /** The text, with its formatting as Markdown or HTML. */
  text(document: TextDocument, format: DocumentFormat): Promise<string>;
  /** Everything, or what a client with this state vector lacks. @throws InvalidInputError */
  state(document: TextDocument, stateVector: Uint8Array | null): Promise<EncodedState>;
  /**
   * Appends updates, all or none. Repeating them changes nothing.
   * @throws InvalidInputError for what is none, or too large; NotFoundError, ForbiddenError; ConflictError for one that
   * builds on what the server does not have, or if the document is full
   */
  push(viewer: Viewer, input: PushInput): Promise<Pushed>;
  /**
   * What the log has after a cursor, or what a client with a state vector lacks; then live, each update once and in
   * order, until the signal aborts or the iterator is returned. Readers at the same position get the same object.
   * @throws NotFoundError, also when the reader may no longer read it; InvalidInputError
   */
  follow(
    viewer: Viewer,
    documentId: string,
    from: FollowFrom,
    signal?: AbortSignal,
  ): AsyncIterableIterator<DocumentEvent>;
  membersOf(documentIds: readonly string[]): Promise<Map<string, DocumentMember[]>>;
  /** Gives a listener a role, or takes it away (null). @throws NotFoundError, ForbiddenError, ConflictError */
  setMember(viewer: Viewer, documentId: string, listenerId: number, role: MemberRole | null): Promise<TextDocument>;
  /** Makes a link by which others join. @throws NotFoundError, ForbiddenError, InvalidInputError, ConflictError */
  share(viewer: Viewer, input: ShareInput): Promise<ShareLink>;
  /** Makes all links of a document invalid. @returns the number of those that were valid */
  revokeLinks(viewer: Viewer, documentId: string): Promise<number>;
  /** Makes the viewer a member. A role that says more is kept. @throws NotFoundError, ConflictError */
  join(viewer: Viewer, secret: string): Promise<TextDocument>;
  /** Keeps the document as it is under a name. @throws as `rename`, ConflictError */
  saveVersion(viewer: Viewer, documentId: string, name: string): Promise<DocumentVersion>;
  /** Null if there is none, or its document is not shared with the viewer. */
  version(viewer: Viewer, id: string): Promise<DocumentVersion | null>;
  versionsOf(document: TextDocument, page: PageArgs): Promise<Page<DocumentVersion>>;
  /** Makes the document what it was in a version, by one more update. @throws as `push` */
  restore(viewer: Viewer, versionId: string): Promise<TextDocument>;
  /** Says where a client is. @throws NotFoundError, InvalidInputError, ConflictError */
  setPresence(viewer: Viewer, input: PresenceInput): Promise<void>;
  /**
   * A part of a document's text that is known again while others write; null: the end of the text.
   * @param by `field` names the range in errors; `suggests` is whether the text stays as it is
   * @throws NotFoundError; ForbiddenError for whoever may not write, or suggest; InvalidInputError that names a part of
   * `field`
   */
  anchor(
    viewer: Viewer,
    documentId: string,
    range: EncodedRange | null,
    by: { field: string; suggests: boolean },
  ): Promise<AnchoredIn>;
  /** Writes into a document, as the viewer, for a Yjs client of this server's. */
  peer(viewer: Viewer, documentId: string): DocumentPeer;
  /** Takes back what such a client has done, and nothing else. @throws as `push` */
  undo(viewer: Viewer, documentId: string, deeds: PeerDeeds, within: Within): Promise<TextDocument>;
  /** What is suggested and not decided yet, the oldest first. */
  suggestions(document: TextDocument): Promise<PendingSuggestion[]>;
  /** Proposes a change of a passage, which changes no text. @throws as `push` */
  suggest(viewer: Viewer, input: SuggestInput): Promise<PendingSuggestion>;
  /** Suggests what a model has written, once. @param within is stored together with it @throws as `push` */
  propose(viewer: Viewer, proposal: ModelProposal, within: Within): Promise<Proposed>;
  /**
   * Accepts or rejects a suggestion, as one change.
   * @param within is stored together with it
   * @throws as `push`; NotFoundError if it was decided or withdrawn
   */
  decideSuggestion(viewer: Viewer, decision: SuggestionDecision, within?: Within): Promise<TextDocument>;
  /** Shows where such a client is, or that it has left. @throws NotFoundError */
  show(documentId: string, peer: PresentPeer): Promise<void>;
  /** Yields after each change of a document. */
  changes(documentId: string, signal: AbortSignal): AsyncIterable<void>;
  /** Who is in a document: now, and after each change. @throws NotFoundError */
  presence(viewer: Viewer, documentId: string, signal?: AbortSignal): AsyncIterableIterator<Present>;
}

export const noSuchDocument = (id: string): NotFoundError =>
  new NotFoundError('There is no such document, or it is not shared with you', id);
