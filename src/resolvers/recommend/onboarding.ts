import type { GraphQLResolveInfo } from 'graphql';
import type { Artist, Track } from '../../catalogue/catalogue.ts';
import type { PageArgs } from '../../lib/page.ts';
import type { OnboardingQuestions, RecommendationPage } from '../../recommend/recommender.ts';
import { artistsById, existingTrack } from '../catalogue.ts';
import type { Context } from '../context.ts';
import { recommendations } from './recommendations.ts';

/** How a list is spread before much is known: difference counts more than score, and no artist twice. */
const SPREAD = { diversity: 0.6, calibration: 0, maxPerArtist: 1, notServedForHours: 0, includeHeard: false };

export async function beginOnboarding({ recommender, viewer, lifetime }: Context): Promise<OnboardingQuestions> {
  await lifetime.turn();
  return recommender.onboarding(viewer.listener.id);
}

export function firstList(page: PageArgs, context: Context, info: GraphQLResolveInfo): Promise<RecommendationPage> {
  return recommendations({ ...SPREAD, ...page }, context, info);
}

export function tracksToAsk(questions: OnboardingQuestions, first: number, context: Context): Promise<Track[]> {
  return Promise.all(questions.tracks(first).map(async (id) => existingTrack(id, context)));
}

export function artistsToAsk(questions: OnboardingQuestions, first: number, context: Context): Promise<Artist[]> {
  return artistsById(questions.artists(first), context);
}
