import type { Draft } from '../drafts/drafts.ts';
import * as drafts from '../resolvers/drafts.ts';
import { outcome } from '../resolvers/outcome.ts';
import { builder, given } from './builder.ts';
import { DraftType } from './draft-refs.ts';
import { DraftKindType, DraftVisibilityType } from './drafts.ts';
import { resultType } from './errors.ts';

const LogitBiasInput = builder.inputType('LogitBiasInput', {
  description: 'A text that is to be written more often, or less.',
  fields: (t) => ({
    text: t.string({
      required: true,
      description: '1–100 characters, counted as written and with a space before them.',
    }),
    bias: t.float({
      required: true,
      description:
        'From −100 to 100, added to the log-odds of each token that goes on with the text; below 0 to the token that would complete it.',
    }),
  }),
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
    presencePenalty: t.float({
      defaultValue: 0,
      description: 'From −2 to 2, taken off the log-odds of every token among the last 64.',
    }),
    frequencyPenalty: t.float({
      defaultValue: 0,
      description: 'From −2 to 2, taken off as often as a token is among the last 64.',
    }),
    logitBias: t.field({
      type: [LogitBiasInput],
      defaultValue: [],
      description: 'Up to 64 texts that are to be likelier or less likely.',
    }),
    bannedPhrases: t.stringList({
      defaultValue: [],
      description:
        'Up to 32 texts of 1–100 characters that are never written, in whatever case, not even inside a word.',
    }),
    maxTokens: t.int({ defaultValue: 256, description: '1–4,096.' }),
    maxSeconds: t.float({
      description:
        'Above 0 to 86,400: when the time is over, waiting included, the draft ends with what there is of it.',
    }),
    seed: t.int({ description: '0 or more; drawn when absent, and told by `Draft.sampling`.' }),
    stop: t.stringList({ defaultValue: [], description: 'Up to 8 texts that end the draft and are not part of it.' }),
  }),
});

const StartDraftInput = builder.inputType('StartDraftInput', {
  description: 'What to write.',
  fields: (t) => ({
    kind: t.field({ type: DraftKindType, required: true, description: 'What it is to be.' }),
    prompt: t.string({ required: true, description: 'What it is to be about: 1–8,000 characters.' }),
    title: t.string({ description: 'Up to 200 characters.' }),
    visibility: t.field({ type: DraftVisibilityType, defaultValue: 'PRIVATE', description: 'Who may read it.' }),
    modelId: t.id({ description: 'A model of `models`; the one for this kind when absent.' }),
    sampling: t.field({ type: SamplingInput, description: 'How tokens are chosen.' }),
    idempotencyKey: t.string({ description: 'Repeating a key returns the first draft and starts nothing twice.' }),
  }),
});

const ContinueDraftInput = builder.inputType('ContinueDraftInput', {
  description: 'How to go on.',
  fields: (t) => ({
    draftId: t.id({ required: true, description: "The draft's `id`." }),
    instruction: t.string({ description: 'What to do next. Without one the text goes on where it stopped.' }),
    sampling: t.field({ type: SamplingInput, description: 'How tokens are chosen.' }),
  }),
});

const UpdateDraftInput = builder.inputType('UpdateDraftInput', {
  description: 'Fields left out stay as they are.',
  fields: (t) => ({
    draftId: t.id({ required: true, description: "The draft's `id`." }),
    title: t.string({ description: '1–200 characters.' }),
    visibility: t.field({ type: DraftVisibilityType, description: 'Who may read it.' }),
  }),
});

const draftSuccess = (name: string, description: string) =>
  builder.objectRef<{ draft: Draft }>(`${name}Success`).implement({
    description,
    fields: (t) => ({
      draft: t.field({ type: DraftType, description: 'As it now is.', resolve: ({ draft }) => draft }),
    }),
  });

const DeleteDraftSuccess = builder.objectRef<{ deletedId: string }>('DeleteDraftSuccess').implement({
  description: 'The draft and its log are gone.',
  fields: (t) => ({ deletedId: t.exposeID('deletedId', { description: 'What it was known by.' }) }),
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

builder.mutationFields((t) => ({
  startDraft: t.field({
    type: resultType('StartDraft', draftSuccess('StartDraft', 'The draft is in the queue.'), startErrors),
    description: 'Begins to write. Follow it with `draftEvents`.',
    args: { input: t.arg({ type: StartDraftInput, required: true, description: 'What to write, and how.' }) },
    resolve: (_, { input }, context) =>
      outcome(startErrors, async () => ({ draft: await drafts.startDraft(given(input), context) })) as never,
  }),
  continueDraft: t.field({
    type: resultType('ContinueDraft', draftSuccess('ContinueDraft', 'The draft goes on.'), continueErrors),
    description: 'Goes on writing a draft that has ended.',
    args: { input: t.arg({ type: ContinueDraftInput, required: true, description: 'What to go on with, and how.' }) },
    resolve: (_, { input }, context) =>
      outcome(continueErrors, async () => ({ draft: await drafts.continueDraft(given(input), context) })) as never,
  }),
  cancelDraft: t.field({
    type: resultType('CancelDraft', draftSuccess('CancelDraft', 'The draft has ended.'), cancelErrors),
    description: 'Ends generation and keeps the text. Leaving a subscription never cancels anything.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) =>
      outcome(cancelErrors, async () => ({ draft: await drafts.cancelDraft(id, context) })) as never,
  }),
  updateDraft: t.field({
    type: resultType('UpdateDraft', draftSuccess('UpdateDraft', 'The draft as it now is.'), updateErrors),
    description: 'Renames a draft, shares it or makes it private again.',
    args: { input: t.arg({ type: UpdateDraftInput, required: true, description: 'What changes.' }) },
    resolve: (_, { input }, context) =>
      outcome(updateErrors, async () => ({ draft: await drafts.updateDraft(given(input), context) })) as never,
  }),
  deleteDraft: t.field({
    type: resultType('DeleteDraft', DeleteDraftSuccess, cancelErrors),
    description: 'Removes a draft, ending it first when it is being written.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) => outcome(cancelErrors, () => drafts.deleteDraft(id, context)) as never,
  }),
}));
