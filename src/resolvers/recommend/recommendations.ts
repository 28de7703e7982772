import type { GraphQLResolveInfo } from 'graphql';
import type { Track } from '../../catalogue/catalogue.ts';
import { checkFirst, type PageArgs } from '../../lib/page.ts';
import { checkLength } from '../../lib/text/check-text.ts';
import type {
  Explanation,
  GroupRecommendation,
  GroupStrategy,
  ListChange,
  Reason,
  RecommendationContext,
  RecommendationPage,
  RecommendationQuery,
  TrackExplanation,
} from '../../recommend/recommender.ts';
import { nearestMoodWords } from '../../tunes/tunes.ts';
import { toFilter, type TrackFilterArgs } from '../catalogue.ts';
import type { Context } from '../context.ts';
import { numberOf } from '../global-id.ts';
import { moodOfDraft } from '../language/moods.ts';
import type { Loaders } from '../loaders.ts';
import { selectsFields } from '../selection.ts';

interface ContextArgs {
  seedTrackIds?: readonly string[] | null;
  unlikeTrackIds?: readonly string[] | null;
  session?: readonly string[] | null;
  text?: string | null;
  freshness?: number | null;
  moodOf?: string | null;
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
  const list = await context.recommender.recommend(
    context.viewer.listener.id,
    await toListQuery(asked, context),
    page,
    context.viewer,
  );
  await context.lifetime.afterTurns();
  await prefetch(list, context, info);
  return list;
}

export interface RadioArgs extends SteeringArgs {
  first: number;
  diversity: number;
  includeHeard: boolean;
}

export async function radio(
  { first, after, ...asked }: RadioArgs & PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<RecommendationPage> {
  const { lifetime, recommender, viewer } = context;
  await lifetime.turn();
  const { diversity, includeHeard, ...steering } = asked;
  const query = { ...(await toQuery(steering, context)), diversity, includeHeard };
  const part = await recommender.radio(viewer.listener.id, query, { first, after: after ?? null }, viewer);
  await lifetime.afterTurns();
  await prefetch(part, context, info);
  return part;
}

export interface GroupArgs {
  listenerIds: readonly string[];
  strategy: GroupStrategy;
  filter?: TrackFilterArgs | null;
  includeHeard: boolean;
  first: number;
}

export async function groupRecommendations(
  { listenerIds, strategy, filter, includeHeard, first }: GroupArgs,
  context: Context,
): Promise<GroupRecommendation[]> {
  await context.lifetime.turn();
  const ids = checkLength(listenerIds, 'listenerIds', 20).map((id, i) => numberOf('Listener', id, `listenerIds.${i}`));
  const group = { listenerIds: ids, strategy, filter: toFilter(filter), includeHeard };
  const found = await context.recommender.forGroup(group, first);
  await context.lifetime.afterTurns();
  return found;
}

export async function similarTracks(
  trackId: number,
  page: PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<RecommendationPage> {
  await context.lifetime.turn();
  const list = await context.recommender.similar(trackId, page, context.viewer.listener.id, context.viewer);
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
  context: Context,
): Promise<TrackExplanation | null> {
  const { recommender, viewer, lifetime } = context;
  await lifetime.turn();
  const track = numberOf('Track', trackId, 'trackId');
  return recommender.explain(viewer.listener.id, track, await toQuery(steering, context));
}

export async function liveRecommendations(
  { first, ...asked }: ListArgs,
  context: Context,
): Promise<AsyncIterableIterator<RecommendationPage>> {
  const { recommender, viewer } = context;
  return recommender.live(viewer.listener.id, await toListQuery(asked, context), first, undefined, viewer);
}

export async function recommendationChanges(
  { first, ...asked }: ListArgs,
  context: Context,
): Promise<AsyncIterableIterator<ListChange>> {
  const { recommender, viewer } = context;
  return recommender.changes(viewer.listener.id, await toListQuery(asked, context), first);
}

export function shownReasons(explanation: Explanation, first: number): readonly Reason[] {
  return explanation.top(checkFirst(first));
}

/** The sum of the contributions beyond the first ones, so that what is shown still adds up. */
export function remainder(explanation: Explanation, first: number): number {
  return explanation.remainder(checkFirst(first));
}

async function toListQuery(
  { context: wanted, filter, ...shaping }: Omit<ListArgs, 'first'>,
  context: Context,
): Promise<RecommendationQuery> {
  const steering = await toQuery({ context: wanted ?? null, filter: filter ?? null }, context);
  return { ...steering, ...shaping };
}

async function toQuery(
  { context: wanted, filter }: SteeringArgs,
  context: Context,
): Promise<Pick<RecommendationQuery, 'context' | 'filter'>> {
  return { context: wanted ? await toContext(wanted, context) : null, filter: toFilter(filter) };
}

async function toContext(
  { seedTrackIds, unlikeTrackIds, session, text, freshness, moodOf }: ContextArgs,
  context: Context,
): Promise<RecommendationContext> {
  return {
    seedTrackIds: tracksOf(seedTrackIds, 'seedTrackIds'),
    unlikeTrackIds: tracksOf(unlikeTrackIds, 'unlikeTrackIds'),
    session: tracksOf(session, 'session'),
    text: text ?? null,
    freshness: freshness ?? null,
    mood: moodOf == null ? null : await moodWords(moodOf, context),
  };
}

function tracksOf(ids: readonly string[] | null | undefined, name: string): number[] | null {
  if (!ids) return null;
  const field = `context.${name}`;
  return checkLength(ids, field, 100).map((id, i) => numberOf('Track', id, `${field}.${i}`));
}

/** A draft's mood in the words that tunes know moods by, and as numbers. */
async function moodWords(draft: string, context: Context): Promise<NonNullable<RecommendationContext['mood']>> {
  const mood = await moodOfDraft(draft, 'context.moodOf', context);
  // The axes of a mood go from −1 to 1, those of a track's numbers from 0 to 1.
  const feel = { valence: (mood.valence + 1) / 2, energy: (mood.arousal + 1) / 2 };
  return { draftId: mood.draft.id, words: nearestMoodWords(mood, 2).join(' '), feel };
}
