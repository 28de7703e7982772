import type { GraphQLResolveInfo } from 'graphql';
import type { Track } from '../catalogue/catalogue.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { checkFirst, type PageArgs } from '../lib/page.ts';
import type {
  Explanation,
  ListChange,
  Reason,
  RecommendationContext,
  RecommendationPage,
  RecommendationQuery,
  TrackExplanation,
} from '../recommend/recommender.ts';
import { toFilter, type TrackFilterArgs } from './catalogue.ts';
import type { Context } from './context.ts';
import { numberOf } from './global-id.ts';
import type { Loaders } from './loaders.ts';
import { selectsFields } from './selection.ts';

interface ContextArgs {
  seedTrackIds?: readonly string[] | null;
  text?: string | null;
  freshness?: number | null;
}

interface SteeringArgs {
  context?: ContextArgs | null;
  filter?: TrackFilterArgs | null;
}

export interface ListArgs extends SteeringArgs {
  first: number;
  diversity: number;
  calibration: number;
  maxPerArtist?: number | null;
  notServedForHours: number;
  includeHeard: boolean;
}

export async function recommendations(
  { first, after, ...asked }: ListArgs & PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<RecommendationPage> {
  await context.lifetime.turn();
  const page = { first, after: after ?? null };
  const list = await context.recommender.recommend(context.viewer.listener.id, toListQuery(asked), page);
  await context.lifetime.afterTurns();
  await prefetch(list, context, info);
  return list;
}

export async function similarTracks(
  trackId: number,
  page: PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<RecommendationPage> {
  await context.lifetime.turn();
  const list = await context.recommender.similar(trackId, page, context.viewer.listener.id);
  await context.lifetime.afterTurns();
  await prefetch(list, context, info);
  return list;
}

export async function versionsOf(
  track: Track,
  { first }: { first: number },
  { recommender, loaders }: Context,
): Promise<Track[]> {
  checkFirst(first);
  const ids = (await recommender.versionsOf(track.id)).slice(0, first);
  const found = await Promise.all(ids.map(async (id) => loaders.tracks.get(id)));
  return found.flatMap((version) => version ?? []);
}

/** Loads the list's tracks and the selected parts of them together, so that their fields need no promises. */
async function prefetch(list: RecommendationPage, { loaders }: Context, info: GraphQLResolveInfo): Promise<void> {
  const selected = selectsFields(info, ['track', 'artist', 'genres', 'tags']);
  if (!selected.has('track')) return;
  const ids = list.edges.map(({ node }) => node.trackId);
  const nothing = Promise.resolve();
  await Promise.all([
    selected.has('artist') ? prefetchArtists(ids, loaders) : loaders.tracks.prefetch(ids),
    selected.has('genres') ? loaders.genresOfTracks.prefetch(ids) : nothing,
    selected.has('tags') ? loaders.tagsOfTracks.prefetch(ids) : nothing,
  ]);
}

async function prefetchArtists(trackIds: readonly number[], { tracks, artists }: Loaders): Promise<void> {
  await tracks.prefetch(trackIds);
  const found = await Promise.all(trackIds.map(async (id) => tracks.get(id)));
  await artists.prefetch(found.flatMap((track) => (track ? [track.artistId] : [])));
}

export async function explanation(
  { trackId, ...steering }: SteeringArgs & { trackId: string },
  { recommender, viewer, lifetime }: Context,
): Promise<TrackExplanation | null> {
  await lifetime.turn();
  return recommender.explain(viewer.listener.id, numberOf('Track', trackId, 'trackId'), toQuery(steering));
}

export function liveRecommendations(
  { first, ...asked }: ListArgs,
  { recommender, viewer }: Context,
): AsyncIterableIterator<RecommendationPage> {
  return recommender.live(viewer.listener.id, toListQuery(asked), first);
}

export function recommendationChanges(
  { first, ...asked }: ListArgs,
  { recommender, viewer }: Context,
): AsyncIterableIterator<ListChange> {
  return recommender.changes(viewer.listener.id, toListQuery(asked), first);
}

export function shownReasons(explanation: Explanation, first: number): readonly Reason[] {
  return explanation.top(checkFirst(first));
}

/** The sum of the contributions beyond the first ones, so that what is shown still adds up. */
export function remainder(explanation: Explanation, first: number): number {
  return explanation.remainder(checkFirst(first));
}

function toListQuery({ context, filter, ...shaping }: Omit<ListArgs, 'first'>): RecommendationQuery {
  return { ...toQuery({ context: context ?? null, filter: filter ?? null }), ...shaping };
}

function toQuery({ context, filter }: SteeringArgs): Pick<RecommendationQuery, 'context' | 'filter'> {
  return { context: context ? toContext(context) : null, filter: toFilter(filter) };
}

function toContext({ seedTrackIds, text, freshness }: ContextArgs): RecommendationContext {
  if (seedTrackIds && seedTrackIds.length > 100) {
    throw new InvalidInputError('context.seedTrackIds may have at most 100 entries', 'context.seedTrackIds');
  }
  return {
    seedTrackIds: seedTrackIds?.map((id, i) => numberOf('Track', id, `context.seedTrackIds.${i}`)) ?? null,
    text: text ?? null,
    freshness: freshness ?? null,
  };
}
