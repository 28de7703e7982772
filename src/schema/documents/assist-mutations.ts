import type { Assist } from '../../assist/assist.ts';
import * as resolvers from '../../resolvers/drafts/assists.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { SamplingInputType } from '../drafts/draft-mutations.ts';
import { DraftKindType } from '../drafts/drafts.ts';
import { resultType } from '../errors.ts';
import { TuneSettingsInput } from '../tunes/tune-input.ts';
import { VerseFormInputType } from '../verse/verse-form.ts';
import { RewriteToneType } from '../versions/draft-tree.ts';
import { AssistModeType, AssistTaskType, AssistType } from './assist.ts';
import { documentErrors, documentIdDescription } from './document-refs.ts';

export const DocumentRangeInputType = builder.inputType('DocumentRangeInput', {
  description:
    "A part of a document's text, by positions that stay where they are while others write: " +
    '`Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, index))`. Equal positions are a place.',
  fields: (t) => ({
    start: t.field({ type: 'Base64', required: true, description: 'The position before its first character.' }),
    end: t.field({ type: 'Base64', required: true, description: 'The position behind its last character.' }),
  }),
});

const AssistInputType = builder.inputType('AssistInput', {
  description: 'What a model is to write, and where.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    range: t.field({
      type: DocumentRangeInputType,
      description: 'The part of the text that is meant, at most 4,000 characters. By default the end of the text.',
    }),
    task: t.field({ type: AssistTaskType, required: true, description: 'What to do. REWRITE needs a range.' }),
    mode: t.field({
      type: AssistModeType,
      description: 'WRITE, the default, is for editors; SUGGEST also for suggesters.',
    }),
    alternatives: t.int({
      description:
        'Number of texts to suggest, 1–5, by default 1. They differ in their seeds, as in `StartDraftInput`. For the ' +
        'mode SUGGEST only.',
    }),
    instruction: t.string({ description: 'What is wanted, in words: 1–8,000 characters.' }),
    tone: t.field({ type: RewriteToneType, description: 'How it is to sound.' }),
    kind: t.field({ type: DraftKindType, description: 'The kind of text: STORY by default, TUNE for the task TUNE.' }),
    modelId: t.id({ description: 'The `id` of a model. By default the model for this kind.' }),
    sampling: t.field({ type: SamplingInputType, description: 'How tokens are chosen.' }),
    form: t.field({ type: VerseFormInputType, description: 'The form of verse that is kept. By default none.' }),
    tune: t.field({ type: TuneSettingsInput, description: 'What the tune is to be. For the task TUNE only.' }),
    idempotencyKey: t.string({
      description:
        'A name for this request. Repeating it with the same input returns the first assist and starts nothing.',
    }),
  }),
});

const assistSuccess = (name: string, description: string) =>
  builder.objectRef<{ assist: Assist }>(`${name}Success`).implement({
    description,
    fields: (t) => ({
      assist: t.field({ type: AssistType, description: 'The assist as it is now.', resolve: ({ assist }) => assist }),
    }),
  });

const startErrors = [
  ...documentErrors,
  'OverloadedError',
  'ModelUnavailableError',
  'IdempotencyConflictError',
  'QuotaExceededError',
] as const;
const endErrors = [...documentErrors, 'OverloadedError'] as const;
const idArg = { required: true, description: "The assist's `id`." } as const;

builder.mutationFields((t) => ({
  assist: t.field({
    type: resultType('Assist', assistSuccess('Assist', 'The model writes, or waits for its turn.'), startErrors),
    description:
      'Lets a model write into a document while others edit it. Each whole word is a change that everybody gets, and ' +
      'the word that it writes is shown by `documentPresence` as `assist.tail`. In the mode SUGGEST no text changes: ' +
      'its last word makes a suggestion, whose `id` stands for the same as that of the assist. It needs a place as a ' +
      'draft does.',
    args: { input: t.arg({ type: AssistInputType, required: true, description: 'What to write, and where.' }) },
    resolve: (_, { input }, context) =>
      outcome(startErrors, async () => ({ assist: await resolvers.beginAssist(given(input), context) })),
  }),
  cancelAssist: t.field({
    type: resultType('CancelAssist', assistSuccess('CancelAssist', 'The model writes no further.'), endErrors),
    description:
      'Ends the writing within one token. What is written stays, unless a passage was to be written anew: that stays ' +
      'as it was.',
    args: { id: t.arg.id(idArg) },
    resolve: (_, { id }, context) =>
      outcome(endErrors, async () => ({ assist: await resolvers.cancelAssist(id, context) })),
  }),
  undoAssist: t.field({
    type: resultType('UndoAssist', assistSuccess('UndoAssist', 'What the model did was taken back.'), endErrors),
    description:
      'Takes back what a model has written into a document, and nothing else: what others have written in between ' +
      'stays, and a passage that was written anew is put back. A suggestion is withdrawn, or taken back if it was ' +
      'accepted.',
    args: { id: t.arg.id(idArg) },
    resolve: (_, { id }, context) =>
      outcome(endErrors, async () => ({ assist: await resolvers.undoAssist(id, context) })),
  }),
}));
