import type { OnboardingQuestions } from '../../recommend/recommender.ts';
import * as onboarding from '../../resolvers/recommend/onboarding.ts';
import { builder, filled } from '../builder.ts';
import { pageArgs } from '../connection.ts';
import { ArtistType, TrackType } from '../track-refs.ts';
import { RecommendationConnectionType } from './recommendation-list.ts';

const firstArgs = builder.args((t) => ({
  first: t.int({ defaultValue: 10, description: 'Maximum number of items: 1–100.' }),
}));

const OnboardingType = builder.objectRef<OnboardingQuestions>('Onboarding').implement({
  description:
    'A beginning for a listener of whom little is known: a first list, and what to ask. A reaction to a track ' +
    '(`setReaction`) or a stated artist (`setPreferences`) changes all of it at once.',
  fields: (t) => ({
    recommendations: t.field({
      type: RecommendationConnectionType,
      description: 'A list that is spread over genres, with at most one track of an artist.',
      args: pageArgs(10),
      resolve: (_, args, context, info) => onboarding.firstList(filled(args, { first: 10 }), context, info),
    }),
    tracks: t.field({
      type: [TrackType],
      description: 'The tracks to which a reaction would tell most, the most telling first.',
      args: firstArgs,
      resolve: (questions, args, context) =>
        onboarding.tracksToAsk(questions, filled(args, { first: 10 }).first, context),
    }),
    artists: t.field({
      type: [ArtistType],
      description: 'The artists about whom an answer would tell most, the most telling first.',
      args: firstArgs,
      resolve: (questions, args, context) =>
        onboarding.artistsToAsk(questions, filled(args, { first: 10 }).first, context),
    }),
    coverage: t.exposeFloat('coverage', {
      description:
        'How much the answers so far tell, from 0 to 1: for each track of the catalogue, weighted by popularity, how ' +
        'much the most telling of them says about it.',
    }),
  }),
});

builder.queryFields((t) => ({
  onboarding: t.field({
    type: OnboardingType,
    description: 'A first list for the viewer, and the tracks and artists to ask about.',
    resolve: (_, __, context) => onboarding.beginOnboarding(context),
  }),
}));
