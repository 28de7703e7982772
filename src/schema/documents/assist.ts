import type { Assist, AssistReason } from '../../assist/assist.ts';
import { need } from '../../resolvers/catalogue.ts';
import * as resolvers from '../../resolvers/drafts/assists.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { builder, filled } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { DraftType, ListenerType } from '../drafts/draft-refs.ts';
import { SamplingType } from '../drafts/draft-sampling.ts';
import { ModelType } from '../models.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { RewriteToneType } from '../versions/draft-tree.ts';
import { DocumentType } from './document-refs.ts';

export const AssistType = builder.objectRef<Assist>('Assist');
const AssistConnectionType = connectionType<Assist>('Assist', AssistType);

export const AssistTaskType = builder.enumType('AssistTask', {
  description: 'What a model is asked to do in a document.',
  values: {
    CONTINUE: { description: 'To write on behind the range, or behind the text.' },
    REWRITE: { description: 'To write the range anew. It is deleted with the last word of the new passage.' },
    TUNE: { description: 'To write a tune, in ABC notation, behind the range.' },
  } as const,
});

export const AssistModeType = builder.enumType('AssistMode', {
  description: 'What becomes of what a model writes for a document.',
  values: {
    WRITE: { description: 'It is written into the text, word by word.' },
    SUGGEST: { description: 'It is suggested when it is whole. The text stays until who edits accepts it.' },
  } as const,
});

const AssistStatusType = builder.enumType('AssistStatus', {
  description: 'How far an assist is.',
  values: {
    WRITING: { description: 'The model writes, or waits for its turn.' },
    WRITTEN: { description: 'Everything is in the document, or suggested.' },
    STOPPED: { description: 'It was ended before. `reason` says why.' },
    FAILED: { description: 'The model could not go on.' },
  } as const,
});

const reasons: Record<AssistReason, { description: string }> = {
  RANGE_DELETED: { description: 'All of the range, or all that the model had written, was deleted.' },
  CANCELLED: { description: 'It was cancelled.' },
  FORBIDDEN: { description: 'Who asked for it may not edit the document any more.' },
  DOCUMENT_FULL: { description: 'The document may not have more.' },
  MODEL_FAILED: { description: 'The model has failed, or has written nothing.' },
  DRAFT_DELETED: { description: 'The draft was deleted.' },
};
const AssistReasonType = builder.enumType('AssistReason', {
  description: 'Why an assist has ended without being whole.',
  values: reasons,
});

const AssistMessageType = builder.objectRef<Assist['asked']['messages'][number]>('AssistMessage').implement({
  description: 'A message of the conversation that a model continues.',
  fields: (t) => ({
    role: t.exposeString('role', { description: '`system`, `user` or `assistant`.' }),
    content: t.exposeString('content', { description: 'The text.' }),
  }),
});

const AssistBaseType = builder.objectRef<Assist['asked']>('AssistBase').implement({
  description: 'The version of a document for which a model was asked, as far as the model was shown it.',
  fields: (t) => ({
    cursor: t.field({
      type: 'DocumentCursor',
      description: 'The end of the log at that time.',
      resolve: ({ cursor }) => cursor,
    }),
    stateVector: t.field({
      type: 'Base64',
      description: 'What the document had, as a state vector of Yjs.',
      resolve: ({ stateVector }) => new Uint8Array(Buffer.from(stateVector, 'base64')),
    }),
    before: t.exposeString('before', { description: 'The text before the range, at most 2,000 characters of it.' }),
    passage: t.exposeString('passage', { description: "The range's text." }),
    after: t.exposeString('after', { description: 'The text behind the range, at most 1,000 characters of it.' }),
  }),
});

builder.objectType(AssistType, {
  description:
    'What a model writes into a document, or has written. The same model, messages and sampling give the same text.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Assist', id) }),
    listener: t.field({
      type: ListenerType,
      description: 'Who asked for it.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    task: t.field({ type: AssistTaskType, description: 'What was asked for.', resolve: ({ asked }) => asked.task }),
    mode: t.field({
      type: AssistModeType,
      description: 'Whether the model writes into the text or suggests.',
      resolve: ({ asked }) => asked.mode,
    }),
    status: t.field({ type: AssistStatusType, description: 'How far it is.', resolve: ({ status }) => status }),
    reason: t.field({
      type: AssistReasonType,
      nullable: true,
      description: 'Why it has ended without being whole. Null otherwise.',
      resolve: ({ reason }) => reason,
    }),
    clientId: t.exposeFloat('clientId', {
      description: 'The Yjs client that writes or suggests. What it wrote, and nothing else, is the work of the model.',
    }),
    drafts: t.field({
      type: [DraftType],
      description: 'What the model writes, as drafts of who asked. Empty for others.',
      resolve: (assist, _, context) => resolvers.draftsOfAssist(assist, context),
    }),
    instruction: t.string({
      nullable: true,
      description: 'What was asked for in words. Null for nothing.',
      resolve: ({ asked }) => asked.instruction,
    }),
    tone: t.field({
      type: RewriteToneType,
      nullable: true,
      description: 'How it was to sound. Null if that was not said.',
      resolve: ({ asked }) => asked.tone,
    }),
    model: t.field({
      type: ModelType,
      nullable: true,
      description: 'The model. Null if the server does not have it any more.',
      resolve: (assist, _, context) => resolvers.modelOfAssist(assist, context),
    }),
    modelDigest: t.string({
      nullable: true,
      description: "The SHA-256 of the model's files. Null if it was not known.",
      resolve: ({ asked }) => asked.digest,
    }),
    messages: t.field({
      type: [AssistMessageType],
      description: 'What the model was given.',
      resolve: ({ asked }) => [...asked.messages],
    }),
    samplings: t.field({
      type: [SamplingType],
      description: 'How tokens are chosen, with the seed: one for each draft.',
      resolve: ({ asked }) => [...asked.samplings],
    }),
    base: t.field({
      type: AssistBaseType,
      description: 'The version of the document for which it was asked.',
      resolve: ({ asked }) => asked,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was asked for.',
      resolve: ({ createdAt }) => createdAt,
    }),
    endedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ended. Null while the model writes.',
      resolve: ({ endedAt }) => endedAt,
    }),
    undoneAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was taken back. Null if it was not.',
      resolve: ({ undoneAt }) => undoneAt,
    }),
    undoneBy: t.field({
      type: ListenerType,
      nullable: true,
      description: 'Who has taken it back. Null if nobody has, or they were erased.',
      resolve: async ({ undoneBy }, _, { loaders }) =>
        undoneBy === null ? null : ((await loaders.listeners.get(undoneBy)) ?? null),
    }),
  }),
});

builder.objectFields(DocumentType, (t) => ({
  assists: t.field({
    type: AssistConnectionType,
    description: 'What models have written into it, newest first.',
    args: pageArgs(20),
    resolve: (document, args, context) => resolvers.assistsOf(document, filled(args, { first: 20 }), context),
  }),
}));
