import {
  and,
  asc,
  count,
  desc,
  eq,
  exists,
  gte,
  inArray,
  isNotNull,
  isNull,
  lte,
  notExists,
  notInArray,
  type SQL,
  sql,
} from 'drizzle-orm';
import { keyPart } from '../../lib/page.ts';
import type { TermQuery } from '../../lib/text/search-terms.ts';
import type { Queryable } from '../client.ts';
import { onlyRow } from '../only-row.ts';
import {
  artists,
  genres,
  tags,
  trackArtists,
  trackDetails,
  trackGenres,
  tracks,
  trackTags,
  trackTexts,
} from '../tables.ts';
import { termWeights, tsquery } from '../term-vectors.ts';
import { metadataCondition, type MetadataMatch } from './metadata-queries.ts';
import { afterKey, directed, type SortKey } from './sort-keys.ts';

export const trackRowColumns = {
  id: tracks.id,
  externalId: tracks.externalId,
  title: tracks.title,
  artistId: tracks.artistId,
  albumId: tracks.albumId,
  discNumber: tracks.discNumber,
  trackNumber: tracks.trackNumber,
  releaseYear: tracks.releaseYear,
  durationMs: tracks.durationMs,
  explicit: tracks.explicit,
  popularity: tracks.popularity,
  withdrawnAt: tracks.withdrawnAt,
  addedAt: tracks.createdAt,
};

/** Whose a track is, where rules speak of its artists. */
const isMain = eq(trackArtists.role, 'MAIN');

/** What lists and searches include. */
export const isOffered = isNull(tracks.withdrawnAt);

export interface TrackRow {
  id: number;
  externalId: string;
  title: string;
  artistId: number;
  albumId: number | null;
  discNumber: number | null;
  trackNumber: number | null;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  popularity: number;
  withdrawnAt: Date | null;
  addedAt: Date;
}

export function selectTracks(db: Queryable, ids: readonly number[]): Promise<TrackRow[]> {
  return db
    .select(trackRowColumns)
    .from(tracks)
    .where(inArray(tracks.id, [...ids]));
}

export function selectTracksByExternalId(db: Queryable, externalIds: readonly string[]): Promise<TrackRow[]> {
  return db
    .select(trackRowColumns)
    .from(tracks)
    .where(inArray(tracks.externalId, [...externalIds]));
}

export function selectArtists(db: Queryable, ids: readonly number[]): Promise<{ id: number; name: string }[]> {
  return db
    .select({ id: artists.id, name: artists.name })
    .from(artists)
    .where(inArray(artists.id, [...ids]));
}

export interface GenreRow {
  id: number;
  slug: string;
  name: string;
  trackCount: number;
}

// Withdrawn tracks are few and have their own index, so that available tracks need not be checked one by one.
const trackCount = sql<number>`((select count(*) from ${trackGenres} counted where counted.genre_id = genres.id)
  - (select count(*) from ${tracks} gone join ${trackGenres} counted on counted.track_id = gone.id
    where gone.withdrawn_at is not null and counted.genre_id = genres.id))::int`;
const genreColumns = { id: genres.id, slug: genres.slug, name: genres.name, trackCount };

export function selectGenres(db: Queryable, slugs?: readonly string[]): Promise<GenreRow[]> {
  return db
    .select(genreColumns)
    .from(genres)
    .where(slugs && inArray(genres.slug, [...slugs]))
    .orderBy(asc(genres.name), asc(genres.id));
}

/** Those of these slugs that are a genre's. */
export async function selectSlugs(db: Queryable, slugs: readonly string[]): Promise<string[]> {
  const rows = await db
    .select({ slug: genres.slug })
    .from(genres)
    .where(inArray(genres.slug, [...new Set(slugs)]));
  return rows.map(({ slug }) => slug);
}

export function selectGenresOfTracks(db: Queryable, ids: readonly number[]): Promise<(GenreRow & { owner: number })[]> {
  return db
    .select({ ...genreColumns, owner: trackGenres.trackId })
    .from(trackGenres)
    .innerJoin(genres, eq(genres.id, trackGenres.genreId))
    .where(inArray(trackGenres.trackId, [...ids]))
    .orderBy(asc(trackGenres.trackId), asc(trackGenres.position), asc(genres.id));
}

export function selectGenresOfArtists(
  db: Queryable,
  ids: readonly number[],
): Promise<(GenreRow & { owner: number })[]> {
  return db
    .select({ ...genreColumns, owner: trackArtists.artistId })
    .from(trackArtists)
    .innerJoin(trackGenres, eq(trackGenres.trackId, trackArtists.trackId))
    .innerJoin(genres, eq(genres.id, trackGenres.genreId))
    .where(and(inArray(trackArtists.artistId, [...ids]), isMain))
    .groupBy(trackArtists.artistId, genres.id)
    .orderBy(asc(trackArtists.artistId), desc(count()), asc(genres.id));
}

export function selectTagsOfTracks(
  db: Queryable,
  ids: readonly number[],
): Promise<{ owner: number; name: string; weight: number }[]> {
  return db
    .select({ owner: trackTags.trackId, name: tags.name, weight: trackTags.weight })
    .from(trackTags)
    .innerJoin(tags, eq(tags.id, trackTags.tagId))
    .where(inArray(trackTags.trackId, [...ids]))
    .orderBy(asc(trackTags.trackId), desc(trackTags.weight), asc(tags.name));
}

export interface TrackPageQuery {
  where: SQL | undefined;
  order: readonly SortKey[];
  after: readonly (string | number | null)[] | null;
  limit: number;
}

/** The tracks after a key, with each row's own key for the next cursor. */
export async function selectTrackPage(
  db: Queryable,
  { where, order, after, limit }: TrackPageQuery,
): Promise<{ track: TrackRow; key: (string | number | null)[] }[]> {
  const keys = Object.fromEntries(order.map(({ expression }, i) => [`key${i}`, expression]));
  const rows = await db
    .select({ track: trackRowColumns, keys })
    .from(tracks)
    .leftJoin(trackTexts, eq(trackTexts.trackId, tracks.id))
    .where(and(isOffered, where, ...order.map(({ present }) => present), after ? afterKey(order, after) : undefined))
    .orderBy(...order.map(directed))
    .limit(limit);
  return rows.map(({ track, keys: key }) => ({ track, key: Object.values(key) }));
}

export async function selectMatchingTracks(db: Queryable, where: SQL | undefined): Promise<number[]> {
  const rows = await db.select({ id: tracks.id }).from(tracks).where(and(isOffered, where));
  return rows.map(({ id }) => id);
}

export async function countTracks(db: Queryable, where: SQL | undefined): Promise<number> {
  return onlyRow(await db.select({ total: count() }).from(tracks).where(and(isOffered, where))).total;
}

/** The SQL of each filter field. An absent field is no condition. */
export interface FilterColumns {
  genres?: readonly string[] | null | undefined;
  excludeGenres?: readonly string[] | null | undefined;
  artistIds?: readonly number[] | null | undefined;
  excludeArtistIds?: readonly number[] | null | undefined;
  excludeTrackIds?: readonly number[] | null | undefined;
  releaseYear?: { min?: number | null; max?: number | null } | null | undefined;
  durationMs?: { min?: number | null; max?: number | null } | null | undefined;
  explicit?: boolean | null | undefined;
  albumIds?: readonly number[] | null | undefined;
  isrcs?: readonly string[] | null | undefined;
  tags?: readonly string[] | null | undefined;
  metadata?: readonly MetadataMatch[] | null | undefined;
}

export function filterCondition(db: Queryable, filter: FilterColumns): SQL | undefined {
  const ofGenres = (slugs: readonly string[]) =>
    db
      .select({ one: sql`1` })
      .from(trackGenres)
      .innerJoin(genres, eq(genres.id, trackGenres.genreId))
      .where(and(eq(trackGenres.trackId, tracks.id), inArray(genres.slug, [...slugs])));
  const byArtists = (ids: readonly number[]) =>
    db
      .select({ one: sql`1` })
      .from(trackArtists)
      .where(and(eq(trackArtists.trackId, tracks.id), isMain, inArray(trackArtists.artistId, [...ids])));
  return and(
    filter.genres ? exists(ofGenres(filter.genres)) : undefined,
    filter.excludeGenres?.length ? notExists(ofGenres(filter.excludeGenres)) : undefined,
    filter.artistIds ? exists(byArtists(filter.artistIds)) : undefined,
    filter.excludeArtistIds?.length ? notExists(byArtists(filter.excludeArtistIds)) : undefined,
    filter.excludeTrackIds?.length ? notInArray(tracks.id, [...filter.excludeTrackIds]) : undefined,
    filter.releaseYear?.min == null ? undefined : gte(tracks.releaseYear, filter.releaseYear.min),
    filter.releaseYear?.max == null ? undefined : lte(tracks.releaseYear, filter.releaseYear.max),
    filter.durationMs?.min == null ? undefined : gte(tracks.durationMs, filter.durationMs.min),
    filter.durationMs?.max == null ? undefined : lte(tracks.durationMs, filter.durationMs.max),
    filter.explicit === false ? eq(tracks.explicit, false) : undefined,
    filter.albumIds ? inArray(tracks.albumId, [...filter.albumIds]) : undefined,
    filter.isrcs ? exists(withIsrc(db, filter.isrcs)) : undefined,
    filter.tags ? exists(tagged(db, filter.tags)) : undefined,
    filter.metadata?.length ? metadataCondition(db, filter.metadata) : undefined,
  );
}

const withIsrc = (db: Queryable, isrcs: readonly string[]) =>
  db
    .select({ one: sql`1` })
    .from(trackDetails)
    .where(and(eq(trackDetails.trackId, tracks.id), inArray(trackDetails.isrc, [...isrcs])));

const tagged = (db: Queryable, names: readonly string[]) =>
  db
    .select({ one: sql`1` })
    .from(trackTags)
    .innerJoin(tags, eq(tags.id, trackTags.tagId))
    .where(and(eq(trackTags.trackId, tracks.id), inArray(tags.name, [...names])));

/** Every word must occur in the title, the artist's name, a genre or a tag. */
export function searchCondition(db: Queryable, query: TermQuery): SQL {
  const found = db
    .select({ id: trackTexts.trackId })
    .from(trackTexts)
    .where(sql`${trackTexts.search} @@ ${tsquery(query)}::tsquery`);
  return inArray(tracks.id, found);
}

/**
 * How well the whole search matches a track. It is coarse on purpose, so that equal matches are ordered by popularity.
 * 6: the title or artist equals it; 5: begins with it; 4: contains it; 3: its words begin words of title and artist; 2:
 * occur within such words; 1: occur in genres or tags.
 */
export function relevance(search: string, query: TermQuery): SQL<number> {
  const { title, artist, search: terms } = trackTexts;
  const { name, partOfName } = termWeights;
  return sql<number>`(case when ${title} = ${search} or ${artist} = ${search} then 6
    when starts_with(${title}, ${search}) or starts_with(${artist}, ${search}) then 5
    when strpos(' ' || ${title}, ${` ${search}`}) > 0 or strpos(' ' || ${artist}, ${` ${search}`}) > 0 then 4
    when ${terms} @@ ${tsquery(query, name)}::tsquery then 3
    when ${terms} @@ ${tsquery(query, name + partOfName)}::tsquery then 2 else 1 end)`;
}

export const sortKeys = {
  id: { expression: sql<number>`${tracks.id}`.mapWith(Number), descending: false, part: keyPart.id },
  popularity: { expression: sql<number>`${tracks.popularity}`, descending: true, part: keyPart.number },
  releaseYear: { expression: sql<number | null>`${tracks.releaseYear}`, descending: true, part: keyPart.integerOrNull },
  /** Ids go up as tracks are added. */
  added: { expression: sql<number>`${tracks.id}`.mapWith(Number), descending: true, part: keyPart.id },
  title: {
    expression: sql<string>`${trackTexts.title}`,
    descending: false,
    part: keyPart.text,
    present: isNotNull(trackTexts.title),
  },
} satisfies Record<string, SortKey>;

export const byPopularity: readonly SortKey[] = [sortKeys.popularity, sortKeys.id];

/** An album's own order. */
export const inAlbumOrder: readonly SortKey[] = [
  { expression: sql<number | null>`${tracks.discNumber}`, descending: false, part: keyPart.integerOrNull },
  { expression: sql<number | null>`${tracks.trackNumber}`, descending: false, part: keyPart.integerOrNull },
  sortKeys.id,
];

export const allOf = and;
