import type { DetectedLanguage, TextHead, TextMood, WordContribution } from '../../language/language.ts';
import { classifyText, type TextClassification, type TextLabel } from '../../resolvers/language/language.ts';
import { builder, filled } from '../builder.ts';

const WordContributionType = builder.objectRef<WordContribution>('WordContribution').implement({
  description: "A word's part of a label's score.",
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The word, punctuation mark or ideograph as it is written.' }),
    from: t.exposeInt('from', { description: 'Where it begins, in code points from 0.' }),
    to: t.exposeInt('to', { description: 'Where it ends; the code point of this number does not belong to it.' }),
    contribution: t.exposeFloat('contribution', {
      description: "What it adds to the score. `bias` and all words' contributions add up to `score`.",
    }),
  }),
});

const TextLabelType = builder.objectRef<TextLabel>('TextLabel').implement({
  description: 'A label of a text, with its probability. Each label is answered for by itself.',
  fields: (t) => ({
    label: t.exposeString('label', { description: "The label's name, as it was in the training data." }),
    probability: t.exposeFloat('probability', {
      description: 'The calibrated probability that it is right, in [0, 1].',
    }),
    score: t.exposeFloat('score', { description: 'The natural logarithm of its odds.' }),
    bias: t.exposeFloat('bias', { description: 'The part of the score that is the same for all texts.' }),
    chosen: t.exposeBoolean('chosen', { description: "Whether the probability reaches the label's threshold." }),
    words: t.field({
      type: [WordContributionType],
      description: "The words' parts of the score, in the text's order.",
      resolve: (label, _, context) => label.words(context),
    }),
  }),
});

const TextClassificationType = builder.objectRef<TextClassification>('TextClassification').implement({
  description: 'What a classifier says of a text.',
  fields: (t) => ({
    classifier: t.exposeString('classifier', { description: "The classifier's name." }),
    version: t.exposeString('version', { description: 'Identifies its weights.' }),
    labels: t.field({
      type: [TextLabelType],
      description: 'All labels, the likeliest first: at most 100.',
      resolve: ({ labels }) => [...labels],
    }),
  }),
});

const MoodType = builder.objectRef<TextMood>('Mood').implement({
  description: "A text's mood as a point of Russell's circle.",
  fields: (t) => ({
    valence: t.exposeFloat('valence', { description: 'From unpleasant, −1, to pleasant, 1.' }),
    arousal: t.exposeFloat('arousal', { description: 'From calm, −1, to excited, 1.' }),
  }),
});

const SentimentType = builder.objectRef<{ score: number }>('Sentiment').implement({
  description: 'How positive a text is.',
  fields: (t) => ({
    score: t.exposeFloat('score', {
      description: 'The probability of a pleasant emotion less that of any unpleasant one: −1 to 1.',
    }),
  }),
});

const DetectedLanguageType = builder.objectRef<DetectedLanguage>('DetectedLanguage').implement({
  description: 'The language of a text.',
  fields: (t) => ({
    language: t.exposeString('language', {
      nullable: true,
      description: 'Its ISO 639-1 code, for example `en`. Null if the text has nothing to tell it by.',
    }),
    confidence: t.exposeFloat('confidence', {
      description: 'How well the text fits what is usual in the language, in [0, 1].',
    }),
    isReliable: t.exposeBoolean('isReliable', {
      description: 'Whether the text is long enough and no other language fits nearly as well.',
    }),
  }),
});

const TextEmbeddingType = builder.objectRef<{ embedding: Float32Array; tokens: number }>('TextEmbedding').implement({
  description: "A text's vector. Texts of similar meaning have similar vectors.",
  fields: (t) => ({
    vector: t.field({
      type: ['Float'],
      description: 'The vector, of length 1. The product of two is their similarity.',
      resolve: ({ embedding }) => [...embedding],
    }),
    tokens: t.exposeInt('tokens', { description: 'Number of tokens that were read.' }),
  }),
});

const TextClassifierType = builder.objectRef<TextHead>('TextClassifier').implement({
  description: 'A classifier of texts. `npm run train -- classifier` makes them.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name, for `classifyText`.' }),
    version: t.exposeString('version', { description: 'Identifies its weights.' }),
    labels: t.exposeStringList('labels', { description: 'Its labels.' }),
    macroF1: t.float({
      description: 'The mean of the labels’ F1 on texts that took no part in its training.',
      resolve: ({ dev }) => dev.macroF1,
    }),
    calibrationError: t.float({
      description: "The expected calibration error of the likeliest label's probability on the same texts.",
      resolve: ({ dev }) => dev.ece,
    }),
  }),
});

const described =
  'Answers come in the order of the texts, and a text gets the same answer beside any others. They need a model with the ' +
  'task EMBEDDING (`MODEL_UNAVAILABLE` without).';

builder.queryFields((t) => {
  const texts = t.arg.stringList({ required: true, description: '1 to 50 texts of at most 4,000 characters.' });
  return {
    classifyText: t.field({
      type: [TextClassificationType],
      description: `The labels of texts, with reasons that add up. ${described}`,
      args: {
        texts,
        classifier: t.arg.string({
          defaultValue: 'emotion',
          description: 'The name of a classifier: `emotion`, or one of your own.',
        }),
      },
      resolve: (_, args, context) => classifyText(filled(args, { classifier: 'emotion' }), context),
    }),
    sentiment: t.field({
      type: [SentimentType],
      description: `How positive texts are. ${described}`,
      args: { texts },
      resolve: async (_, args, { language, lifetime }) =>
        (await language.sentiments(args.texts, lifetime.signal)).map((score) => ({ score })),
    }),
    moodOf: t.field({
      type: [MoodType],
      description: `The moods of texts. ${described}`,
      args: { texts },
      resolve: async (_, args, { language, lifetime }) => [...(await language.moods(args.texts, lifetime.signal))],
    }),
    embed: t.field({
      type: [TextEmbeddingType],
      description: `The vectors of texts. ${described}`,
      args: { texts },
      resolve: async (_, args, { language, lifetime }) => [...(await language.embed(args.texts, lifetime.signal))],
    }),
    detectLanguage: t.field({
      type: [DetectedLanguageType],
      description: 'The languages of texts, in their order. It needs no model.',
      args: { texts },
      resolve: async (_, args, { language, lifetime }) => [...(await language.detect(args.texts, lifetime.signal))],
    }),
    textClassifiers: t.field({
      type: [TextClassifierType],
      description: 'The classifiers that `classifyText` knows, by name.',
      resolve: async (_, __, { language }) => [...(await language.classifiers())],
    }),
  };
});
