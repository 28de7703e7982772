import type { PendingSuggestion, TextDocument } from '../../documents/documents.ts';
import * as resolvers from '../../resolvers/documents.ts';
import {
  assistOfSuggestion,
  type SuggestedPart,
  type SuggestedText,
  suggestedTexts,
} from '../../resolvers/drafts/assists.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';
import { AssistType } from './assist.ts';
import { DocumentRangeInputType } from './assist-mutations.ts';
import { documentErrors, documentIdDescription, documentSuccess, DocumentType } from './document-refs.ts';

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

const SuggestedPartType = builder.objectRef<SuggestedPart>('SuggestedPart').implement({
  description: 'A part of a suggested text: a token of the model.',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'Its first UTF-16 code unit in the text, as Yjs counts, from 0.' }),
    end: t.exposeInt('end', { description: 'The one behind its last.' }),
    text: t.exposeString('text', { description: 'Its text.' }),
    probability: t.exposeFloat('probability', {
      description: "Its probability, 0–1, in the model's own distribution, rounded to four places.",
    }),
  }),
});

const SuggestedTextType = builder.objectRef<SuggestedText>('SuggestedText').implement({
  description: 'A text that a model suggests.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The text.' }),
    seed: t.exposeInt('seed', { description: 'The seed with which it was written.' }),
    parts: t.field({
      type: [SuggestedPartType],
      description: 'The parts of which the model had probabilities, in order, without white space at either end.',
      resolve: ({ parts }) => parts,
    }),
  }),
});

const DocumentSuggestionType = builder.objectRef<PendingSuggestion>('DocumentSuggestion').implement({
  description:
    'A change of a passage that somebody proposes. It is in the shared map `suggestions` of the document, so that whoever ' +
    'follows the document has it.',
  fields: (t) => ({
    id: t.id({ description: 'Its key in the map.', resolve: ({ id }) => id }),
    author: t.field({
      type: ListenerType,
      nullable: true,
      description: 'Who proposes it. Null once they were erased.',
      resolve: async ({ author }, _, { loaders }) => (await loaders.listeners.get(author)) ?? null,
    }),
    start: t.field({
      type: 'Base64',
      description: 'The position before the passage, as Yjs encodes one that stays where it is.',
      resolve: ({ start }) => bytesOf(start),
    }),
    end: t.field({
      type: 'Base64',
      description: 'The position behind it.',
      resolve: ({ end }) => bytesOf(end),
    }),
    passage: t.exposeString('passage', { description: "The passage's text when it was proposed. Empty for a place." }),
    alternatives: t.field({
      type: ['String'],
      description: 'What could be in its place, at most five texts. An empty one deletes it.',
      resolve: ({ alternatives }) => [...alternatives],
    }),
    assist: t.field({
      type: AssistType,
      nullable: true,
      description: 'By what a model suggests it. Null for what people suggest.',
      resolve: (suggestion, _, context) => assistOfSuggestion(suggestion, context),
    }),
    modelTexts: t.field({
      type: [SuggestedTextType],
      description: '`alternatives` with probabilities and seeds, if a model suggests them; otherwise empty.',
      resolve: (suggestion) => suggestedTexts(suggestion),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was proposed.',
      resolve: ({ at }) => new Date(at),
    }),
  }),
});

const SuggestInputType = builder.inputType('SuggestInput', {
  description: 'What to propose, and where.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    range: t.field({
      type: DocumentRangeInputType,
      required: true,
      description: 'The passage that is meant, at most 4,000 characters.',
    }),
    alternatives: t.stringList({
      required: true,
      description: 'What could be in its place: 1–5 texts of at most 4,000 characters.',
    }),
  }),
});

const decisionFields = {
  documentId: { required: true, description: documentIdDescription },
  suggestionId: { required: true, description: "The suggestion's `id`." },
} as const;

const AcceptSuggestionInputType = builder.inputType('AcceptSuggestionInput', {
  description: 'Which suggestion to accept.',
  fields: (t) => ({
    documentId: t.id(decisionFields.documentId),
    suggestionId: t.id(decisionFields.suggestionId),
    choice: t.int({ description: 'Which of its alternatives, from 0. By default the first.' }),
  }),
});

const RejectSuggestionInputType = builder.inputType('RejectSuggestionInput', {
  description: 'Which suggestion to reject.',
  fields: (t) => ({
    documentId: t.id(decisionFields.documentId),
    suggestionId: t.id(decisionFields.suggestionId),
  }),
});

const SuggestSuccess = builder.objectRef<{ suggestion: PendingSuggestion }>('SuggestSuccess').implement({
  description: 'Everybody who follows the document has the suggestion.',
  fields: (t) => ({
    suggestion: t.field({
      type: DocumentSuggestionType,
      description: 'The suggestion.',
      resolve: ({ suggestion }) => suggestion,
    }),
  }),
});

const suggestionErrors = [...documentErrors, 'OverloadedError'] as const;

builder.mutationFields((t) => ({
  suggest: t.field({
    type: resultType('Suggest', SuggestSuccess, suggestionErrors),
    description:
      'Proposes a change of a passage, which changes no text. It is withdrawn when all of its passage is deleted. A ' +
      'document has at most 200.',
    args: { input: t.arg({ type: SuggestInputType, required: true, description: 'What to propose, and where.' }) },
    resolve: (_, { input }, context) =>
      outcome(suggestionErrors, async () => ({ suggestion: await resolvers.suggestChange(input, context) })),
  }),
  acceptSuggestion: t.field({
    type: resultType(
      'AcceptSuggestion',
      documentSuccess('AcceptSuggestion', 'The passage was replaced.'),
      suggestionErrors,
    ),
    description:
      'Puts an alternative in the place of its passage, as one change. What others typed into the passage stays.',
    args: { input: t.arg({ type: AcceptSuggestionInputType, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) =>
      outcome(suggestionErrors, async () => ({ document: await resolvers.acceptSuggestion(given(input), context) })),
  }),
  rejectSuggestion: t.field({
    type: resultType(
      'RejectSuggestion',
      documentSuccess('RejectSuggestion', 'The suggestion is gone.'),
      suggestionErrors,
    ),
    description: 'Takes a suggestion away, as one change. The text stays as it is.',
    args: { input: t.arg({ type: RejectSuggestionInputType, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) =>
      outcome(suggestionErrors, async () => ({ document: await resolvers.rejectSuggestion(input, context) })),
  }),
}));

builder.objectFields(DocumentType, (t) => ({
  suggestions: t.field({
    type: [DocumentSuggestionType],
    description: 'What is suggested and not decided yet, at most 200, the oldest first.',
    resolve: (document: TextDocument, _, { documents }) => documents.suggestions(document),
  }),
}));
