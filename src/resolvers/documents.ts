import type {
  CreateDocumentInput,
  DocumentEvent,
  DocumentMember,
  DocumentVersion,
  MemberRole,
  PendingSuggestion,
  PresenceInput,
  Present,
  Pushed,
  PushInput,
  ShareInput,
  ShareLink,
  SuggestInput,
  TextDocument,
} from '../documents/documents.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Context } from './context.ts';
import { asSent, asSentIn, encodeId, idOf, numberOf } from './global-id.ts';

export async function documentById(id: string, { loaders }: Context): Promise<TextDocument | null> {
  return (await loaders.documents.load(idOf('Document', id, 'id'))) ?? null;
}

export const documentsOfViewer = (page: PageArgs, { documents, viewer }: Context): Promise<Page<TextDocument>> =>
  documents.list(viewer, page);

export const createDocument = (input: CreateDocumentInput, { documents, viewer }: Context): Promise<TextDocument> =>
  documents.create(viewer, input);

export async function renameDocument(id: string, title: string, { documents, viewer }: Context): Promise<TextDocument> {
  const documentId = idOf('Document', id, 'id');
  return asSent(id, () => documents.rename(viewer, documentId, title));
}

export async function deleteDocument(id: string, { documents, viewer }: Context): Promise<{ deletedId: string }> {
  const documentId = idOf('Document', id, 'id');
  await asSent(id, () => documents.delete(viewer, documentId));
  return { deletedId: id };
}

export async function pushUpdates(
  { documentId, ...input }: PushInput,
  { documents, viewer }: Context,
): Promise<Pushed> {
  const id = idOf('Document', documentId, 'input.documentId');
  return asSent(documentId, () => documents.push(viewer, { ...input, documentId: id }));
}

export const membersOf = ({ id }: TextDocument, { loaders }: Context): Promise<readonly DocumentMember[]> =>
  loaders.documentMembers.load(id);

export interface MemberArgs {
  documentId: string;
  listenerId: string;
  role?: MemberRole | null;
}

export async function setDocumentMember(args: MemberArgs, context: Context): Promise<TextDocument> {
  const { documents, viewer, loaders } = context;
  const documentId = idOf('Document', args.documentId, 'input.documentId');
  const listenerId = numberOf('Listener', args.listenerId, 'input.listenerId');
  const document = await asSentIn({ input: args }, () =>
    documents.setMember(viewer, documentId, listenerId, args.role ?? null).catch(ofDocument),
  );
  loaders.documentMembers.clear(documentId);
  return document;
}

/** Of several ids an error names one. */
function ofDocument(error: unknown): never {
  if (!(error instanceof NotFoundError) || error.field !== null) throw error;
  throw new NotFoundError(error.message, error.id, 'input.documentId');
}

export async function shareDocument(input: ShareInput, { documents, viewer }: Context): Promise<ShareLink> {
  const documentId = idOf('Document', input.documentId, 'input.documentId');
  return asSent(input.documentId, () => documents.share(viewer, { ...input, documentId }));
}

export async function revokeDocumentLinks(id: string, { documents, viewer }: Context): Promise<{ revoked: number }> {
  const documentId = idOf('Document', id, 'id');
  return { revoked: await asSent(id, () => documents.revokeLinks(viewer, documentId)) };
}

export const joinDocument = (secret: string, { documents, viewer }: Context): Promise<TextDocument> =>
  documents.join(viewer, secret);

export async function saveDocumentVersion(
  { documentId, name }: { documentId: string; name: string },
  { documents, viewer }: Context,
): Promise<DocumentVersion> {
  const id = idOf('Document', documentId, 'input.documentId');
  return asSent(documentId, () => documents.saveVersion(viewer, id, name));
}

export async function restoreDocumentVersion(id: string, { documents, viewer }: Context): Promise<TextDocument> {
  const versionId = idOf('DocumentVersion', id, 'id');
  return asSent(id, () => documents.restore(viewer, versionId));
}

interface DecisionArgs {
  documentId: string;
  suggestionId: string;
  choice?: number | null;
}

export async function suggestChange(
  { documentId, ...input }: SuggestInput,
  { documents, viewer }: Context,
): Promise<PendingSuggestion> {
  const id = idOf('Document', documentId, 'input.documentId');
  return asSent(documentId, () => documents.suggest(viewer, { ...input, documentId: id }));
}

export const acceptSuggestion = (args: DecisionArgs, context: Context): Promise<TextDocument> =>
  decide(args, args.choice ?? 0, context);

export const rejectSuggestion = (args: DecisionArgs, context: Context): Promise<TextDocument> =>
  decide(args, null, context);

async function decide(
  { documentId: sent, suggestionId }: DecisionArgs,
  choice: number | null,
  { documents, viewer }: Context,
): Promise<TextDocument> {
  const documentId = idOf('Document', sent, 'input.documentId');
  return documents.decideSuggestion(viewer, { documentId, suggestionId, choice }).catch((error: unknown) => {
    // The id of a suggestion is the same everywhere, and its error names it.
    throw error instanceof NotFoundError && error.field === null ? new NotFoundError(error.message, sent) : error;
  });
}

export async function setPresence(
  { documentId, ...input }: PresenceInput,
  { documents, viewer }: Context,
): Promise<{ documentId: string }> {
  const id = idOf('Document', documentId, 'input.documentId');
  await asSent(documentId, () => documents.setPresence(viewer, { ...input, documentId: id }));
  return { documentId };
}

interface FollowArgs {
  documentId: string;
  after?: string | null;
  stateVector?: Uint8Array | null;
}

/** A client whose stream was interrupted reports how far it got ([SSE2]). */
export function followDocument(
  { documentId, after = null, stateVector = null }: FollowArgs,
  { documents, viewer, resumption }: Context,
): AsyncIterableIterator<DocumentEvent> {
  const id = idOf('Document', documentId, 'documentId');
  const from = { after: resumption ?? after, stateVector };
  return namedAsSent(documentId, documents.follow(viewer, id, from));
}

export function followPresence(documentId: string, { documents, viewer }: Context): AsyncIterableIterator<Present> {
  return namedAsSent(documentId, documents.presence(viewer, idOf('Document', documentId, 'documentId')));
}

/** Failures name the document by the id that the client sent. */
function namedAsSent<Event>(sent: string, events: AsyncIterableIterator<Event>): AsyncIterableIterator<Event> {
  return {
    next: () => asSent(sent, () => events.next()),
    return: () => events.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

export const documentId = ({ id }: TextDocument): string => encodeId('Document', id);
