import type { Explanation, Reason, Recommendation, RecommendationPage } from '../recommend/recommender.ts';
import { existingTrack } from '../resolvers/catalogue.ts';
import { remainder, shownReasons } from '../resolvers/recommendations.ts';
import { builder } from './builder.ts';
import { listFields } from './connection.ts';
import { FeedbackKindType } from './feedback-kind.ts';
import { TrackType } from './track-refs.ts';

const LocaleType = builder.enumType('Locale', {
  description: 'Languages that explanations are worded in.',
  values: { EN: { description: 'English.' }, ZH: { description: 'Chinese.' } } as const,
});

export const localeArgs = builder.args((t) => ({
  locale: t.field({ type: LocaleType, defaultValue: 'EN', description: 'The language of the words.' }),
}));

const CounterfactualType = builder.objectRef<{ score: number; rank: number | null }>('Counterfactual').implement({
  description: 'The track in the ranking recomputed under another assumption.',
  fields: (t) => ({
    score: t.exposeFloat('score', { description: 'What it would score.' }),
    rank: t.exposeInt('rank', {
      nullable: true,
      description: 'Rank among all eligible tracks; null when it would no longer be eligible.',
    }),
  }),
});

const reasonTypes = {
  history: 'HistoryReason',
  preference: 'PreferenceReason',
  popularity: 'PopularityReason',
} as const;

const ReasonType = builder.interfaceRef<Reason>('Reason').implement({
  description: 'One additive part of a score.',
  fields: (t) => ({
    contribution: t.exposeFloat('contribution', { description: 'Signed share of the score.' }),
    summary: t.string({
      description: 'The reason in words.',
      args: localeArgs,
      resolve: (reason, { locale }) => reason.summary(locale ?? 'EN'),
    }),
    without: t.field({
      type: CounterfactualType,
      description: 'What would happen to this track if the reason did not hold.',
      resolve: (reason) => reason.without(),
    }),
  }),
  resolveType: (reason) => reasonTypes[reason.kind] as never,
});

builder.objectRef<Extract<Reason, { kind: 'history' }>>('HistoryReason').implement({
  description: 'Something that the listener did.',
  interfaces: [ReasonType],
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'What they did it with.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    feedback: t.field({ type: FeedbackKindType, description: 'What they did.', resolve: ({ feedback }) => feedback }),
    at: t.field({ type: 'DateTime', description: 'When, the last time.', resolve: ({ at }) => at }),
  }),
});

builder.objectRef<Extract<Reason, { kind: 'preference' }>>('PreferenceReason').implement({
  description: 'Something that the listener said, or asked for now.',
  interfaces: [ReasonType],
  fields: (t) => ({
    preference: t.exposeString('preference', {
      description: 'The stated preference, e.g. genre `jazz` or the words the listener wrote.',
    }),
  }),
});

builder.objectRef<Extract<Reason, { kind: 'popularity' }>>('PopularityReason').implement({
  description: 'What others listen to.',
  interfaces: [ReasonType],
  fields: (t) => ({
    listeners: t.exposeInt('listeners', {
      description: 'Listeners of the track who do not reject it: of the last 30 days, or of all time.',
    }),
    ofAllTime: t.exposeBoolean('ofAllTime', {
      description: 'True where too little was heard in the last 30 days: `listeners` are those of all time.',
    }),
  }),
});

export const ExplanationType = builder.objectRef<Explanation>('Explanation').implement({
  description:
    'Why a track scores as it does. Exact, not a story told afterwards: `score = baseline + Σ contribution` over all reasons, ' +
    'and each counterfactual is the ranking recomputed without that reason.',
  fields: (t) => ({
    summary: t.string({
      description: 'The main reasons in words.',
      args: localeArgs,
      resolve: (explanation, { locale }) => explanation.summary(locale ?? 'EN'),
    }),
    baseline: t.exposeFloat('baseline', { description: 'What every track starts from.' }),
    reasons: t.field({
      type: [ReasonType],
      description: 'Those that weigh most first, for or against.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'At most so many reasons: 1–100.' }) },
      resolve: (explanation, { first }) => shownReasons(explanation, first ?? 3),
    }),
    remainder: t.float({
      description: 'Sum of the contributions of the reasons not shown.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'As many reasons as are shown: 1–100.' }) },
      resolve: (explanation, { first }) => remainder(explanation, first ?? 3),
    }),
  }),
});

export const RecommendationType = builder.objectRef<Recommendation>('Recommendation').implement({
  description: 'A track in a list made for somebody.',
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'What is recommended.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    rank: t.exposeInt('rank', { description: '1-based position in this list, after diversification.' }),
    score: t.exposeFloat('score', {
      description: "Predicted affinity; equals `explanation.baseline` plus every reason's contribution.",
    }),
    scoreRank: t.exposeInt('scoreRank', {
      description:
        '1-based position by score alone among all eligible tracks. It differs from `rank` where diversity moved the track.',
    }),
    propensity: t.exposeFloat('propensity', {
      description:
        'The chance that the track had of this place, given those above it: 1 unless the server explores, that is, gives some ' +
        'places to a track drawn from the hundred best.',
    }),
    explanation: t.field({
      type: ExplanationType,
      description: 'Why it is here.',
      resolve: ({ explanation }) => explanation,
    }),
  }),
});

const fields = listFields<Recommendation>('Recommendation', RecommendationType);

export const RecommendationConnectionType = builder
  .objectRef<RecommendationPage>('RecommendationConnection')
  .implement({
    description: 'A page of a list made for somebody. Later pages come from the same list, whatever happens meanwhile.',
    fields: (t) => ({
      ...fields(t as never),
      requestId: t.exposeID('requestId', {
        description: 'Send it back with feedback, so that results can be attributed to this list.',
      }),
      modelVersion: t.exposeString('modelVersion', { description: 'The recommender version that produced the list.' }),
    }),
  });
