import type { Draft, DraftEvent } from '../../drafts/drafts.ts';
import type { LogitBias, Sampling, Token, TokenAlternative, Usage } from '../../ml/engine.ts';
import { need } from '../../resolvers/catalogue.ts';
import * as drafts from '../../resolvers/drafts/drafts.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { builder, given } from '../builder.ts';
import { ModelType } from '../models.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { VerseFormType } from '../verse/verse-form.ts';
import { DraftFormatType } from './draft-formats.ts';
import { DraftType, ListenerType } from './draft-refs.ts';

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

const DraftStatusType = builder.enumType('DraftStatus', {
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

const FinishReasonType = builder.enumType('FinishReason', {
  description: 'Why a draft ended.',
  values: {
    STOP: { description: 'The model ended the text, or wrote a stop string.' },
    LENGTH: { description: 'The text has `maxTokens` tokens.' },
    TIME: { description: '`maxSeconds` have passed.' },
    CANCELLED: { description: 'The draft was cancelled.' },
    ERROR: { description: 'The model failed.' },
  } as const,
});

const LogitBiasType = builder.objectRef<LogitBias>('LogitBias').implement({
  description: 'A text that was made more or less likely.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The text.' }),
    bias: t.exposeFloat('bias', {
      description: "Added to the text's log-odds: above 0 more likely, below 0 less likely.",
    }),
  }),
});

export const SamplingType = builder.objectRef<Sampling>('Sampling').implement({
  description: 'How tokens were chosen. The same model, prompt and sampling give the same text.',
  fields: (t) => ({
    temperature: t.exposeFloat('temperature', {
      description: 'Randomness. At 0 the most likely token is always chosen.',
    }),
    topK: t.exposeInt('topK', {
      description: 'Chooses among the k most likely tokens. At 0 all tokens are considered.',
    }),
    topP: t.exposeFloat('topP', {
      description: 'Chooses among the most likely tokens that together have this probability.',
    }),
    minP: t.exposeFloat('minP', {
      description: "Chooses among the tokens with at least this fraction of the most likely token's probability.",
    }),
    repetitionPenalty: t.exposeFloat('repetitionPenalty', {
      description: 'Penalty on tokens that occurred recently. Above 1 they are less likely.',
    }),
    presencePenalty: t.exposeFloat('presencePenalty', {
      description: 'Subtracted from the log-odds of each token that occurs among the last 64.',
    }),
    frequencyPenalty: t.exposeFloat('frequencyPenalty', {
      description: "Subtracted from a token's log-odds for each of its occurrences among the last 64.",
    }),
    dryMultiplier: t.exposeFloat('dryMultiplier', {
      description: 'Penalty (DRY) on a token that goes on with a repetition of `dryAllowedLength` tokens. 0 for none.',
    }),
    dryBase: t.exposeFloat('dryBase', {
      description: 'Factor of that penalty for each repeated token beyond `dryAllowedLength`.',
    }),
    dryAllowedLength: t.exposeInt('dryAllowedLength', {
      description: 'Number of repeated tokens from which on the penalty applies.',
    }),
    xtcProbability: t.exposeFloat('xtcProbability', {
      description: 'How often the likeliest tokens are left out (XTC).',
    }),
    xtcThreshold: t.exposeFloat('xtcThreshold', {
      description: 'Probability from which on a token is among those; the least likely of them stays.',
    }),
    logitBias: t.field({
      type: [LogitBiasType],
      description: 'Texts that were made more or less likely.',
      resolve: ({ logitBias }) => logitBias,
    }),
    bannedPhrases: t.field({
      type: ['String'],
      description: 'Texts that are never written.',
      resolve: ({ bannedPhrases }) => bannedPhrases,
    }),
    maxTokens: t.exposeInt('maxTokens', { description: 'Maximum number of tokens.' }),
    maxSeconds: t.exposeFloat('maxSeconds', {
      nullable: true,
      description: 'Time limit in seconds, waiting included. Null if there is none.',
    }),
    seed: t.exposeInt('seed', { description: 'Seed of the random numbers.' }),
    stop: t.field({ type: ['String'], description: 'Texts that end the draft.', resolve: ({ stop }) => stop }),
  }),
});

const UsageType = builder.objectRef<Usage>('Usage').implement({
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

export const TokenAlternativeType = builder.objectRef<TokenAlternative>('TokenAlternative').implement({
  description: 'A token that could have been chosen.',
  fields: (t) => ({
    text: t.exposeString('text', { description: "The token's text." }),
    logprob: t.exposeFloat('logprob', { description: "The token's natural log-probability." }),
    probability: t.float({ description: "The token's probability, 0–1.", resolve: ({ logprob }) => Math.exp(logprob) }),
  }),
});

const TokenType = builder.objectRef<Token>('Token').implement({
  description: 'A sampled token, its log-probability and the most likely alternatives.',
  fields: (t) => ({
    text: t.exposeString('text', { description: "The token's text. An incomplete character is shown as U+FFFD." }),
    logprob: t.exposeFloat('logprob', {
      description:
        "The natural log-probability in the model's own distribution, before temperature, penalties and cut-offs.",
    }),
    alternatives: t.field({
      type: [TokenAlternativeType],
      description: 'The most likely other tokens, most likely first. Empty if the server keeps none.',
      resolve: ({ alternatives }) => alternatives,
    }),
  }),
});

type EventOf<Type extends DraftEvent['type']> = Extract<DraftEvent, { type: Type }>;

const SnapshotReasonType = builder.enumType('SnapshotReason', {
  description: 'Why a snapshot is sent.',
  values: {
    START: { description: '`after` is absent.' },
    COMPACTED: { description: 'The events after the cursor are no longer kept, only the text.' },
    DIVERGED: {
      description:
        'The server was restored from a backup, or a standby took over, and lost the event of the cursor. The text may ' +
        'have gone on differently: this one replaces what was received before.',
    },
  } as const,
});

const revisionDescription = "The draft's `revision` with this event.";

const DraftSnapshotType = builder.objectRef<EventOf<'snapshot'>>('DraftSnapshot').implement({
  description: 'The draft with its text so far, which replaces whatever was received before.',
  fields: (t) => ({
    reason: t.field({
      type: SnapshotReasonType,
      description: 'Why the snapshot is sent instead of the events after the cursor.',
      resolve: ({ reason }) => reason,
    }),
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    draft: t.field({ type: DraftType, description: 'The draft as of this event.', resolve: ({ draft }) => draft }),
  }),
});

const TokensAppendedType = builder.objectRef<EventOf<'tokens'>>('TokensAppended').implement({
  description: 'Text was appended. A reader that is behind gets several tokens in one event.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    revision: t.exposeInt('revision', { description: revisionDescription }),
    text: t.exposeString('text', { description: 'The text to append. It contains whole characters only.' }),
    tokens: t.field({
      type: [TokenType],
      description: 'The tokens that the text consists of.',
      resolve: ({ tokens }) => tokens,
    }),
  }),
});

const TokensInsertedType = builder.objectRef<EventOf<'inserted'>>('TokensInserted').implement({
  description: 'Text was inserted by a continuation that began at a position (`ContinueDraftInput.at`).',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    revision: t.exposeInt('revision', { description: revisionDescription }),
    at: t.exposeInt('at', {
      description: 'The position of the character before which it is inserted, in characters (Unicode code points).',
    }),
    text: t.exposeString('text', { description: 'The text to insert. It contains whole characters only.' }),
    tokens: t.field({
      type: [TokenType],
      description: 'The tokens that the text consists of.',
      resolve: ({ tokens }) => tokens,
    }),
  }),
});

const TextReplacedType = builder.objectRef<EventOf<'edit'>>('TextReplaced').implement({
  description:
    'A person has changed the text: its smallest part that differs was replaced. Positions are in characters (Unicode ' +
    'code points) of the text before this event.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    revision: t.exposeInt('revision', { description: revisionDescription }),
    start: t.exposeInt('start', { description: 'The position of the first character that was replaced.' }),
    end: t.exposeInt('end', { description: 'The position after the last one: `start` if text was only inserted.' }),
    text: t.exposeString('text', { description: 'The text in their place, empty if they were deleted.' }),
  }),
});

const DraftStatusChangedType = builder.objectRef<EventOf<'status'>>('DraftStatusChanged').implement({
  description: 'The draft started or ended.',
  fields: (t) => ({
    cursor: t.field({ type: 'DraftCursor', description: 'Resumes after this event.', resolve: ({ cursor }) => cursor }),
    revision: t.exposeInt('revision', { description: revisionDescription }),
    status: t.field({ type: DraftStatusType, description: "The draft's new status.", resolve: ({ status }) => status }),
    finishReason: t.field({
      type: FinishReasonType,
      nullable: true,
      description: 'Why the draft ended. Null until it has ended.',
      resolve: ({ finishReason }) => finishReason,
    }),
    usage: t.field({ type: UsageType, description: 'Resources used so far.', resolve: ({ usage }) => usage }),
  }),
});

const eventTypes = {
  snapshot: 'DraftSnapshot',
  tokens: 'TokensAppended',
  inserted: 'TokensInserted',
  edit: 'TextReplaced',
  status: 'DraftStatusChanged',
} as const;

export const DraftEventType = builder.unionType('DraftEvent', {
  description:
    "An event in a draft's log. Every subscriber gets the events in order and each exactly once, whether it joined " +
    'early, joined late or reconnected.',
  types: [DraftSnapshotType, TokensAppendedType, TokensInsertedType, TextReplacedType, DraftStatusChangedType],
  resolveType: (event) => eventTypes[event.type],
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

builder.subscriptionFields((t) => ({
  draftEvents: t.field({
    type: DraftEventType,
    description:
      "A draft's events after `after`: replayed first, then live, until the draft has ended, or with `keepOpen` until " +
      'the client leaves. Without `after`, or if the log no longer has its event, a snapshot is sent first.',
    args: {
      draftId: t.arg.id({ description: "The draft's `id`. Either this or `newest`." }),
      newest: t.arg.boolean({
        defaultValue: false,
        description: "Whether to follow the viewer's newest draft, whichever that is when the subscription begins.",
      }),
      after: t.arg({
        type: 'DraftCursor',
        description: 'The cursor of the last event received, or of a draft that was queried.',
      }),
      keepOpen: t.arg.boolean({
        defaultValue: false,
        description: 'Whether to go on after the end of the draft, with later changes and continuations.',
      }),
    },
    subscribe: (_, args, context) => drafts.followDraft(given(args), context),
    // The result does not depend on the arguments, so readers that select the same fields share one answer per event.
    resolve: (event) => event,
  }),
}));
