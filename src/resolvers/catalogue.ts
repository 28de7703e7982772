import {
  type Album,
  type Artist,
  type ArtistRole,
  type CatalogueFilter,
  type Cover,
  coverAddress,
  type Credit,
  type Direction,
  type Genre,
  type MetadataKey,
  type Tag,
  type Track,
  type TrackDetails,
  type TrackFilter,
  type TrackInput,
  type TrackOrder,
  type TrackSearch,
  type UpsertCounts,
  type WithdrawCounts,
} from '../catalogue/catalogue.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { checkFirst, type Page, type PageArgs } from '../lib/page.ts';
import { checkLength, checkRange, checkText } from '../lib/text/check-text.ts';
import { MOST_MEANING } from '../recommend/recommender.ts';
import type { Context } from './context.ts';
import { asSentIn, numberOf } from './global-id.ts';

/** The filter with global ids, as GraphQL passes it. */
export interface TrackFilterArgs extends Omit<TrackFilter, 'artistIds' | 'excludeArtistIds' | 'excludeTrackIds'> {
  artistIds?: readonly string[] | null;
  excludeArtistIds?: readonly string[] | null;
  excludeTrackIds?: readonly string[] | null;
}

export function toFilter(filter: TrackFilterArgs | null | undefined): TrackFilter | null {
  if (!filter) return null;
  const { artistIds, excludeArtistIds, excludeTrackIds, ...rest } = filter;
  const ids = (type: 'Artist' | 'Track', list: readonly string[] | null | undefined, field: string) =>
    list && list.map((id, i) => numberOf(type, id, `filter.${field}.${i}`));
  return {
    ...rest,
    artistIds: ids('Artist', artistIds, 'artistIds') ?? null,
    excludeArtistIds: ids('Artist', excludeArtistIds, 'excludeArtistIds') ?? null,
    excludeTrackIds: ids('Track', excludeTrackIds, 'excludeTrackIds') ?? null,
  };
}

interface CatalogueFilterArgs extends TrackFilterArgs {
  albumIds?: readonly string[] | null;
  isrcs?: readonly string[] | null;
  tags?: readonly string[] | null;
  metadata?: CatalogueFilter['metadata'];
}

function toCatalogueFilter(filter: CatalogueFilterArgs | null | undefined): CatalogueFilter | null {
  if (!filter) return null;
  const { albumIds, isrcs, tags, metadata, ...rest } = filter;
  return {
    ...toFilter(rest),
    albumIds: albumIds?.map((id, i) => numberOf('Album', id, `filter.albumIds.${i}`)) ?? null,
    ...{ isrcs: isrcs ?? null, tags: tags ?? null, metadata: metadata ?? null },
  };
}

export interface TracksArgs extends PageArgs {
  meaning?: string | null;
  search?: string | null;
  filter?: CatalogueFilterArgs | null;
  orderBy: TrackOrder;
  direction?: Direction | null;
}

export async function searchTracks({ filter, meaning, ...args }: TracksArgs, context: Context): Promise<Page<Track>> {
  const search = { ...args, filter: toCatalogueFilter(filter) };
  if (meaning != null) return tracksByMeaning({ ...search, meaning }, context);
  return context.catalogue.searchTracks(search, context.lifetime.signal);
}

async function tracksByMeaning(
  { meaning, search, filter, orderBy, ...page }: TrackSearch & { meaning: string },
  { catalogue, recommender, loaders, lifetime }: Context,
): Promise<Page<Track>> {
  checkText(meaning, 'meaning', { max: MOST_MEANING });
  if (orderBy !== 'RELEVANCE')
    throw new InvalidInputError(`orderBy must be RELEVANCE with meaning, not ${orderBy}`, 'orderBy');
  checkFirst(page.first);
  const narrowed = { search: search ?? null, filter: filter ?? null };
  const isNarrowed = narrowed.search !== null || narrowed.filter !== null;
  const among = isNarrowed ? new Set(await catalogue.matchingTracks(narrowed, lifetime.signal)) : null;
  const found = await recommender.tracksByMeaning({ ...page, meaning, among });
  const edges = await Promise.all(
    found.edges.map(async ({ cursor, node }) => ({ cursor, node: await existingTrack(node, { loaders }) })),
  );
  return { ...found, edges };
}

export function trackById(id: string, { loaders }: Context) {
  return loaders.tracks.get(numberOf('Track', id, 'id'));
}

export function artistById(id: string, { loaders }: Context) {
  return loaders.artists.get(numberOf('Artist', id, 'id'));
}

export function albumById(id: string, { loaders }: Context) {
  return loaders.albums.get(numberOf('Album', id, 'id'));
}

/** In the order requested; null for a track that does not exist. */
export async function tracksByExternalId(
  externalIds: readonly string[],
  { catalogue }: Context,
): Promise<(Track | null)[]> {
  const found = await catalogue.tracksByExternalId(checkLength(externalIds, 'externalIds', 100));
  return externalIds.map((externalId) => found.get(externalId) ?? null);
}

/** A track that something refers to, and which therefore exists. */
export function existingTrack(id: number, { loaders }: Pick<Context, 'loaders'>): Track | Promise<Track> {
  return need(loaders.tracks.get(id), `track ${id}`);
}

export function artistOf(track: Track, { loaders }: Context): Artist | Promise<Artist> {
  return need(loaders.artists.get(track.artistId), `artist ${track.artistId}`);
}

export function artistsById(ids: readonly number[], { loaders }: Context): Promise<Artist[]> {
  return Promise.all(ids.map(async (id) => need(loaders.artists.get(id), `artist ${id}`)));
}

export function albumOf({ albumId }: Track, { loaders }: Context): Album | null | Promise<Album> {
  return albumId === null ? null : need(loaders.albums.get(albumId), `album ${albumId}`);
}

/** A track's artists in these roles, or in all. */
export async function creditsOf(
  track: Track,
  roles: readonly ArtistRole[] | null,
  { loaders }: Context,
): Promise<readonly Credit[]> {
  const credits = (await loaders.creditsOfTracks.get(track.id)) ?? [];
  return credits.filter(({ role }) => roles === null || roles.includes(role));
}

/** What of a track is read only when it is asked for. */
export async function detailsOf(track: Track, { loaders }: Context): Promise<TrackDetails> {
  return (await loaders.detailsOfTracks.get(track.id)) ?? noDetails;
}

const noDetails: TrackDetails = { isrc: null, covers: [], previewUrl: null, externalUrls: [], metadata: {} };

/** The track's own picture, otherwise its album's. */
export async function coverOfTrack(track: Track, { size }: { size: number }, context: Context): Promise<string | null> {
  // At once, so that the albums are loaded together with those of other fields.
  const [{ covers }, album] = await Promise.all([detailsOf(track, context), albumOf(track, context)]);
  return coverOf(covers.length > 0 ? covers : (album?.covers ?? []), size);
}

export function coverOf(covers: readonly Cover[], size: number): string | null {
  return coverAddress(covers, checkRange(size, 'size', 1, 10_000));
}

export async function metadataOf(
  track: Track,
  { keys }: { keys?: readonly string[] | null },
  context: Context,
): Promise<TrackDetails['metadata']> {
  const { metadata } = await detailsOf(track, context);
  if (!keys) return metadata;
  const asked = new Set(checkLength(keys, 'keys', 50));
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => asked.has(key)));
}

export async function trackCount(of: 'artist' | 'album' | 'tag', id: number, { loaders }: Context): Promise<number> {
  return (await loaders.trackCounts[of].get(id)) ?? 0;
}

export function genresOfTrack(track: Track, { loaders }: Context): readonly Genre[] | Promise<readonly Genre[]> {
  return orNone(loaders.genresOfTracks.get(track.id));
}

export function genresOfArtist(artist: Artist, { loaders }: Context): readonly Genre[] | Promise<readonly Genre[]> {
  return orNone(loaders.genresOfArtists.get(artist.id));
}

export function tagsOfTrack(
  track: Track,
  { first }: { first: number },
  { loaders }: Context,
): readonly Tag[] | Promise<readonly Tag[]> {
  checkFirst(first);
  const tags = orNone(loaders.tagsOfTracks.get(track.id));
  return tags instanceof Promise ? tags.then((all) => all.slice(0, first)) : tags.slice(0, first);
}

export async function upsertTracks(input: readonly TrackInput[], context: Context): Promise<UpsertCounts> {
  const counts = await context.catalogue.upsertTracks(input);
  // Who has sent tracks finds them in the lists of this node.
  if (counts.created + counts.updated > 0) await context.recommender.upToDate();
  return counts;
}

export interface WithdrawTracksArgs {
  externalIds?: readonly string[] | null;
  ids?: readonly string[] | null;
}

export async function withdrawTracks(input: WithdrawTracksArgs, context: Context): Promise<WithdrawCounts> {
  const { externalIds = [] } = input;
  const ids = checkLength(input.ids ?? [], 'input.ids', 1_000);
  const numbers = ids.map((id, i) => numberOf('Track', id, `input.ids.${i}`));
  return asSentIn({ input }, () => context.catalogue.withdrawTracks({ externalIds, ids: numbers }));
}

export function declareMetadataKeys(keys: readonly MetadataKey[], context: Context): Promise<MetadataKey[]> {
  return context.catalogue.declareMetadataKeys(keys);
}

export function removeMetadataKey(name: string, context: Context): Promise<MetadataKey[]> {
  return context.catalogue.removeMetadataKey(name);
}

function orNone<Item>(
  list: readonly Item[] | undefined | Promise<readonly Item[] | undefined>,
): readonly Item[] | Promise<readonly Item[]> {
  return list instanceof Promise ? list.then((items) => items ?? []) : (list ?? []);
}

/** A value that must exist. If it is missing, that is a defect. */
export function need<Value>(
  value: Value | undefined | Promise<Value | undefined>,
  what: string,
): Value | Promise<Value> {
  if (value instanceof Promise) return value.then((settled) => need(settled, what));
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
}
