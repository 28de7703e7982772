import { asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { parseStored } from '../../lib/stored-data.ts';
import type { Queryable } from '../client.ts';
import { albums, type artistRole, artists, trackArtists, trackDetails } from '../tables.ts';

export const coversShape = z.array(z.object({ url: z.string(), size: z.int().nullable() }));
const externalUrlsShape = z.array(z.object({ service: z.string(), url: z.string() }));
const metadataShape = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

export async function selectDetails(db: Queryable, trackIds: readonly number[]) {
  const rows = await db
    .select()
    .from(trackDetails)
    .where(inArray(trackDetails.trackId, [...trackIds]));
  return rows.map(({ covers, externalUrls, metadata, ...row }) => {
    const what = `the details of track ${row.trackId}`;
    return {
      ...row,
      covers: parseStored(coversShape, covers, what),
      externalUrls: parseStored(externalUrlsShape, externalUrls, what),
      metadata: parseStored(metadataShape, metadata, what),
    };
  });
}

type RoleColumn = (typeof artistRole.enumValues)[number];

export function selectCredits(
  db: Queryable,
  trackIds: readonly number[],
): Promise<{ owner: number; artist: { id: number; name: string }; role: RoleColumn }[]> {
  const { trackId, artistId, role, position } = trackArtists;
  return db
    .select({ owner: trackId, artist: { id: artists.id, name: artists.name }, role })
    .from(trackArtists)
    .innerJoin(artists, eq(artists.id, artistId))
    .where(inArray(trackId, [...trackIds]))
    .orderBy(asc(trackId), asc(position));
}

/** The artists of the album of which this is the id. */
export const artistsOfAlbum = (id: SQL): SQL =>
  sql`(select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name) order by l.position), '[]')
    from album_artists l join artists a on a.id = l.artist_id where l.album_id = ${id})`;
export const artistsShape = z.array(z.object({ id: z.int(), name: z.string() }));
const albumColumns = {
  ...{ id: albums.id, externalId: albums.externalId, title: albums.title, releaseDate: albums.releaseDate },
  covers: albums.covers,
  artists: artistsOfAlbum(sql`albums.id`),
};

export interface AlbumRow {
  id: number;
  externalId: string | null;
  title: string;
  releaseDate: string | null;
  covers: { url: string; size: number | null }[];
  artists: { id: number; name: string }[];
}

function toAlbum<Row extends { id: number; covers: unknown; artists: unknown }>(row: Row) {
  const what = `album ${row.id}`;
  return {
    ...row,
    covers: parseStored(coversShape, row.covers, what),
    artists: parseStored(artistsShape, row.artists, what),
  };
}

export async function selectAlbums(db: Queryable, ids: readonly number[]): Promise<AlbumRow[]> {
  const rows = await db
    .select(albumColumns)
    .from(albums)
    .where(inArray(albums.id, [...ids]));
  return rows.map(toAlbum);
}
