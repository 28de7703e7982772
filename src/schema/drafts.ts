import type { Draft, DraftEvent } from '../drafts/drafts.ts';
import type { LogitBias, Sampling, Token, TokenAlternative, Usage } from '../ml/engine.ts';
import { need } from '../resolvers/catalogue.ts';
import * as drafts from '../resolvers/drafts.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { builder, given } from './builder.ts';
import { DraftType, ListenerType } from './draft-refs.ts';
import { ModelType } from './models.ts';
import { idDescription, NodeType } from './nodes.ts';

export const DraftKindType = builder.enumType('DraftKind', {
  description: 'What is to be written.',
  values: {
    LYRICS: { description: 'The words of a song.' },
    POEM: { description: 'A poem.' },
    STORY: { description: 'A short story.' },
    ARTICLE: { description: 'An article for a magazine.' },
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

export const DraftVisibilityType = builder.enumType('DraftVisibility', {
  description: 'Who may read a draft.',
  values: {
    PRIVATE: { description: 'The owner alone.' },
    SHARED: { description: 'Every signed-in listener who has the id may read and follow it.' },
  } as const,
});

const FinishReasonType = builder.enumType('FinishReason', {
  description: 'Why a draft ended.',
  values: {
    STOP: { description: 'The model was done, or wrote a stop string.' },
    LENGTH: { description: '`maxTokens` were written.' },
    TIME: { description: '`maxSeconds` were over.' },
    CANCELLED: { description: 'Somebody ended it.' },
    ERROR: { description: 'The model failed.' },
  } as const,
});

const LogitBiasType = builder.objectRef<LogitBias>('LogitBias').implement({
  description: 'A text that was to be written more often, or less.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'As it was given.' }),
    bias: t.exposeFloat('bias', { description: 'Above 0 it is likelier, below 0 less likely.' }),
  }),
});

const SamplingType = builder.objectRef<Sampling>('Sampling').implement({
  description: 'How tokens were chosen. The same model, prompt and sampling give the same text.',
  fields: (t) => ({
    temperature: t.exposeFloat('temperature', { description: '0 always takes the likeliest token.' }),
    topK: t.exposeInt('topK', { description: 'Among the k likeliest; 0: among all.' }),
    topP: t.exposeFloat('topP', { description: 'Among the likeliest that together have this probability.' }),
    minP: t.exposeFloat('minP', { description: 'Among those with this share of the likeliest’s probability.' }),
    repetitionPenalty: t.exposeFloat('repetitionPenalty', { description: 'Above 1 what was said is less likely.' }),
    presencePenalty: t.exposeFloat('presencePenalty', {
      description: 'Taken off the log-odds of every token among the last 64.',
    }),
    frequencyPenalty: t.exposeFloat('frequencyPenalty', {
      description: 'Taken off as often as a token is among the last 64.',
    }),
    logitBias: t.field({
      type: [LogitBiasType],
      description: 'Texts that are likelier or less likely.',
      resolve: ({ logitBias }) => logitBias,
    }),
    bannedPhrases: t.field({
      type: ['String'],
      description: 'Texts that are never written.',
      resolve: ({ bannedPhrases }) => bannedPhrases,
    }),
    maxTokens: t.exposeInt('maxTokens', { description: 'Tokens at most.' }),
    maxSeconds: t.exposeFloat('maxSeconds', {
      nullable: true,
      description: 'Seconds at most, waiting included; null: as long as it takes.',
    }),
    seed: t.exposeInt('seed', { description: 'Drawn when none was given.' }),
    stop: t.field({ type: ['String'], description: 'Texts that end the draft.', resolve: ({ stop }) => stop }),
  }),
});

const UsageType = builder.objectRef<Usage>('Usage').implement({
  description: 'What a draft took, all its continuations together.',
  fields: (t) => ({
    promptTokens: t.exposeInt('promptTokens', { description: 'Tokens that the model read.' }),
    completionTokens: t.exposeInt('completionTokens', { description: 'Tokens that it wrote.' }),
    queueMs: t.exposeFloat('queueMs', {
      nullable: true,
      description: 'How long it waited for its turn, in milliseconds.',
    }),
    timeToFirstTokenMs: t.exposeFloat('timeToFirstTokenMs', {
      nullable: true,
      description: 'From asking for it to its first token, in milliseconds.',
    }),
    tokensPerSecond: t.exposeFloat('tokensPerSecond', { nullable: true, description: 'How fast it wrote.' }),
  }),
});

builder.objectType(DraftType, {
  description: 'A text that a model writes, and what of it there is.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Draft', id) }),
    kind: t.field({ type: DraftKindType, description: 'What it is to be.', resolve: ({ kind }) => kind }),
    title: t.exposeString('title', { description: "The prompt's first words, unless given." }),
    prompt: t.exposeString('prompt', { description: 'What it is to be about.' }),
    status: t.field({ type: DraftStatusType, description: 'How far it is.', resolve: ({ status }) => status }),
    visibility: t.field({
      type: DraftVisibilityType,
      description: 'Who may read it.',
      resolve: ({ visibility }) => visibility,
    }),
    finishReason: t.field({
      type: FinishReasonType,
      nullable: true,
      description: 'Null while it is not at its end.',
      resolve: ({ finishReason }) => finishReason,
    }),
    failure: t.exposeString('failure', { nullable: true, description: 'Why `status` is FAILED.' }),
    text: t.exposeString('text', { description: 'What is written so far.' }),
    cursor: t.field({
      type: 'DraftCursor',
      description: 'Where to subscribe from to receive everything after this snapshot.',
      resolve: (draft: Draft, _, context) => drafts.cursorOf(draft, context),
    }),
    model: t.field({
      type: ModelType,
      description: 'What writes it.',
      resolve: (draft, _, context) => drafts.modelOf(draft, context),
    }),
    sampling: t.field({
      type: SamplingType,
      description: 'How its tokens were chosen at first.',
      resolve: ({ sampling }) => sampling,
    }),
    usage: t.field({ type: UsageType, description: 'What it took so far.', resolve: ({ usage }) => usage }),
    owner: t.field({
      type: ListenerType,
      description: 'Who started it.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was started.',
      resolve: ({ createdAt }) => createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When it last changed.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

const TokenAlternativeType = builder.objectRef<TokenAlternative>('TokenAlternative').implement({
  description: 'A token that could have been chosen.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'Its own text.' }),
    logprob: t.exposeFloat('logprob', { description: 'Its natural log-probability.' }),
  }),
});

const TokenType = builder.objectRef<Token>('Token').implement({
  description: 'One sampled token with its log-probability and the runners-up.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'Its own text; half a character shows as U+FFFD.' }),
    logprob: t.exposeFloat('logprob', {
      description: "Of the model's own distribution, before temperature, penalties and cuts.",
    }),
    alternatives: t.field({
      type: [TokenAlternativeType],
      description: 'The likeliest others, likeliest first.',
      resolve: ({ alternatives }) => alternatives,
    }),
  }),
});

type EventOf<Type extends DraftEvent['type']> = Extract<DraftEvent, { type: Type }>;

const DraftSnapshotType = builder.objectRef<EventOf<'snapshot'>>('DraftSnapshot').implement({
  description: 'Sent first when `after` is absent: the draft with all of its text so far.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    draft: t.field({ type: DraftType, description: 'As it is now.', resolve: ({ draft }) => draft }),
  }),
});

const TokensAppendedType = builder.objectRef<EventOf<'tokens'>>('TokensAppended').implement({
  description: 'More text. A reader that is behind gets several tokens in one event.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    text: t.exposeString('text', { description: 'What to append; whole characters only.' }),
    tokens: t.field({ type: [TokenType], description: 'What the text is made of.', resolve: ({ tokens }) => tokens }),
  }),
});

const DraftStatusChangedType = builder.objectRef<EventOf<'status'>>('DraftStatusChanged').implement({
  description: 'The draft began or ended.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    status: t.field({ type: DraftStatusType, description: 'How far it is.', resolve: ({ status }) => status }),
    finishReason: t.field({
      type: FinishReasonType,
      nullable: true,
      description: 'Null while it is not at its end.',
      resolve: ({ finishReason }) => finishReason,
    }),
    usage: t.field({ type: UsageType, description: 'What it took so far.', resolve: ({ usage }) => usage }),
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

builder.queryFields((t) => ({
  draft: t.field({
    type: DraftType,
    nullable: true,
    description: 'A draft of the viewer, or one shared; null when there is none with this id for the viewer.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) => drafts.draftById(id, context),
  }),
}));

builder.subscriptionFields((t) => ({
  draftEvents: t.field({
    type: DraftEventType,
    description:
      "A draft's events from `after` on: replayed first, then live, until the draft has ended. Without `after` a snapshot comes first.",
    args: {
      draftId: t.arg.id({ required: true, description: "The draft's `id`." }),
      after: t.arg({
        type: 'DraftCursor',
        description: 'The last event seen, or the cursor of a draft that was read.',
      }),
    },
    subscribe: (_, args, context) => drafts.draftEvents(given(args), context) as never,
    // Nothing here depends on the arguments: the same event is one answer for all who select the same of it.
    resolve: (event) => event as never,
  }),
}));
