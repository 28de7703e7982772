import type { Draft, RewriteOrigin } from '../../drafts/drafts.ts';
import * as versions from '../../resolvers/drafts/versions.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, filled, given } from '../builder.ts';
import { pageArgs } from '../connection.ts';
import { draftIdDescription, draftSuccess, newestDescription, SamplingInputType } from '../drafts/draft-mutations.ts';
import { DraftConnectionType, DraftType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';
import { VerseFormInputType } from '../verse/verse-form.ts';

const DraftOriginKindType = builder.enumType('DraftOriginKind', {
  description: 'How a draft came from another.',
  values: {
    RETRY: { description: 'It was written anew.' },
    BRANCH: { description: "It begins with the beginning of the other's text." },
    REWRITE: { description: 'It writes a passage of the other anew, or one for a place in it.' },
  } as const,
});

export const RewriteToneType = builder.enumType('RewriteTone', {
  description: 'How a passage is to sound.',
  values: {
    PLAIN: { description: 'Plain words and short sentences.' },
    FORMAL: { description: 'Formal.' },
    CASUAL: { description: 'As between friends.' },
    WARM: { description: 'Warm and kind.' },
    HUMOROUS: { description: 'Humorous.' },
    DRAMATIC: { description: 'Dramatic.' },
    POETIC: { description: 'With images.' },
    DARK: { description: 'Dark.' },
  } as const,
});

const DraftOriginType = builder.objectRef<versions.TreeOrigin>('DraftOrigin').implement({
  description: 'How a draft came from another. Positions are in characters (Unicode code points) of the other’s text.',
  fields: (t) => ({
    kind: t.field({ type: DraftOriginKindType, description: 'How it came from it.', resolve: ({ type }) => type }),
    revision: t.exposeInt('revision', { description: 'The `revision` of the other draft at that time.' }),
    start: t.int({
      description: 'Where it parts from it: 0 for a RETRY, the position of a BRANCH, or the start of the passage.',
      resolve: (origin) => versions.rangeOfOrigin(origin).start,
    }),
    end: t.int({
      description: 'The end of the passage of a REWRITE; otherwise `start`.',
      resolve: (origin) => versions.rangeOfOrigin(origin).end,
    }),
  }),
});

const DraftRewriteType = builder.objectRef<RewriteOrigin & { text: string }>('DraftRewrite').implement({
  description: 'A passage that was written anew for another text, the `parent`.',
  fields: (t) => ({
    start: t.exposeInt('start', { description: "The passage's first position, in characters (Unicode code points)." }),
    end: t.exposeInt('end', { description: 'The position after it: `start` if a passage is inserted.' }),
    original: t.exposeString('passage', { description: 'The passage as it was, empty if one is inserted.' }),
    replacement: t.string({
      description: 'What is to be put in its place, as far as it is written. `applyRewrite` does so.',
      resolve: (rewrite) => versions.replacementOf(rewrite),
    }),
    instruction: t.exposeString('instruction', {
      nullable: true,
      description: 'What was asked for. Null for nothing.',
    }),
    tone: t.field({
      type: RewriteToneType,
      nullable: true,
      description: 'How it was to sound. Null if that was not said.',
      resolve: ({ tone }) => tone,
    }),
  }),
});

builder.objectFields(DraftType, (t) => ({
  parent: t.field({
    type: DraftType,
    nullable: true,
    description: 'The draft that it came from. Null if there is none, it was deleted, or the viewer may not read it.',
    resolve: (draft, _, context) => versions.parentOf(draft, context),
  }),
  origin: t.field({
    type: DraftOriginType,
    nullable: true,
    description: 'How it came from another draft. Null if it did not.',
    resolve: (draft) => versions.treeOriginOf(draft),
  }),
  rewrite: t.field({
    type: DraftRewriteType,
    nullable: true,
    description: 'The passage that it writes for `parent`. Null unless it was started with `rewriteDraft`.',
    resolve: (draft) => versions.rewriteOf(draft),
  }),
  children: t.field({
    type: DraftConnectionType,
    description: 'The drafts that came from it and that the viewer may read, newest first.',
    args: pageArgs(20),
    resolve: (draft, args, context) => versions.childrenOf(draft, filled(args, { first: 20 }), context),
  }),
}));

const alternativesDescription = 'Number of drafts to start as alternatives: 1–8, by default 1. See `StartDraftInput`.';
const keyDescription =
  'A name for this request. Repeating it with the same input returns the first draft and starts nothing.';

const BranchDraftInput = builder.inputType('BranchDraftInput', {
  description: 'How to start a draft from another one.',
  fields: (t) => ({
    draftId: t.id({ required: true, description: 'The `id` of the draft to start from.' }),
    at: t.int({
      defaultValue: 0,
      description:
        'The position in its text, in characters (Unicode code points), up to which the new draft has the same text. ' +
        'Requires `ifRevision` unless it is 0, which writes the text anew. A tune is always written anew.',
    }),
    text: t.string({
      description:
        'A text that follows the position, at most 1,000 characters: an alternative of a token (`Draft.tokens`), or ' +
        'your own words.',
    }),
    ifRevision: t.int({ description: 'The `revision` of the text. If the draft has another one, nothing is started.' }),
    instruction: t.string({ description: 'What to do next. If absent, the text goes on. Requires `at`.' }),
    sampling: t.field({ type: SamplingInputType, description: 'How tokens are chosen.' }),
    form: t.field({
      type: VerseFormInputType,
      description: 'The form of what is written now. By default that of the text goes on.',
    }),
    alternatives: t.int({ description: alternativesDescription }),
    idempotencyKey: t.string({ description: keyDescription }),
  }),
});

const TextRangeInput = builder.inputType('TextRangeInput', {
  description: 'A part of a text. Positions are in characters (Unicode code points).',
  fields: (t) => ({
    start: t.int({ required: true, description: 'The position of its first character, from 0.' }),
    end: t.int({ required: true, description: 'The position after its last character.' }),
  }),
});

const RewriteDraftInput = builder.inputType('RewriteDraftInput', {
  description: 'The passage to write anew, or the place for a new one: either `range` or `insertAt`.',
  fields: (t) => ({
    draftId: t.id({ description: draftIdDescription }),
    newest: t.boolean({ description: newestDescription }),
    range: t.field({ type: TextRangeInput, description: 'The passage to write anew, at most 4,000 characters.' }),
    insertAt: t.int({ description: 'The position before which a new passage is to be inserted.' }),
    ifRevision: t.int({
      description:
        'The `revision` of the text. If it has another one, nothing is started. Required unless `newest` is meant.',
    }),
    instruction: t.string({ description: 'What to do, at most 8,000 characters.' }),
    tone: t.field({ type: RewriteToneType, description: 'How the passage is to sound.' }),
    sampling: t.field({ type: SamplingInputType, description: 'How tokens are chosen.' }),
    alternatives: t.int({ description: alternativesDescription }),
    idempotencyKey: t.string({ description: keyDescription }),
  }),
});

const ApplyRewriteInput = builder.inputType('ApplyRewriteInput', {
  description: 'The passage to put into its text.',
  fields: (t) => ({
    draftId: t.id({ description: 'The `id` of the draft that `rewriteDraft` started. Either this or `newest`.' }),
    newest: t.boolean({ description: "Whether the viewer's newest rewritten passage is meant." }),
    ifRevision: t.int({
      description: 'The `revision` of the text that was seen. If it has another one, nothing is changed.',
    }),
    idempotencyKey: t.string({
      description: 'A name for this change. Repeating it with the same input changes nothing.',
    }),
  }),
});

const branchErrors = [
  'InvalidInputError',
  'NotFoundError',
  'ConflictError',
  'RevisionConflictError',
  'OverloadedError',
  'QuotaExceededError',
  'ModelUnavailableError',
  'IdempotencyConflictError',
] as const;
const rewriteErrors = ['ForbiddenError', ...branchErrors] as const;
const applyErrors = [
  'InvalidInputError',
  'NotFoundError',
  'ForbiddenError',
  'ConflictError',
  'RevisionConflictError',
  'IdempotencyConflictError',
] as const;

builder.mutationFields((t) => ({
  branchDraft: t.field({
    type: resultType('BranchDraft', draftSuccess('BranchDraft', 'The draft has been queued.'), branchErrors),
    description:
      'Starts a draft from another one: anew, or from a position of its text on. The other one stays as it is.',
    args: { input: t.arg({ type: BranchDraftInput, required: true, description: 'Where to start from.' }) },
    resolve: (_, { input }, context) =>
      outcome(branchErrors, async () => ({ draft: await versions.branchDraft(given(input), context) })),
  }),
  rewriteDraft: t.field({
    type: resultType('RewriteDraft', draftSuccess('RewriteDraft', 'The passage has been queued.'), rewriteErrors),
    description:
      'Starts a draft that writes a passage of a text anew, or one for a place in it. Follow it with `draftEvents`, and ' +
      'put it into the text with `applyRewrite`.',
    args: { input: t.arg({ type: RewriteDraftInput, required: true, description: 'What to rewrite.' }) },
    resolve: (_, { input }, context) =>
      outcome(rewriteErrors, async () => ({ draft: await versions.rewriteDraft(given(input), context) })),
  }),
  applyRewrite: t.field({
    type: resultType(
      'ApplyRewrite',
      builder.objectRef<{ draft: Draft }>('ApplyRewriteSuccess').implement({
        description: 'The passage is in the text.',
        fields: (f) => ({
          draft: f.field({ type: DraftType, description: 'The text as it is now.', resolve: ({ draft }) => draft }),
        }),
      }),
      applyErrors,
    ),
    description:
      'Puts a rewritten passage into its text, where its place is now: later changes elsewhere in the text are kept. If ' +
      'the passage itself was changed, nothing is changed.',
    args: { input: t.arg({ type: ApplyRewriteInput, required: true, description: 'What to put into its text.' }) },
    resolve: (_, { input }, context) =>
      outcome(applyErrors, async () => ({ draft: await versions.applyRewrite(given(input), context) })),
  }),
}));
