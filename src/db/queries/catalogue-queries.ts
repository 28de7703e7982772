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
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { type KeyPart, keyPart } from '../../lib/page.ts';
import type { TermQuery } from '../../lib/text/search-terms.ts';
import type { Queryable } from '../client.ts';
import { onlyRow } from '../only-row.ts';
import { artists, genres, tags, trackGenres, tracks, trackTags, trackTexts } from '../tables.ts';
import { termWeights, tsquery } from '../term-vectors.ts';
import { countPerOwner } from './per-owner.ts';

const trackColumns = {
  id: tracks.id,
  externalId: tracks.externalId,
  title: tracks.title,
  artistId: tracks.artistId,
  album: tracks.album,
  releaseYear: tracks.releaseYear,
  durationMs: tracks.durationMs,
  explicit: tracks.explicit,
  popularity: tracks.popularity,
  withdrawnAt: tracks.withdrawnAt,
  addedAt: tracks.createdAt,
};

/** What lists and searches include. */
const isOffered = isNull(tracks.withdrawnAt);

export interface TrackRow {
  id: number;
  externalId: string;
  title: string;
  artistId: number;
  album: string | null;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  popularity: number;
  withdrawnAt: Date | null;
  addedAt: Date;
}

export function selectTracks(db: Queryable, ids: readonly number[]): Promise<TrackRow[]> {
  return db
    .select(trackColumns)
    .from(tracks)
    .where(inArray(tracks.id, [...ids]));
}

export function selectTracksByExternalId(db: Queryable, externalIds: readonly string[]): Promise<TrackRow[]> {
  return db
    .select(trackColumns)
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
    .select({ ...genreColumns, owner: tracks.artistId })
    .from(tracks)
    .innerJoin(trackGenres, eq(trackGenres.trackId, tracks.id))
    .innerJoin(genres, eq(genres.id, trackGenres.genreId))
    .where(inArray(tracks.artistId, [...ids]))
    .groupBy(tracks.artistId, genres.id)
    .orderBy(asc(tracks.artistId), desc(count()), asc(genres.id));
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

/** One part of the sort key: an expression, its direction (nulls last in either), and its valid values. */
export interface SortKey {
  expression: SQL<string | number | null>;
  descending: boolean;
  /** Read backwards from an index, no row lacking it. */
  backwards?: boolean;
  part: KeyPart<string | number | null>;
  /** A condition that every row with this key satisfies, so that an index can be used. */
  present?: SQL;
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
    .select({ track: trackColumns, keys })
    .from(tracks)
    .leftJoin(trackTexts, eq(trackTexts.trackId, tracks.id))
    .where(and(isOffered, where, ...order.map(({ present }) => present), after ? afterKey(order, after) : undefined))
    .orderBy(...order.map(directed))
    .limit(limit);
  return rows.map(({ track, keys: key }) => ({ track, key: Object.values(key) }));
}

/** The order of nulls is part of an index's order, even where there are none: backwards, they come first. */
function directed({ expression, descending, backwards }: SortKey): SQL {
  if (backwards) return descending ? sql`${expression} desc nulls first` : sql`${expression} asc nulls first`;
  return descending ? sql`${expression} desc nulls last` : sql`${expression} asc nulls last`;
}

/** The same keys in the other direction. Where a key may be null, its nulls are last again, which takes an index of its own. */
export function reversed(order: readonly SortKey[]): SortKey[] {
  const backwards = order.every(({ part }) => part !== keyPart.integerOrNull);
  return order.map((key) => ({ ...key, descending: !key.descending, backwards }));
}

/** `(a, b, c) > key`, each part in its own direction with nulls last. A row comparison cannot express that. */
function afterKey(order: readonly SortKey[], key: readonly (string | number | null)[]): SQL | undefined {
  const alternatives = order.map((part, i) =>
    and(...order.slice(0, i).map((p, j) => equalTo(p, key[j])), beyond(part, key[i])),
  );
  return or(...alternatives);
}

function equalTo({ expression }: SortKey, value: string | number | null | undefined): SQL {
  return value == null ? sql`${expression} is null` : sql`${expression} = ${value}`;
}

function beyond({ expression, descending }: SortKey, value: string | number | null | undefined): SQL {
  if (value == null) return sql`false`;
  return descending
    ? sql`(${expression} < ${value} or ${expression} is null)`
    : sql`(${expression} > ${value} or ${expression} is null)`;
}

/** For each artist the first tracks after a key, most popular first. */
export async function selectTracksOfArtists(
  db: Queryable,
  artistIds: readonly number[],
  { after, limit }: Pick<TrackPageQuery, 'after' | 'limit'>,
): Promise<TrackRow[]> {
  const page = db
    .select(trackColumns)
    .from(tracks)
    .where(and(eq(tracks.artistId, artists.id), isOffered, after ? afterKey(byPopularity, after) : undefined))
    .orderBy(desc(tracks.popularity), asc(tracks.id))
    .limit(limit)
    .as('page');
  const rows = await db
    .select()
    .from(artists)
    .crossJoinLateral(page)
    .where(inArray(artists.id, [...artistIds]))
    .orderBy(desc(page.popularity), asc(page.id));
  return rows.map((row) => row.page);
}

export const countTracksOfArtists = (db: Queryable, artistIds: readonly number[]): Promise<Map<number, number>> =>
  countPerOwner(db, tracks.artistId, artistIds, isOffered);

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
}

export function filterCondition(db: Queryable, filter: FilterColumns): SQL | undefined {
  const ofGenres = (slugs: readonly string[]) =>
    db
      .select({ one: sql`1` })
      .from(trackGenres)
      .innerJoin(genres, eq(genres.id, trackGenres.genreId))
      .where(and(eq(trackGenres.trackId, tracks.id), inArray(genres.slug, [...slugs])));
  return and(
    filter.genres ? exists(ofGenres(filter.genres)) : undefined,
    filter.excludeGenres?.length ? notExists(ofGenres(filter.excludeGenres)) : undefined,
    filter.artistIds ? inArray(tracks.artistId, [...filter.artistIds]) : undefined,
    filter.excludeArtistIds?.length ? notInArray(tracks.artistId, [...filter.excludeArtistIds]) : undefined,
    filter.excludeTrackIds?.length ? notInArray(tracks.id, [...filter.excludeTrackIds]) : undefined,
    filter.releaseYear?.min == null ? undefined : gte(tracks.releaseYear, filter.releaseYear.min),
    filter.releaseYear?.max == null ? undefined : lte(tracks.releaseYear, filter.releaseYear.max),
    filter.durationMs?.min == null ? undefined : gte(tracks.durationMs, filter.durationMs.min),
    filter.durationMs?.max == null ? undefined : lte(tracks.durationMs, filter.durationMs.max),
    filter.explicit === false ? eq(tracks.explicit, false) : undefined,
  );
}

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

export const allOf = and;
