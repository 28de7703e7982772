import type { LogitBias, Sampling } from '../../ml/engine.ts';
import { builder } from '../builder.ts';

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
