import type { RecommenderEvaluation, TrackExplanation } from '../recommend/recommender.ts';
import { existingTrack } from '../resolvers/catalogue.ts';
import { explanation, liveRecommendations, recommendations } from '../resolvers/recommendations.ts';
import { builder, filled, given } from './builder.ts';
import { TrackFilterInput } from './catalogue.ts';
import { pageArgs } from './connection.ts';
import {
  ExplanationType,
  localeArgs,
  RecommendationConnectionType,
  RecommendationType,
} from './recommendation-list.ts';
import { TrackType } from './track-refs.ts';

const ExclusionType = builder.enumType('Exclusion', {
  description: 'Why a track cannot be in the list, however it scores.',
  values: {
    HEARD: { description: 'The listener knows it, or another recording of the song.' },
    HIDDEN: { description: 'The listener disliked or hid it, or another recording of the song.' },
    EXPLICIT: { description: 'It is explicit, and the listener does not want that.' },
    FILTERED: { description: 'It does not meet the filter.' },
    AVOIDED_GENRE: { description: 'The listener avoids its genre.' },
    OTHER_VERSION: { description: 'Another recording of the song is in the list: one song has one place.' },
    WITHDRAWN: { description: 'It has been withdrawn from the catalogue.' },
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
    freshness: t.float({
      description: '0 (or left out): age does not matter; 1: new releases above all.',
    }),
  }),
});

const steeringArgs = builder.args((t) => ({
  context: t.field({ type: RecommendationContextInput, description: 'What is wanted now.' }),
  filter: t.field({ type: TrackFilterInput, description: 'What the tracks must meet.' }),
}));

const TrackExplanationType = builder.objectRef<TrackExplanation>('TrackExplanation').implement({
  description: 'Answers "why this?" and "why not this?" for any track in the catalogue.',
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'What was asked about.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    score: t.exposeFloat('score', { description: 'As in a list, excluded or not.' }),
    scoreRank: t.exposeInt('scoreRank', { nullable: true, description: 'Null when the track is excluded.' }),
    excludedBy: t.field({
      type: [ExclusionType],
      description: 'Why it cannot be in the list; empty when it can.',
      resolve: ({ excludedBy }) => excludedBy,
    }),
    otherVersion: t.field({
      type: TrackType,
      nullable: true,
      description:
        'The other recording of the song that the listener reacted to or that is in the list, where this one is excluded by it.',
      resolve: ({ otherVersionId }, _, context) =>
        otherVersionId === null ? null : existingTrack(otherVersionId, context),
    }),
    summary: t.string({
      description: 'Why it is not further up, in words: what rules it out, or what outweighs it.',
      args: localeArgs,
      resolve: (answer, { locale }) => answer.summary(locale ?? 'EN'),
    }),
    outweighedBy: t.field({
      type: [RecommendationType],
      description:
        'The tracks that score best, as far as they score above this one, each with its reasons; none when it is excluded.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'At most so many: 1–100.' }) },
      resolve: (answer, { first }) => answer.outweighedBy(first ?? 3),
    }),
    explanation: t.field({
      type: ExplanationType,
      description: 'What the score is made of.',
      resolve: (answer) => answer.explanation,
    }),
  }),
});

const RecommenderEvaluationType = builder.objectRef<RecommenderEvaluation>('RecommenderEvaluation').implement({
  description: 'One metric of one recommender version on a holdout, e.g. `NDCG@10`.',
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'What was measured.' }),
    dataset: t.exposeString('dataset', { description: 'What it was measured on.' }),
    protocol: t.exposeString('protocol', { description: 'How the holdout was chosen, e.g. `leave-last-out`.' }),
    metric: t.exposeString('metric', { description: 'E.g. `NDCG@10`.' }),
    value: t.exposeFloat('value', { description: 'What came out.' }),
    at: t.field({ type: 'DateTime', description: 'When it was measured.', resolve: ({ at }) => at }),
  }),
});

const DEFAULTS = { first: 20, diversity: 0.2, calibration: 0, notServedForHours: 0, includeHeard: false };

builder.queryFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description: "The viewer's recommendations.",
    args: {
      ...steeringArgs,
      diversity: t.arg.float({
        defaultValue: 0.2,
        description: '0: by score alone; 1: as varied as can be.',
      }),
      calibration: t.arg.float({
        defaultValue: 0,
        description: '0: whatever genres score best; 1: genres in the shares that the viewer hears them in.',
      }),
      maxPerArtist: t.arg.int({ description: 'At most so many tracks of an artist in the whole list: 1–100.' }),
      notServedForHours: t.arg.int({
        defaultValue: 0,
        description: "Leave out what was in the viewer's lists of so many hours: 0–720. Each such list is a new one.",
      }),
      includeHeard: t.arg.boolean({
        defaultValue: false,
        description: 'Tracks that the listener knows too.',
      }),
      ...pageArgs(20),
    },
    resolve: (_, args, context, info) => recommendations(filled(args, DEFAULTS), context, info),
  }),
  explanation: t.field({
    type: TrackExplanationType,
    nullable: true,
    description:
      'Why this track is where it is for the viewer, or why it is not in the list; null when there is no such track.',
    args: {
      trackId: t.arg.id({ required: true, description: 'The track that is asked about.' }),
      ...steeringArgs,
    },
    resolve: (_, args, context) => explanation(given(args), context),
  }),
  evaluations: t.field({
    type: [RecommenderEvaluationType],
    description: 'How well recommender versions did on data that they had not seen, newest first.',
    args: { first: t.arg.int({ defaultValue: 20, description: 'At most so many: 1–100.' }) },
    resolve: async (_, { first }, { recommender }) => recommender.evaluations(first ?? 20),
  }),
}));

builder.subscriptionFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description: "The viewer's recommendations, sent again whenever feedback, preferences or the model change them.",
    args: {
      ...steeringArgs,
      first: t.arg.int({ defaultValue: 10, description: 'How long the list is: 1–100.' }),
    },
    subscribe: (_, args, context) => liveRecommendations(filled(args, { first: 10 }), context),
    resolve: (list) => list,
  }),
}));
