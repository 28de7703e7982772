import type { ScoredToken } from '../../language/language.ts';
import { findUnexpectedWords } from '../../resolvers/language/unexpected-words.ts';
import { builder } from '../builder.ts';
import { TokenAlternativeType } from '../drafts/draft-events.ts';
import { FindingType } from '../report/finding.ts';

const BITS = 1 / Math.LN2;

const ScoredTokenType = builder.objectRef<ScoredToken>('ScoredToken').implement({
  description:
    'A token of a text as the model that writes reads it. Positions are in characters (Unicode code points).',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of its first character, from 0.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    text: t.exposeString('text', { description: "The token's text." }),
    logprob: t.exposeFloat('logprob', {
      description: "The natural log-probability in the model's own distribution, after what precedes it in the text.",
    }),
    bits: t.float({ description: 'The same in bits: its surprisal.', resolve: ({ logprob }) => -logprob * BITS }),
    alternatives: t.field({
      type: [TokenAlternativeType],
      description: 'The most likely other tokens in its place, most likely first.',
      resolve: ({ alternatives }) => alternatives,
    }),
  }),
});

const TextScoreType = builder.objectRef<{ tokens: readonly ScoredToken[] }>('TextScore').implement({
  description: 'How likely the model that writes texts finds one.',
  fields: (t) => ({
    tokens: t.field({
      type: [ScoredTokenType],
      description: "The text's tokens, in order and without gaps: at most 2,048.",
      resolve: ({ tokens }) => tokens,
    }),
    bits: t.float({
      description: 'The surprisal of the whole text, in bits.',
      resolve: ({ tokens }) => tokens.reduce((sum, { logprob }) => sum - logprob * BITS, 0),
    }),
  }),
});

builder.queryFields((t) => ({
  unexpectedWords: t.field({
    type: [FindingType],
    description:
      'Words of an English text that are spelled right and were probably meant to be others: where the model that writes ' +
      'finds a word that is easily confused with it, such as “from” for “form”, far likelier. At most 12, in the order of ' +
      'the text. It takes, counts and needs what `scoreText` does.',
    args: { text: t.arg.string({ required: true, description: 'The text, 1–4,000 characters.' }) },
    resolve: (_, { text }, context) => findUnexpectedWords(text, context),
  }),
  scoreText: t.field({
    type: TextScoreType,
    description:
      'How likely the model that writes texts finds each token of one. A text has the same numbers beside any others. It ' +
      'takes a place as a draft does (`OVERLOADED` without one, or beyond as many at once as one may have drafts), ' +
      'counts in tokens as a draft does (`QUOTA_EXCEEDED`), ends with the request, and needs the model ' +
      '(`MODEL_UNAVAILABLE`).',
    args: { text: t.arg.string({ required: true, description: 'The text, 1–4,000 characters.' }) },
    resolve: async (_, { text }, { scoring, viewer, lifetime }) => ({
      tokens: await scoring.score(viewer, text, lifetime.signal),
    }),
  }),
}));
