import type { DocumentMember } from '../../documents/documents.ts';
import { need } from '../../resolvers/catalogue.ts';
import * as resolvers from '../../resolvers/documents.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { builder, filled, given } from '../builder.ts';
import { pageArgs } from '../connection.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import {
  DocumentConnectionType,
  documentIdDescription,
  DocumentType,
  DocumentVersionConnectionType,
  DocumentVersionType,
} from './document-refs.ts';

const DocumentRoleType = builder.enumType('DocumentRole', {
  description: 'What a listener may do with a document. Each role may do what those after it may.',
  values: {
    OWNER: { description: 'Shares, unshares and deletes it.' },
    EDITOR: { description: 'Edits and renames it, keeps versions and restores them.' },
    SUGGESTER: { description: 'Proposes changes of it, and changes no text.' },
    READER: { description: 'Reads and follows it, and is shown as present.' },
  } as const,
});

const DocumentFormatType = builder.enumType('DocumentFormat', {
  description: 'The form of a text. Formatting is what editors store as attributes of the text, by the names of Quill.',
  values: {
    PLAIN: { description: 'Characters only.' },
    MARKDOWN: { description: 'Formatting as Markdown. Characters are kept, so Markdown that was typed is Markdown.' },
    HTML: { description: 'Formatting as HTML, everything else escaped.' },
  } as const,
});

const DocumentMemberType = builder.objectRef<DocumentMember>('DocumentMember').implement({
  description: 'A listener with whom a document is shared.',
  fields: (t) => ({
    listener: t.field({
      type: ListenerType,
      description: 'The listener.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    role: t.field({ type: DocumentRoleType, description: "The listener's role.", resolve: ({ role }) => role }),
  }),
});

builder.objectType(DocumentType, {
  description:
    'A text that several people edit at the same time. It is a document of Yjs 13, and its text is the shared text ' +
    'named `text`.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: resolvers.documentId }),
    title: t.exposeString('title', { description: "The document's title." }),
    text: t.string({
      description: 'The text.',
      args: {
        format: t.arg({ type: DocumentFormatType, defaultValue: 'PLAIN', description: 'The form of the text.' }),
      },
      resolve: (document, { format }, { documents }) => documents.text(document, format ?? 'PLAIN'),
    }),
    state: t.field({
      type: 'Base64',
      description: 'All of the document, or what a client lacks of it, as one update of Yjs.',
      args: {
        stateVector: t.arg({
          type: 'Base64',
          description: "The client's state vector. Absent: the client has nothing.",
        }),
      },
      resolve: async (document, { stateVector }, { documents }) =>
        (await documents.state(document, stateVector ?? null)).update,
    }),
    cursor: t.field({
      type: 'DocumentCursor',
      description: 'The end of the log. Follow the document from it to get everything that comes later.',
      resolve: ({ cursor }) => cursor,
    }),
    role: t.field({ type: DocumentRoleType, description: "The viewer's role.", resolve: ({ role }) => role }),
    owner: t.field({
      type: ListenerType,
      description: 'The listener who created the document.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    members: t.field({
      type: [DocumentMemberType],
      description: 'With whom the document is shared, at most 500, without its owner.',
      resolve: (document, _, context) => resolvers.membersOf(document, context).then((members) => [...members]),
    }),
    versions: t.field({
      type: DocumentVersionConnectionType,
      description: 'Its named versions, newest first.',
      args: pageArgs(20),
      resolve: (document, args, { documents }) => documents.versionsOf(document, filled(args, { first: 20 })),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the document was created.',
      resolve: ({ createdAt }) => createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When the document last changed.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

builder.objectType(DocumentVersionType, {
  description: 'A document as it was, under a name.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('DocumentVersion', id) }),
    name: t.exposeString('name', { description: "The version's name." }),
    author: t.field({
      type: ListenerType,
      nullable: true,
      description: 'Who has kept it. Null once they were erased.',
      resolve: async ({ authorId }, _, { loaders }) =>
        authorId === null ? null : ((await loaders.listeners.get(authorId)) ?? null),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was kept.',
      resolve: ({ createdAt }) => createdAt,
    }),
  }),
});

builder.queryFields((t) => ({
  document: t.field({
    type: DocumentType,
    nullable: true,
    description: 'A document by its id. Null if it does not exist or is not shared with the viewer.',
    args: { id: t.arg.id({ required: true, description: documentIdDescription }) },
    resolve: (_, { id }, context) => resolvers.documentById(id, context),
  }),
  documents: t.field({
    type: DocumentConnectionType,
    description: "The viewer's documents and those shared with them, newest first.",
    args: pageArgs(20),
    resolve: (_, args, context) => resolvers.documentsOfViewer(given(filled(args, { first: 20 })), context),
  }),
}));
