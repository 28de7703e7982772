import type { Draft, DraftEvent } from '../drafts/drafts.ts';
import type { Sampling, Token, TokenAlternative, Usage } from '../ml/engine.ts';
import { need } from '../resolvers/catalogue.ts';
import { refreshLoaders } from '../resolvers/context.ts';
import * as drafts from '../resolvers/drafts.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { outcome } from '../resolvers/outcome.ts';
import { builder, given } from './builder.ts';
import { DraftType, ListenerType } from './draft-refs.ts';
import { resultType } from './errors.ts';
import { ModelType } from './models.ts';
import { NodeType } from './nodes.ts';

const DraftKindType = builder.enumType('DraftKind', {
  description: 'What is to be written.',
  values: {
    LYRICS: {},
    POEM: {},
    STORY: {},
    ARTICLE: {},
    TUNE: { description: 'A melody, in ABC notation.' },
  } as const,
});

const DraftStatusType = builder.enumType('DraftStatus', {
  description: 'How far a draft is.',
  values: {
    QUEUED: { description: 'Waits for its turn.' },
    GENERATING: { description: 'Is being written.' },
    COMPLETED: { description: 'Written to its end.' },
    CANCELLED: { description: 'Ended by somebody; the text is kept.' },
    FAILED: { description: 'The model failed; the text up to then is kept.' },
  } as const,
});

const DraftVisibilityType = builder.enumType('DraftVisibility', {
  description: 'PRIVATE: the owner alone. SHARED: every signed-in listener who has the id may read and follow it.',
  values: { PRIVATE: {}, SHARED: {} } as const,
});

const FinishReasonType = builder.enumType('FinishReason', {
  description: 'Why a draft ended.',
  values: {
    STOP: { description: 'The model was done, or wrote a stop string.' },
    LENGTH: { description: '`maxTokens` were written.' },
    CANCELLED: {},
    ERROR: {},
  } as const,
});

const SamplingType = builder.objectRef<Sampling>('Sampling').implement({
  description: 'How tokens were chosen. The same model, prompt and sampling give the same text.',
  fields: (t) => ({
    temperature: t.exposeFloat('temperature'),
    topK: t.exposeInt('topK'),
    topP: t.exposeFloat('topP'),
    minP: t.exposeFloat('minP'),
    repetitionPenalty: t.exposeFloat('repetitionPenalty'),
    maxTokens: t.exposeInt('maxTokens'),
    seed: t.exposeInt('seed', { description: 'Drawn when none was given.' }),
    stop: t.field({ type: ['String'], resolve: ({ stop }) => stop }),
  }),
});

const UsageType = builder.objectRef<Usage>('Usage').implement({
  description: 'What a draft took, all its continuations together.',
  fields: (t) => ({
    promptTokens: t.exposeInt('promptTokens'),
    completionTokens: t.exposeInt('completionTokens'),
    timeToFirstTokenMs: t.exposeFloat('timeToFirstTokenMs', { nullable: true }),
    tokensPerSecond: t.exposeFloat('tokensPerSecond', { nullable: true }),
  }),
});

builder.objectType(DraftType, {
  description: 'A text that a model writes, and what of it there is.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Draft', id) }),
    kind: t.field({ type: DraftKindType, resolve: ({ kind }) => kind }),
    title: t.exposeString('title', { description: "The prompt's first words, unless given." }),
    prompt: t.exposeString('prompt'),
    status: t.field({ type: DraftStatusType, resolve: ({ status }) => status }),
    visibility: t.field({ type: DraftVisibilityType, resolve: ({ visibility }) => visibility }),
    finishReason: t.field({ type: FinishReasonType, nullable: true, resolve: ({ finishReason }) => finishReason }),
    failure: t.exposeString('failure', { nullable: true, description: 'Why `status` is FAILED.' }),
    text: t.exposeString('text', { description: 'What is written so far.' }),
    cursor: t.field({
      type: 'DraftCursor',
      description: 'Where to subscribe from to receive everything after this snapshot.',
      resolve: (draft: Draft, _, context) => drafts.cursorOf(draft, context),
    }),
    model: t.field({ type: ModelType, resolve: (draft, _, context) => drafts.modelOf(draft, context) }),
    sampling: t.field({ type: SamplingType, resolve: ({ sampling }) => sampling }),
    usage: t.field({ type: UsageType, resolve: ({ usage }) => usage }),
    owner: t.field({
      type: ListenerType,
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    createdAt: t.field({ type: 'DateTime', resolve: ({ createdAt }) => createdAt }),
    updatedAt: t.field({ type: 'DateTime', resolve: ({ updatedAt }) => updatedAt }),
  }),
});

const TokenAlternativeType = builder.objectRef<TokenAlternative>('TokenAlternative').implement({
  description: 'A token that could have been chosen.',
  fields: (t) => ({ text: t.exposeString('text'), logprob: t.exposeFloat('logprob') }),
});

const TokenType = builder.objectRef<Token>('Token').implement({
  description: 'One sampled token with its log-probability and the runners-up.',
  fields: (t) => ({
    text: t.exposeString('text'),
    logprob: t.exposeFloat('logprob', {
      description: "Of the model's own distribution, before temperature, penalties and cuts.",
    }),
    alternatives: t.field({ type: [TokenAlternativeType], resolve: ({ alternatives }) => alternatives }),
  }),
});

type EventOf<Type extends DraftEvent['type']> = Extract<DraftEvent, { type: Type }>;

const DraftSnapshotType = builder.objectRef<EventOf<'snapshot'>>('DraftSnapshot').implement({
  description: 'Sent first when `after` is absent: the draft with all of its text so far.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', resolve: ({ cursor }) => cursor }),
    draft: t.field({ type: DraftType, resolve: ({ draft }) => draft }),
  }),
});

const TokensAppendedType = builder.objectRef<EventOf<'tokens'>>('TokensAppended').implement({
  description: 'More text. A reader that is behind gets several tokens in one event.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', resolve: ({ cursor }) => cursor }),
    text: t.exposeString('text', { description: 'What to append; whole characters only.' }),
    tokens: t.field({ type: [TokenType], resolve: ({ tokens }) => tokens }),
  }),
});

const DraftStatusChangedType = builder.objectRef<EventOf<'status'>>('DraftStatusChanged').implement({
  description: 'The draft began or ended.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', resolve: ({ cursor }) => cursor }),
    status: t.field({ type: DraftStatusType, resolve: ({ status }) => status }),
    finishReason: t.field({ type: FinishReasonType, nullable: true, resolve: ({ finishReason }) => finishReason }),
    usage: t.field({ type: UsageType, resolve: ({ usage }) => usage }),
  }),
});

const eventTypes = { snapshot: 'DraftSnapshot', tokens: 'TokensAppended', status: 'DraftStatusChanged' } as const;

const DraftEventType = builder.unionType('DraftEvent', {
  description:
    "One step of a draft's log. Events of one draft arrive in order, each exactly once, to every subscriber, whether it joined " +
    'early, joined late or came back after a disconnect.',
  types: [DraftSnapshotType, TokensAppendedType, DraftStatusChangedType],
  resolveType: (event) => eventTypes[event.type] as never,
});

const SamplingInput = builder.inputType('SamplingInput', {
  description: 'The same model, prompt, sampling and seed give the same text, whatever else the server is doing.',
  fields: (t) => ({
    temperature: t.float({ defaultValue: 0.8, description: '0–2; 0 always takes the likeliest token.' }),
    topK: t.int({ defaultValue: 40, description: 'Among the k likeliest; 0 for all, at most 1,000.' }),
    topP: t.float({
      defaultValue: 0.95,
      description: 'Among the likeliest that together have this probability, in (0, 1].',
    }),
    minP: t.float({
      defaultValue: 0,
      description: 'Among those with this share of the likeliest’s probability, in [0, 1].',
    }),
    repetitionPenalty: t.float({ defaultValue: 1.1, description: '0.5–2; above 1 what was said becomes less likely.' }),
    maxTokens: t.int({ defaultValue: 256, description: '1–4,096.' }),
    seed: t.int({ description: '0 or more; drawn when absent, and told by `Draft.sampling`.' }),
    stop: t.stringList({ defaultValue: [], description: 'Up to 8 texts that end the draft and are not part of it.' }),
  }),
});

const StartDraftInput = builder.inputType('StartDraftInput', {
  description: 'What to write.',
  fields: (t) => ({
    kind: t.field({ type: DraftKindType, required: true }),
    prompt: t.string({ required: true, description: 'What it is to be about: 1–8,000 characters.' }),
    title: t.string({ description: 'Up to 200 characters.' }),
    visibility: t.field({ type: DraftVisibilityType, defaultValue: 'PRIVATE' }),
    modelId: t.id({ description: 'A model of `models`; the one for this kind when absent.' }),
    sampling: t.field({ type: SamplingInput }),
    idempotencyKey: t.string({ description: 'Repeating a key returns the first draft and starts nothing twice.' }),
  }),
});

const ContinueDraftInput = builder.inputType('ContinueDraftInput', {
  description: 'How to go on.',
  fields: (t) => ({
    draftId: t.id({ required: true }),
    instruction: t.string({ description: 'What to do next. Without one the text goes on where it stopped.' }),
    sampling: t.field({ type: SamplingInput }),
  }),
});

const UpdateDraftInput = builder.inputType('UpdateDraftInput', {
  description: 'Fields left out stay as they are.',
  fields: (t) => ({
    draftId: t.id({ required: true }),
    title: t.string(),
    visibility: t.field({ type: DraftVisibilityType }),
  }),
});

const draftSuccess = (name: string, description: string) =>
  builder.objectRef<{ draft: Draft }>(`${name}Success`).implement({
    description,
    fields: (t) => ({ draft: t.field({ type: DraftType, resolve: ({ draft }) => draft }) }),
  });

const DeleteDraftSuccess = builder.objectRef<{ deletedId: string }>('DeleteDraftSuccess').implement({
  description: 'The draft and its log are gone.',
  fields: (t) => ({ deletedId: t.exposeID('deletedId') }),
});

const startErrors = ['InvalidInputError', 'OverloadedError', 'ModelUnavailableError'] as const;
const continueErrors = [
  'InvalidInputError',
  'NotFoundError',
  'ForbiddenError',
  'ConflictError',
  'OverloadedError',
  'ModelUnavailableError',
] as const;
const cancelErrors = ['NotFoundError', 'ForbiddenError'] as const;
const updateErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.queryFields((t) => ({
  draft: t.field({
    type: DraftType,
    nullable: true,
    description: 'A draft of the viewer, or one shared; null when there is none with this id for the viewer.',
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, context) => drafts.draftById(id, context),
  }),
}));

builder.mutationFields((t) => ({
  startDraft: t.field({
    type: resultType('StartDraft', draftSuccess('StartDraft', 'The draft is in the queue.'), startErrors),
    description: 'Begins to write. Follow it with `draftEvents`.',
    args: { input: t.arg({ type: StartDraftInput, required: true }) },
    resolve: (_, { input }, context) =>
      outcome(startErrors, async () => ({ draft: await drafts.startDraft(given(input), context) })) as never,
  }),
  continueDraft: t.field({
    type: resultType('ContinueDraft', draftSuccess('ContinueDraft', 'The draft goes on.'), continueErrors),
    description: 'Goes on writing a draft that has ended.',
    args: { input: t.arg({ type: ContinueDraftInput, required: true }) },
    resolve: (_, { input }, context) =>
      outcome(continueErrors, async () => ({ draft: await drafts.continueDraft(given(input), context) })) as never,
  }),
  cancelDraft: t.field({
    type: resultType('CancelDraft', draftSuccess('CancelDraft', 'The draft has ended.'), cancelErrors),
    description: 'Ends generation and keeps the text. Leaving a subscription never cancels anything.',
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, context) =>
      outcome(cancelErrors, async () => ({ draft: await drafts.cancelDraft(id, context) })) as never,
  }),
  updateDraft: t.field({
    type: resultType('UpdateDraft', draftSuccess('UpdateDraft', 'The draft as it now is.'), updateErrors),
    description: 'Renames a draft, shares it or makes it private again.',
    args: { input: t.arg({ type: UpdateDraftInput, required: true }) },
    resolve: (_, { input }, context) =>
      outcome(updateErrors, async () => ({ draft: await drafts.updateDraft(given(input), context) })) as never,
  }),
  deleteDraft: t.field({
    type: resultType('DeleteDraft', DeleteDraftSuccess, cancelErrors),
    description: 'Removes a draft, ending it first when it is being written.',
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, context) => outcome(cancelErrors, () => drafts.deleteDraft(id, context)) as never,
  }),
}));

builder.subscriptionFields((t) => ({
  draftEvents: t.field({
    type: DraftEventType,
    description:
      "A draft's events from `after` on: replayed first, then live, until the draft has ended. Without `after` a snapshot comes first.",
    args: { draftId: t.arg.id({ required: true }), after: t.arg({ type: 'DraftCursor' }) },
    subscribe: (_, args, context) => drafts.draftEvents(given(args), context) as never,
    resolve: (event, _, context) => {
      refreshLoaders(context);
      return event as never;
    },
  }),
}));
