import type { RecommenderEvaluation, TrackExplanation } from '../recommend/recommender.ts';
import { existingTrack } from '../resolvers/catalogue.ts';
import { refreshLoaders } from '../resolvers/context.ts';
import { explanation, liveRecommendations, recommendations } from '../resolvers/recommendations.ts';
import { checkFirst } from '../lib/page.ts';
import { builder, filled, given } from './builder.ts';
import { TrackFilterInput } from './catalogue.ts';
import { ExplanationType, RecommendationConnectionType } from './recommendation-list.ts';
import { TrackType } from './track-refs.ts';

const ExclusionType = builder.enumType('Exclusion', {
  description: 'Why a track cannot be in the list, however it scores.',
  values: {
    HEARD: { description: 'The listener knows it.' },
    HIDDEN: { description: 'The listener hid it.' },
    EXPLICIT: { description: 'It is explicit, and the listener does not want that.' },
    FILTERED: { description: 'It does not meet the filter.' },
    AVOIDED_GENRE: { description: 'The listener avoids its genre.' },
  } as const,
});

const RecommendationContextInput = builder.inputType('RecommendationContext', {
  description: 'What is wanted now, for this request only.',
  fields: (t) => ({
    seedTrackIds: t.idList({ description: 'Steer towards these tracks for this request only.' }),
    text: t.string({
      description:
        'Words describing what is wanted now, e.g. "slow piano jazz"; matched against genres, tags, artists and titles.',
    }),
  }),
});

const TrackExplanationType = builder.objectRef<TrackExplanation>('TrackExplanation').implement({
  description: 'Answers "why this?" and "why not this?" for any track in the catalogue.',
  fields: (t) => ({
    track: t.field({ type: TrackType, resolve: ({ trackId }, _, context) => existingTrack(trackId, context) }),
    score: t.exposeFloat('score'),
    scoreRank: t.exposeInt('scoreRank', { nullable: true, description: 'Null when the track is excluded.' }),
    excludedBy: t.field({ type: [ExclusionType], resolve: ({ excludedBy }) => excludedBy }),
    explanation: t.field({ type: ExplanationType, resolve: (answer) => answer.explanation }),
  }),
});

const RecommenderEvaluationType = builder.objectRef<RecommenderEvaluation>('RecommenderEvaluation').implement({
  description: 'One metric of one recommender version on a holdout, e.g. `NDCG@10`.',
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion'),
    dataset: t.exposeString('dataset'),
    protocol: t.exposeString('protocol'),
    metric: t.exposeString('metric'),
    value: t.exposeFloat('value'),
    at: t.field({ type: 'DateTime', resolve: ({ at }) => at }),
  }),
});

builder.queryFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description: "The viewer's recommendations.",
    args: {
      context: t.arg({ type: RecommendationContextInput }),
      filter: t.arg({ type: TrackFilterInput }),
      diversity: t.arg.float({
        defaultValue: 0.2,
        description: '0: by score alone; 1: as varied as can be.',
      }),
      includeHeard: t.arg.boolean({
        defaultValue: false,
        description: 'Tracks that the listener knows too.',
      }),
      first: t.arg.int({ defaultValue: 20 }),
      after: t.arg.string(),
    },
    resolve: (_, args, context, info) =>
      recommendations(filled(args, { first: 20, diversity: 0.2, includeHeard: false }), context, info),
  }),
  explanation: t.field({
    type: TrackExplanationType,
    nullable: true,
    description:
      'Why this track is where it is for the viewer, or why it is not in the list; null when there is no such track.',
    args: {
      trackId: t.arg.id({ required: true }),
      context: t.arg({ type: RecommendationContextInput }),
      filter: t.arg({ type: TrackFilterInput }),
    },
    resolve: (_, args, context) => explanation(given(args), context),
  }),
  evaluations: t.field({
    type: [RecommenderEvaluationType],
    description: 'How well recommender versions did on data that they had not seen, newest first.',
    args: { first: t.arg.int({ defaultValue: 20 }) },
    resolve: async (_, { first }, { recommender }) => recommender.evaluations(checkFirst(first ?? 20)),
  }),
}));

builder.subscriptionFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description: "The viewer's recommendations, sent again whenever feedback, preferences or the model change them.",
    args: {
      context: t.arg({ type: RecommendationContextInput }),
      filter: t.arg({ type: TrackFilterInput }),
      first: t.arg.int({ defaultValue: 10 }),
    },
    subscribe: (_, args, context) => liveRecommendations(filled(args, { first: 10 }), context),
    resolve: (list, _, context) => {
      refreshLoaders(context);
      return list;
    },
  }),
}));
