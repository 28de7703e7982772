import type { Database } from '../client.ts';

/** A track's row, as ranking needs it. */
export interface CatalogueRow {
  id: number;
  externalId: string;
  title: string;
  /** The first main artist's name. */
  artist: string;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  /** Percentile in [0, 1]. */
  popularity: number;
  recentListeners: number;
  /** Null if popularity is that of the last 30 days. */
  allTimeListeners: number | null;
  /** The number of listeners whose last reaction is against the track. */
  rejecters: number;
  /** A withdrawn track is in no list; what listeners did with it still counts. */
  withdrawn: boolean;
  /** Null if it has not changed since the mark. */
  description: TrackDescription | null;
}

export interface TrackDescription {
  /** The main ones, the first of them first. */
  artists: readonly (readonly [id: number, name: string])[];
  /** The main genre first. */
  genres: readonly (readonly [slug: string, name: string])[];
  /** In descending order of weight. */
  tags: readonly (readonly [name: string, weight: number])[];
  /** The numbers of its metadata that say how it feels. Null unless it has both. */
  feel: readonly [valence: number, energy: number] | null;
}

/** Identifies a state of the catalogue. It differs if tracks were added, removed or changed. */
export interface CatalogueMark {
  tracks: number;
  /** The highest revision. Changes are serialised, so a revision is never committed after a higher one. */
  revision: number;
}

export const emptyMark: CatalogueMark = { tracks: 0, revision: 0 };

const ROWS_AT_ONCE = 250;

/**
 * Reads the tracks that changed after a mark, in one transaction, in the order of the index: by external id, with tracks
 * that more listeners reject than hear at the end.
 * @returns the mark of the state that was read; rows are passed on only if it differs from the given mark
 */
export async function readCatalogueChanges(
  { sql: driver }: Database,
  since: CatalogueMark,
  tell: (rows: readonly CatalogueRow[]) => Promise<void>,
): Promise<CatalogueMark> {
  return driver.begin('isolation level repeatable read read only', async (tx) => {
    const [mark = emptyMark] = await tx<CatalogueMark[]>`
      select count(*)::float8 as tracks, coalesce(greatest(max(revision), max(description_revision)), 0)::float8 as revision
      from tracks`;
    if (mark.revision === since.revision && mark.tracks === since.tracks) return mark;
    const changed = tx<CatalogueRow[]>`
      select t.id::float8 as id, external_id as "externalId", title, a.name as artist,
        release_year as "releaseYear", duration_ms as "durationMs", explicit, popularity,
        recent_listeners as "recentListeners", all_time_listeners as "allTimeListeners", rejecters,
        withdrawn_at is not null as withdrawn,
        case when description_revision > ${since.revision} then json_build_object(
          'artists', (select coalesce(json_agg(json_build_array(r.id, r.name) order by position), '[]')
            from track_artists l join artists r on r.id = l.artist_id where l.track_id = t.id and l.role = 'MAIN'),
          'genres', (select coalesce(json_agg(json_build_array(slug, name) order by position), '[]')
            from track_genres join genres on genres.id = genre_id where track_id = t.id),
          'tags', (select coalesce(json_agg(json_build_array(name, weight) order by weight desc, name), '[]')
            from track_tags join tags on tags.id = tag_id where track_id = t.id),
          'feel', (select json_build_array(metadata->'valence', metadata->'energy') from track_details
            where track_id = t.id and jsonb_typeof(metadata->'valence') = 'number' and jsonb_typeof(metadata->'energy') = 'number')
        ) end as description
      from tracks t join artists a on a.id = artist_id
      where revision > ${since.revision} or description_revision > ${since.revision}
      order by rejecters > coalesce(all_time_listeners, recent_listeners), external_id collate "C"`;
    for await (const rows of changed.cursor(ROWS_AT_ONCE)) await tell(rows);
    return mark;
  });
}

/** The ids of the tracks that were withdrawn after a mark. */
export async function selectWithdrawnSince({ sql: driver }: Database, { revision }: CatalogueMark): Promise<number[]> {
  const rows = await driver<{ id: number }[]>`
    select id::float8 as id from tracks where withdrawn_at is not null and revision > ${revision}`;
  return rows.map(({ id }) => id);
}
