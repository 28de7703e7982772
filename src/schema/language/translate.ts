import type { TranslatedText } from '../../language/language.ts';
import { translate } from '../../resolvers/language/translating.ts';
import { builder } from '../builder.ts';

const GlossaryTermInput = builder.inputType('GlossaryTermInput', {
  description: 'How a word or name is to be translated.',
  fields: (t) => ({
    source: t.string({
      required: true,
      description: 'A word or phrase of the text, of 1 to 100 characters in one line. It is found in any case.',
    }),
    target: t.string({ required: true, description: 'What the translation has in its place, exactly as it is here.' }),
  }),
});

const TranslationType = builder.objectRef<TranslatedText>('Translation').implement({
  description: 'A text in another language.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The translation, line by line as the text is.' }),
    from: t.exposeString('from', { description: "The text's language, as it was given or detected." }),
    to: t.exposeString('to', { description: "The translation's language." }),
    confidence: t.exposeFloat('confidence', {
      description:
        "The geometric mean of the model's probabilities of its words, in (0, 1]; through English the product of both.",
    }),
    missedTerms: t.exposeStringList('missedTerms', {
      description: 'Terms of the glossary that the text has and the translation found no place for.',
    }),
  }),
});

builder.queryFields((t) => ({
  translate: t.field({
    type: [TranslationType],
    description:
      'Translations of texts, in their order; a text gets the same translation beside any others. Through English where no ' +
      'model has the pair, and an error that lists the pairs where that is not possible either. A model is fetched when it ' +
      'is first needed (`MODEL_UNAVAILABLE` until it is there).',
    args: {
      texts: t.arg.stringList({
        required: true,
        description: '1 to 50 texts of at most 4,000 characters, and 20,000 together.',
      }),
      to: t.arg.string({ required: true, description: 'The wanted language as an ISO 639-1 code, for example `pt`.' }),
      from: t.arg.string({ description: "The texts' language. Without it each text's own is detected." }),
      glossary: t.arg({
        type: [GlossaryTermInput],
        defaultValue: [],
        description: 'At most 100 terms that have a fixed translation.',
      }),
    },
    resolve: (_, { texts, to, from, glossary }, context) =>
      translate({ texts, to, from: from ?? null, glossary: glossary ?? [] }, context),
  }),
}));
