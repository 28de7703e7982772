import { and, asc, countDistinct, eq, exists, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { groupBy } from '../../lib/collections.ts';
import type { Queryable } from '../client.ts';
import { countPerOwner } from '../queries/per-owner.ts';
import { albums, artists, trackArtists, tracks, trackTags } from '../tables.ts';
import { byPopularity, inAlbumOrder, isOffered, type TrackRow, trackRowColumns } from './catalogue-queries.ts';
import { afterKey, directed, type SortKey } from './sort-keys.ts';
import type { ArtistRoleColumn } from './staged-track.ts';

export interface OwnedPage {
  after: readonly (string | number | null)[] | null;
  limit: number;
}

/** For each artist the first tracks after a key that have the artist in one of these roles, most popular first. */
export function selectTracksOfArtists(
  db: Queryable,
  ids: readonly number[],
  { roles, ...page }: OwnedPage & { roles: readonly ArtistRoleColumn[] },
): Promise<Map<number, TrackRow[]>> {
  const credited = db
    .select({ one: sql`1` })
    .from(trackArtists)
    .where(
      and(
        eq(trackArtists.trackId, tracks.id),
        eq(trackArtists.artistId, artists.id),
        inArray(trackArtists.role, [...roles]),
      ),
    );
  return selectOwned(db, { table: artists, ids, owned: exists(credited), order: byPopularity }, page);
}

/** For each album the first tracks after a key, in its order. */
export function selectTracksOfAlbums(
  db: Queryable,
  ids: readonly number[],
  page: OwnedPage,
): Promise<Map<number, TrackRow[]>> {
  return selectOwned(db, { table: albums, ids, owned: eq(tracks.albumId, albums.id), order: inAlbumOrder }, page);
}

interface Owners {
  table: typeof artists | typeof albums;
  ids: readonly number[];
  owned: SQL;
  order: readonly SortKey[];
}

async function selectOwned(
  db: Queryable,
  { table, ids, owned, order }: Owners,
  { after, limit }: OwnedPage,
): Promise<Map<number, TrackRow[]>> {
  const place = sql<number>`row_number() over (order by ${sql.join(order.map(directed), sql`, `)})`.as('place');
  // A column alone would be taken for one of `tracks`.
  const owner = sql<number>`${table}.id`.mapWith(Number).as('owner');
  const page = db
    .select({ ...trackRowColumns, place, owner })
    .from(tracks)
    .where(and(owned, isOffered, after ? afterKey(order, after) : undefined))
    .orderBy(...order.map(directed))
    .limit(limit)
    .as('page');
  const rows = await db
    .select()
    .from(table)
    .crossJoinLateral(page)
    .where(inArray(table.id, [...ids]))
    .orderBy(asc(page.place));
  return groupBy(
    rows.map((row) => row.page),
    ({ owner }) => owner,
  );
}

/** Artists without tracks in these roles are absent. */
export async function countTracksOfArtists(
  db: Queryable,
  ids: readonly number[],
  roles: readonly ArtistRoleColumn[],
): Promise<Map<number, number>> {
  const rows = await db
    .select({ owner: trackArtists.artistId, total: countDistinct(trackArtists.trackId) })
    .from(trackArtists)
    .innerJoin(tracks, eq(tracks.id, trackArtists.trackId))
    .where(and(inArray(trackArtists.artistId, [...ids]), inArray(trackArtists.role, [...roles]), isOffered))
    .groupBy(trackArtists.artistId);
  return new Map(rows.map(({ owner, total }) => [owner, total]));
}

export const countTracksOfAlbums = (db: Queryable, ids: readonly number[]): Promise<Map<number, number>> =>
  countPerOwner(db, tracks.albumId, ids, isNull(tracks.withdrawnAt));

export async function countTracksOfTags(db: Queryable, ids: readonly number[]): Promise<Map<number, number>> {
  const rows = await db
    .select({ owner: trackTags.tagId, total: countDistinct(trackTags.trackId) })
    .from(trackTags)
    .innerJoin(tracks, eq(tracks.id, trackTags.trackId))
    .where(and(inArray(trackTags.tagId, [...ids]), isOffered))
    .groupBy(trackTags.tagId);
  return new Map(rows.map(({ owner, total }) => [owner, total]));
}
