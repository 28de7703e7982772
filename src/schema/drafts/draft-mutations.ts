import type { Draft } from '../../drafts/drafts.ts';
import * as drafts from '../../resolvers/drafts/drafts.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { resultType } from '../errors.ts';
import { TuneSettingsInput } from '../tunes/tune-input.ts';
import { VerseFormInputType } from '../verse/verse-form.ts';
import { DraftFormatInputType } from './draft-formats.ts';
import { DraftType } from './draft-refs.ts';
import { DraftKindType, DraftVisibilityType } from './drafts.ts';

const LogitBiasInput = builder.inputType('LogitBiasInput', {
  description: 'A text to make more or less likely.',
  fields: (t) => ({
    text: t.string({
      required: true,
      description: 'The text, 1–100 characters. It is matched as written and with a leading space.',
    }),
    bias: t.float({
      required: true,
      description:
        'A number from −100 to 100. Added to the log-odds of each token that continues the text; if negative, only ' +
        'to the token that would complete it.',
    }),
  }),
});

export const SamplingInputType = builder.inputType('SamplingInput', {
  description:
    'Options for choosing tokens. The same model, prompt, sampling and seed give the same text, whatever the ' +
    "server's load.",
  fields: (t) => ({
    temperature: t.float({
      defaultValue: 0.8,
      description: 'Randomness: 0–2. At 0 the most likely token is always chosen.',
    }),
    topK: t.int({
      defaultValue: 40,
      description: 'Chooses among the k most likely tokens: 0–1,000. At 0 all tokens are considered.',
    }),
    topP: t.float({
      defaultValue: 0.95,
      description: 'Chooses among the most likely tokens that together have this probability, in (0, 1].',
    }),
    minP: t.float({
      defaultValue: 0,
      description:
        "Chooses among the tokens with at least this fraction of the most likely token's probability, in [0, 1].",
    }),
    repetitionPenalty: t.float({
      defaultValue: 1.1,
      description: 'Penalty on tokens that occurred recently: 0.5–2. Above 1 they become less likely.',
    }),
    presencePenalty: t.float({
      defaultValue: 0,
      description: 'Subtracted from the log-odds of each token that occurs among the last 64: −2 to 2.',
    }),
    frequencyPenalty: t.float({
      defaultValue: 0,
      description: "Subtracted from a token's log-odds for each of its occurrences among the last 64: −2 to 2.",
    }),
    dryMultiplier: t.float({
      defaultValue: 0,
      description:
        'Penalty on a token that would go on with a repetition (DRY): 0–5, 0 for none, 0.8 for fiction. It is ' +
        '`dryMultiplier` × `dryBase` ^ (repeated tokens − `dryAllowedLength`), subtracted from the log-odds.',
    }),
    dryBase: t.float({ defaultValue: 1.75, description: 'How much that penalty grows with each token: 1–4.' }),
    dryAllowedLength: t.int({
      defaultValue: 2,
      description: 'Number of repeated tokens from which on that penalty applies: 1–50.',
    }),
    xtcProbability: t.float({
      defaultValue: 0,
      description:
        'How often the likeliest tokens are left out, for a text that surprises (XTC): 0–1, 0 for never, 0.5 for ' +
        'fiction. Of the tokens from `xtcThreshold` on, the least likely one stays.',
    }),
    xtcThreshold: t.float({
      defaultValue: 0.1,
      description: 'Probability from which on a token is among those that are left out: above 0, at most 0.5.',
    }),
    logitBias: t.field({
      type: [LogitBiasInput],
      defaultValue: [],
      description: 'Texts to make more or less likely, at most 64.',
    }),
    bannedPhrases: t.stringList({
      defaultValue: [],
      description:
        'Texts that are never written, in any case and not even inside a word: at most 32, of 1–100 characters each.',
    }),
    maxTokens: t.int({
      description:
        'Maximum number of tokens to write: 1–4,096. By default 256, or what the form or format needs if that is more; for a tune as ' +
        'many as its form needs.',
    }),
    maxSeconds: t.float({
      description:
        'Time limit in seconds, waiting included: above 0, at most 86,400. When it is over the draft ends and keeps ' +
        'its text.',
    }),
    seed: t.int({
      description: 'Seed of the random numbers, 0 or more. Drawn if absent and returned by `Draft.sampling`.',
    }),
    stop: t.stringList({
      defaultValue: [],
      description: 'Texts that end the draft and are not part of it, at most 8.',
    }),
  }),
});

const StartDraftInput = builder.inputType('StartDraftInput', {
  description: 'The draft to write.',
  fields: (t) => ({
    kind: t.field({ type: DraftKindType, required: true, description: 'The kind of text.' }),
    prompt: t.string({ required: true, description: 'What to write about, 1–8,000 characters.' }),
    title: t.string({
      description: "The draft's title, at most 200 characters. By default the first words of the prompt.",
    }),
    visibility: t.field({ type: DraftVisibilityType, defaultValue: 'PRIVATE', description: 'Who may read the draft.' }),
    modelId: t.id({ description: 'The `id` of a model. By default the model for this kind.' }),
    sampling: t.field({ type: SamplingInputType, description: 'How tokens are chosen.' }),
    form: t.field({
      type: VerseFormInputType,
      description:
        'The form that the text keeps. By default LYRICS keep a SONG and POEMs a BALLAD or the preset that the prompt ' +
        'names; a prompt in another script than Latin asks for none. `FREE` is none.',
    }),
    format: t.field({
      type: DraftFormatInputType,
      description:
        'The format of the answer. It excludes `form`, banned phrases and stop texts, and does not apply to tunes.',
    }),
    tune: t.field({ type: TuneSettingsInput, description: 'What the tune is to be. For drafts of kind TUNE only.' }),
    alternatives: t.int({
      description:
        'Number of drafts to start as alternatives: 1–8, by default 1. They differ in their seeds: the first has the one ' +
        'that is given, the others those after it. Follow all with `draftGroupEvents` and keep one with `chooseDraft`.',
    }),
    idempotencyKey: t.string({
      description:
        'A name for this request. Repeating it with the same input returns the first draft and starts nothing.',
    }),
  }),
});

/** For inputs that name a draft, or mean the newest ([DRAFT16]). */
export const draftIdDescription = "The draft's `id`. Either this or `newest`.";
export const newestDescription =
  "Whether the viewer's newest text is meant, and with `ifRevision` absent its present revision: for trying things out. " +
  'An app names the draft.';

const ContinueDraftInput = builder.inputType('ContinueDraftInput', {
  description: 'How to continue a draft.',
  fields: (t) => ({
    draftId: t.id({ description: draftIdDescription }),
    newest: t.boolean({ description: newestDescription }),
    instruction: t.string({
      description:
        'What to do next. If absent, the text continues where it stopped: a tune that is complete gets a further ' +
        'section. A tune takes no instruction.',
    }),
    at: t.int({
      description:
        'The position in the text, in characters (Unicode code points), at which to continue: what precedes it is ' +
        'continued, and what follows it is kept. Requires `ifRevision`. By default the end.',
    }),
    ifRevision: t.int({ description: 'The `revision` to continue. If the draft has another one, nothing is started.' }),
    sampling: t.field({ type: SamplingInputType, description: 'How tokens are chosen.' }),
    form: t.field({
      type: VerseFormInputType,
      description:
        'The form of what is written now. By default an unfinished form is carried on, a finished one is begun again ' +
        'below, and the answer to an instruction is free.',
    }),
    idempotencyKey: t.string({
      description:
        'A name for this continuation. Repeating it with the same input returns the draft and continues nothing.',
    }),
  }),
});

const UpdateDraftInput = builder.inputType('UpdateDraftInput', {
  description: 'Changes to a draft. Absent fields keep their values.',
  fields: (t) => ({
    draftId: t.id({ description: draftIdDescription }),
    newest: t.boolean({ description: newestDescription }),
    title: t.string({ description: 'The new title, 1–200 characters.' }),
    visibility: t.field({ type: DraftVisibilityType, description: 'Who may read the draft.' }),
    text: t.string({
      description:
        'The whole text as it is to be, at most 100,000 characters, kept exactly. Requires `ifRevision` unless `newest` is meant, and a request ' +
        'without `title` and `visibility`.',
    }),
    ifRevision: t.int({
      description: 'The `revision` of the text that was changed. If the draft has another one, nothing is changed.',
    }),
    idempotencyKey: t.string({
      description:
        "A name for this change of the text. Repeating it with the same input changes nothing: a draft's last 32 are " +
        'known.',
    }),
  }),
});

export const draftSuccess = (name: string, description: string) =>
  builder.objectRef<{ draft: Draft }>(`${name}Success`).implement({
    description,
    fields: (t) => ({
      draft: t.field({ type: DraftType, description: 'The draft as it is now.', resolve: ({ draft }) => draft }),
    }),
  });

const DeleteDraftSuccess = builder.objectRef<{ deletedId: string }>('DeleteDraftSuccess').implement({
  description: 'The draft and its log have been deleted.',
  fields: (t) => ({ deletedId: t.exposeID('deletedId', { description: 'The `id` of the deleted draft.' }) }),
});

const startErrors = [
  'InvalidInputError',
  'OverloadedError',
  'QuotaExceededError',
  'ModelUnavailableError',
  'IdempotencyConflictError',
] as const;
const continueErrors = [
  'InvalidInputError',
  'NotFoundError',
  'ForbiddenError',
  'ConflictError',
  'RevisionConflictError',
  'OverloadedError',
  'QuotaExceededError',
  'ModelUnavailableError',
  'IdempotencyConflictError',
] as const;
const cancelErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const updateErrors = [
  'InvalidInputError',
  'NotFoundError',
  'ForbiddenError',
  'ConflictError',
  'RevisionConflictError',
  'IdempotencyConflictError',
] as const;

builder.mutationFields((t) => ({
  startDraft: t.field({
    type: resultType('StartDraft', draftSuccess('StartDraft', 'The draft has been queued.'), startErrors),
    description: 'Starts a draft. Follow it with `draftEvents`.',
    args: { input: t.arg({ type: StartDraftInput, required: true, description: 'The draft to write.' }) },
    resolve: (_, { input }, context) =>
      outcome(startErrors, async () => ({ draft: await drafts.startDraft(given(input), context) })),
  }),
  continueDraft: t.field({
    type: resultType('ContinueDraft', draftSuccess('ContinueDraft', 'The draft is being continued.'), continueErrors),
    description: 'Continues a draft that has ended, from its text as it is now.',
    args: { input: t.arg({ type: ContinueDraftInput, required: true, description: 'How to continue.' }) },
    resolve: (_, { input }, context) =>
      outcome(continueErrors, async () => ({ draft: await drafts.continueDraft(given(input), context) })),
  }),
  cancelDraft: t.field({
    type: resultType('CancelDraft', draftSuccess('CancelDraft', 'The draft has ended.'), cancelErrors),
    description: 'Stops writing a draft and keeps its text. Closing a subscription never cancels a draft.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) =>
      outcome(cancelErrors, async () => ({ draft: await drafts.cancelDraft(id, context) })),
  }),
  updateDraft: t.field({
    type: resultType('UpdateDraft', draftSuccess('UpdateDraft', 'The draft has been changed.'), updateErrors),
    description: "Changes a draft's title or visibility, or the text of a draft that has ended.",
    args: { input: t.arg({ type: UpdateDraftInput, required: true, description: 'The changes.' }) },
    resolve: (_, { input }, context) =>
      outcome(updateErrors, async () => ({ draft: await drafts.updateDraft(given(input), context) })),
  }),
  deleteDraft: t.field({
    type: resultType('DeleteDraft', DeleteDraftSuccess, cancelErrors),
    description: 'Deletes a draft. If it is being written, it is cancelled first.',
    args: { id: t.arg.id({ required: true, description: "The draft's `id`." }) },
    resolve: (_, { id }, context) => outcome(cancelErrors, () => drafts.deleteDraft(id, context)),
  }),
}));
