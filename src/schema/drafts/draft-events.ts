import type { DraftEvent } from '../../drafts/drafts.ts';
import type { Token, TokenAlternative } from '../../ml/engine.ts';
import { followDraft } from '../../resolvers/drafts/drafts.ts';
import { builder, given } from '../builder.ts';
import { DraftType } from './draft-refs.ts';
import { DraftStatusType, FinishReasonType, UsageType } from './drafts.ts';

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
    subscribe: (_, args, context) => followDraft(given(args), context),
    // The result does not depend on the arguments, so readers that select the same fields share one answer per event.
    resolve: (event) => event,
  }),
}));
