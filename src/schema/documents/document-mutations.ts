import type { Pushed } from '../../documents/documents.ts';
import * as resolvers from '../../resolvers/documents.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { resultType } from '../errors.ts';
import { documentErrors, documentIdDescription, documentSuccess } from './document-refs.ts';

const CreateDocumentInputType = builder.inputType('CreateDocumentInput', {
  description: 'The document to create.',
  fields: (t) => ({
    title: t.string({ required: true, description: "The document's title, 1–200 characters." }),
    text: t.string({ description: 'What its text begins with, at most 50,000 characters. Empty by default.' }),
  }),
});

const PushUpdatesInputType = builder.inputType('PushUpdatesInput', {
  description: 'What a client has changed.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    updates: t.field({
      type: ['Base64'],
      required: true,
      description:
        'Updates of Yjs (encoding 1), in the order in which they were made: at most 100, of 256 KiB each. All are ' +
        'applied or none.',
    }),
    stateVector: t.field({
      type: 'Base64',
      description: "The client's state vector. If given, the answer has what the client lacks.",
    }),
  }),
});

const PushUpdatesSuccess = builder.objectRef<Pushed>('PushUpdatesSuccess').implement({
  description: 'The updates are stored, and everybody who follows the document gets them.',
  fields: (t) => ({
    cursor: t.field({
      type: 'DocumentCursor',
      description: "The log's end with these updates.",
      resolve: ({ cursor }) => cursor,
    }),
    stateVector: t.field({
      type: 'Base64',
      description: 'What the server has now, as a state vector of Yjs.',
      resolve: ({ stateVector }) => stateVector,
    }),
    missing: t.field({
      type: 'Base64',
      nullable: true,
      description: 'What the client lacks, as one update. Null unless the client has sent its state vector.',
      resolve: ({ missing }) => missing,
    }),
  }),
});

const DeleteDocumentSuccess = builder.objectRef<{ deletedId: string }>('DeleteDocumentSuccess').implement({
  description: 'The document was deleted for everybody.',
  fields: (t) => ({ deletedId: t.exposeID('deletedId', { description: 'The `id` of the deleted document.' }) }),
});

const createErrors = ['InvalidInputError', 'ConflictError', 'OverloadedError'] as const;
const pushErrors = [...documentErrors, 'OverloadedError'] as const;
const renameErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  createDocument: t.field({
    type: resultType('CreateDocument', documentSuccess('CreateDocument', 'The document was created.'), createErrors),
    description: 'Creates a document of which the viewer is the owner.',
    args: { input: t.arg({ type: CreateDocumentInputType, required: true, description: 'The document to create.' }) },
    resolve: (_, { input }, context) =>
      outcome(createErrors, async () => ({ document: await resolvers.createDocument(given(input), context) })),
  }),
  renameDocument: t.field({
    type: resultType('RenameDocument', documentSuccess('RenameDocument', 'The document was renamed.'), renameErrors),
    description: 'Changes the title of a document.',
    args: {
      id: t.arg.id({ required: true, description: documentIdDescription }),
      title: t.arg.string({ required: true, description: 'The new title, 1–200 characters.' }),
    },
    resolve: (_, { id, title }, context) =>
      outcome(renameErrors, async () => ({ document: await resolvers.renameDocument(id, title, context) })),
  }),
  deleteDocument: t.field({
    type: resultType('DeleteDocument', DeleteDocumentSuccess, renameErrors),
    description: 'Deletes a document for everybody, with its versions. Only its owner may do so.',
    args: { id: t.arg.id({ required: true, description: documentIdDescription }) },
    resolve: (_, { id }, context) => outcome(renameErrors, () => resolvers.deleteDocument(id, context)),
  }),
  pushUpdates: t.field({
    type: resultType('PushUpdates', PushUpdatesSuccess, pushErrors),
    description:
      'Applies updates of Yjs to a document. Sending the same ones again changes nothing. They may build only on what ' +
      'the server has: others are a ConflictError.',
    args: { input: t.arg({ type: PushUpdatesInputType, required: true, description: 'The changes.' }) },
    resolve: (_, { input }, context) => outcome(pushErrors, () => resolvers.pushUpdates(given(input), context)),
  }),
}));
