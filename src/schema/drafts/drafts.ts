import type { Draft } from '../../drafts/drafts.ts';
import type { Usage } from '../../ml/engine.ts';
import { need } from '../../resolvers/catalogue.ts';
import * as drafts from '../../resolvers/drafts/drafts.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { builder } from '../builder.ts';
import { ModelType } from '../models.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { VerseFormType } from '../verse/verse-form.ts';
import { DraftFormatType } from './draft-formats.ts';
import { DraftType, ListenerType } from './draft-refs.ts';
import { SamplingType } from './draft-sampling.ts';

export const DraftKindType = builder.enumType('DraftKind', {
  description: 'The kind of text that a draft is.',
  values: {
    LYRICS: { description: 'Song lyrics.' },
    POEM: { description: 'A poem.' },
    STORY: { description: 'A short story.' },
    ARTICLE: { description: 'A magazine article.' },
    TUNE: { description: 'A melody in ABC notation.' },
  } as const,
});

export const DraftStatusType = builder.enumType('DraftStatus', {
  description: 'The status of a draft.',
  values: {
    QUEUED: { description: 'Waiting to be written.' },
    GENERATING: { description: 'Being written.' },
    COMPLETED: { description: 'Finished.' },
    CANCELLED: { description: 'Cancelled. The text is kept.' },
    FAILED: { description: 'Ended by a failure of the model. The text written until then is kept.' },
  } as const,
});

export const DraftFilterInput = builder.inputType('DraftFilter', {
  description: 'Conditions that drafts must meet. Absent ones exclude nothing.',
  fields: (t) => ({
    kinds: t.field({ type: [DraftKindType], description: 'Includes only drafts of these kinds.' }),
    statuses: t.field({ type: [DraftStatusType], description: 'Includes only drafts with these statuses.' }),
    updatedSince: t.field({
      type: 'DateTime',
      description: 'Includes only drafts that changed at this time or later.',
    }),
  }),
});

export const DraftVisibilityType = builder.enumType('DraftVisibility', {
  description: 'Who may read a draft.',
  values: {
    PRIVATE: { description: 'Only the owner.' },
    SHARED: { description: "Every signed-in listener who has the draft's `id`." },
  } as const,
});

export const FinishReasonType = builder.enumType('FinishReason', {
  description: 'Why a draft ended.',
  values: {
    STOP: { description: 'The model ended the text, or wrote a stop string.' },
    LENGTH: { description: 'The text has `maxTokens` tokens.' },
    TIME: { description: '`maxSeconds` have passed.' },
    CANCELLED: { description: 'The draft was cancelled.' },
    ERROR: { description: 'The model failed.' },
  } as const,
});

export const UsageType = builder.objectRef<Usage>('Usage').implement({
  description: 'Resources used by a draft, continuations included.',
  fields: (t) => ({
    promptTokens: t.exposeInt('promptTokens', { description: 'Number of tokens that the model read.' }),
    completionTokens: t.exposeInt('completionTokens', { description: 'Number of tokens that the model wrote.' }),
    queueMs: t.exposeFloat('queueMs', {
      nullable: true,
      description: 'Milliseconds that the draft waited before it was written.',
    }),
    timeToFirstTokenMs: t.exposeFloat('timeToFirstTokenMs', {
      nullable: true,
      description: 'Milliseconds from the request to the first token.',
    }),
    tokensPerSecond: t.exposeFloat('tokensPerSecond', { nullable: true, description: 'Tokens written per second.' }),
    continuedElsewhere: t.boolean({
      description:
        'Whether a turn was begun by one node and taken up by another that computes with another graph, runtime or kernels. Its text went on from the tokens that were there, and may differ from what the first node would have written.',
      resolve: ({ continuedElsewhere = false }) => continuedElsewhere,
    }),
  }),
});

const RangeOriginType = builder.enumType('RangeOrigin', {
  description: 'Who has written a part of a text.',
  values: {
    GENERATED: { description: 'The model.' },
    TYPED: { description: 'A person, with `updateDraft`.' },
  } as const,
});

const DraftRangeType = builder.objectRef<drafts.DraftRange>('DraftRange').implement({
  description: "A part of a draft's text. Positions are in characters (Unicode code points).",
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of its first character, from 0.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    origin: t.field({ type: RangeOriginType, description: 'Who has written it.', resolve: ({ origin }) => origin }),
    turn: t.exposeInt('turn', {
      nullable: true,
      description:
        'The turn in which the model wrote it: 1 for the start, 2 for the first continuation. Null if typed.',
    }),
  }),
});

builder.objectType(DraftType, {
  description: 'A text written by a model.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Draft', id) }),
    kind: t.field({ type: DraftKindType, description: 'The kind of text.', resolve: ({ kind }) => kind }),
    title: t.exposeString('title', { description: "The draft's title. By default the first words of the prompt." }),
    prompt: t.exposeString('prompt', { description: 'What the draft is about.' }),
    status: t.field({ type: DraftStatusType, description: "The draft's status.", resolve: ({ status }) => status }),
    visibility: t.field({
      type: DraftVisibilityType,
      description: 'Who may read the draft.',
      resolve: ({ visibility }) => visibility,
    }),
    finishReason: t.field({
      type: FinishReasonType,
      nullable: true,
      description: 'Why the draft ended. Null until it has ended.',
      resolve: ({ finishReason }) => finishReason,
    }),
    failure: t.exposeString('failure', {
      nullable: true,
      description: 'Why the draft failed. Null unless `status` is FAILED.',
    }),
    text: t.exposeString('text', { description: 'The text written so far.' }),
    revision: t.int({
      description:
        'A number that grows with each change of the text or status. `updateDraft` and `continueDraft` take it, so ' +
        'that nothing is overwritten which the caller has not seen.',
      resolve: ({ sequence }) => sequence,
    }),
    ranges: t.field({
      type: [DraftRangeType],
      description: 'Who has written which part of the text, in order and without gaps.',
      resolve: drafts.rangesOf,
    }),
    cursor: t.field({
      type: 'DraftCursor',
      description: 'The position in the log as of this text. Subscribe from it to get everything that follows.',
      resolve: (draft: Draft, _, context) => drafts.cursorOf(draft, context),
    }),
    model: t.field({
      type: ModelType,
      description: 'The model that writes the draft.',
      resolve: (draft, _, context) => drafts.modelOf(draft, context),
    }),
    sampling: t.field({
      type: SamplingType,
      description: 'How tokens were chosen when the draft was started.',
      resolve: ({ sampling }) => sampling,
    }),
    form: t.field({
      type: VerseFormType,
      nullable: true,
      description: "The form that the model's last text keeps. Null for a text without a form.",
      resolve: ({ form }) => form,
    }),
    format: t.field({
      type: DraftFormatType,
      nullable: true,
      description: "The format of the model's last text. Null for a text without a format.",
      resolve: ({ format }) => format,
    }),
    json: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The answer as a value, once the draft is COMPLETED with a JSON Schema as its format. Null before, without one, and ' +
        'if the text was changed and is no JSON any more.',
      resolve: drafts.jsonOf,
    }),
    usage: t.field({ type: UsageType, description: 'Resources used so far.', resolve: ({ usage }) => usage }),
    owner: t.field({
      type: ListenerType,
      description: 'The listener who started the draft.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the draft was started.',
      resolve: ({ createdAt }) => createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When the draft last changed.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

builder.queryFields((t) => ({
  draft: t.field({
    type: DraftType,
    nullable: true,
    description: 'A draft by its id. Null if it does not exist or the viewer may not read it.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) => drafts.draftById(id, context),
  }),
}));
