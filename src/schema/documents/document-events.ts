import type { DocumentEvent, Present, PresentPeer } from '../../documents/documents.ts';
import { need } from '../../resolvers/catalogue.ts';
import * as resolvers from '../../resolvers/documents.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';
import { documentErrors, documentIdDescription } from './document-refs.ts';

type EventOf<Type extends DocumentEvent['type']> = Extract<DocumentEvent, { type: Type }>;

const DocumentStateReasonType = builder.enumType('DocumentStateReason', {
  description: 'Why a state is sent.',
  values: {
    START: { description: '`after` is absent.' },
    COMPACTED: { description: 'The updates after the cursor are no longer kept one by one.' },
    DIVERGED: {
      description:
        'The server was restored from a backup, or a standby took over, and lost the update of the cursor. Send what ' +
        '`stateVector` lacks.',
    },
  } as const,
});

const cursorField = 'Resumes after this event.';

const DocumentStateType = builder.objectRef<EventOf<'state'>>('DocumentState').implement({
  description:
    'All of the document up to `cursor`, or what the client lacks of it; what has come since follows at once. Applying ' +
    'it again changes nothing.',
  fields: (t) => ({
    reason: t.field({
      type: DocumentStateReasonType,
      description: 'Why the state is sent instead of the updates after the cursor.',
      resolve: ({ reason }) => reason,
    }),
    cursor: t.field({ type: 'DocumentCursor', description: cursorField, resolve: ({ cursor }) => cursor }),
    update: t.field({
      type: 'Base64',
      description: 'An update of Yjs to apply. If `stateVector` was sent, only what the client lacks.',
      resolve: ({ update }) => update,
    }),
    stateVector: t.field({
      type: 'Base64',
      description: 'What the server has. A client that has more sends the difference with `pushUpdates`.',
      resolve: ({ stateVector }) => stateVector,
    }),
  }),
});

const DocumentUpdatedType = builder.objectRef<EventOf<'updates'>>('DocumentUpdated').implement({
  description: 'The document has changed. A reader that is behind gets several updates in one event.',
  fields: (t) => ({
    cursor: t.field({ type: 'DocumentCursor', description: cursorField, resolve: ({ cursor }) => cursor }),
    updates: t.field({
      type: ['Base64'],
      description: 'Updates of Yjs to apply in this order, own ones among them.',
      resolve: ({ updates }) => [...updates],
    }),
  }),
});

const eventTypes = { state: 'DocumentState', updates: 'DocumentUpdated' } as const;

const DocumentEventType = builder.unionType('DocumentEvent', {
  description: "An event in a document's log. Every reader gets each update once and in order.",
  types: [DocumentStateType, DocumentUpdatedType],
  resolveType: (event) => eventTypes[event.type],
});

const DocumentPeerType = builder.objectRef<PresentPeer>('DocumentPeer').implement({
  description: 'Somebody who is in a document at the moment, in one client.',
  fields: (t) => ({
    clientId: t.exposeFloat('clientId', { description: 'The Yjs client id.' }),
    listener: t.field({
      type: ListenerType,
      description: 'Who it is.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    clock: t.exposeInt('clock', { description: 'Grows with each change of `state`.' }),
    state: t.string({
      description: 'What the client shows of itself (its selection, a name, a colour), as a JSON object.',
      resolve: ({ state }) => state ?? '{}',
    }),
  }),
});

const DocumentPresenceType = builder.objectRef<Present>('DocumentPresence').implement({
  description: 'Who is in a document.',
  fields: (t) => ({
    peers: t.field({
      type: [DocumentPeerType],
      description: 'All who are in it now, at most 100. Whoever has said nothing for 30 seconds is not.',
      resolve: ({ peers }) => [...peers],
    }),
  }),
});

const SetPresenceInputType = builder.inputType('SetPresenceInput', {
  description: 'Where a client is in a document.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    clientId: t.float({ required: true, description: 'The Yjs client id, 0–4,294,967,295.' }),
    clock: t.int({ required: true, description: 'A number that grows with each change of `state`.' }),
    state: t.string({
      description: 'A JSON object of at most 1,000 characters. Absent or null: the client has left.',
    }),
  }),
});

const SetPresenceSuccess = builder.objectRef<{ documentId: string }>('SetPresenceSuccess').implement({
  description: 'Those who follow `documentPresence` are told.',
  fields: (t) => ({ documentId: t.exposeID('documentId', { description: documentIdDescription }) }),
});

const presenceErrors = documentErrors.filter((name) => name !== 'ForbiddenError');

builder.mutationFields((t) => ({
  setPresence: t.field({
    type: resultType('SetPresence', SetPresenceSuccess, presenceErrors),
    description:
      'Shows where the viewer is in a document. It is forgotten after 30 seconds, and nothing of it is kept.',
    args: { input: t.arg({ type: SetPresenceInputType, required: true, description: 'Where the client is.' }) },
    resolve: (_, { input }, context) => outcome(presenceErrors, () => resolvers.setPresence(given(input), context)),
  }),
}));

builder.subscriptionFields((t) => ({
  documentUpdates: t.field({
    type: DocumentEventType,
    description:
      'What the document has after `after`, then everything that changes in it. Without `after`, or if the log no longer ' +
      'has its update, the state is sent first: with `stateVector` only what the client lacks.',
    args: {
      documentId: t.arg.id({ required: true, description: documentIdDescription }),
      after: t.arg({ type: 'DocumentCursor', description: 'The cursor of the last event received.' }),
      stateVector: t.arg({ type: 'Base64', description: "The client's state vector, for a client without a cursor." }),
    },
    subscribe: (_, args, context) => resolvers.followDocument(given(args), context),
    // The result does not depend on the arguments, so readers that select the same fields share one answer per event.
    resolve: (event) => event,
  }),
  documentPresence: t.field({
    type: DocumentPresenceType,
    description: 'Who is in a document: now, and after each change.',
    args: { documentId: t.arg.id({ required: true, description: documentIdDescription }) },
    subscribe: (_, { documentId }, context) => resolvers.followPresence(documentId, context),
    resolve: (present) => present,
  }),
}));
