import { caseless } from '../../lib/text/folded-text.ts';
import { fillAllTrackTexts } from '../track-texts.ts';
import type { Sql, Transaction } from '../transaction.ts';

/** A validated track of a source, which `merge_tracks` compares with the catalogue. */
export interface StagedTrack {
  externalId: string;
  title: string;
  artist: string;
  album: string | null;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  /** Main genre first. */
  genres: readonly { slug: string; name: string }[];
  /** `weight` in (0, 1]. */
  tags: readonly { name: string; weight: number }[];
}

export interface MergeCounts {
  created: number;
  updated: number;
  unchanged: number;
}

/** Creates an empty staging table for the duration of the transaction. */
export async function createTrackStaging(tx: Transaction): Promise<void> {
  await tx`create temp table staged_tracks (
    external_id text, title text, artist text, artist_key text, album text, release_year int, duration_ms int,
    explicit boolean, genre_slugs text[], genre_names text[], tag_names text[], tag_weights real[]
  ) on commit drop`;
}

export const stagedTrackColumns =
  'external_id, title, artist, artist_key, album, release_year, duration_ms, explicit, genre_slugs, genre_names, tag_names, tag_weights';

/**
 * A row for the staging table, with values in the order of `stagedTrackColumns`. Tags are sorted by name, so that their
 * order never counts as a change.
 */
export function stagedTrackValues(track: StagedTrack): (string | number | boolean | null | string[] | number[])[] {
  const tags = [...track.tags].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    track.externalId,
    track.title,
    track.artist,
    nameKey(track.artist),
    track.album,
    track.releaseYear,
    track.durationMs,
    track.explicit,
    track.genres.map((genre) => genre.slug),
    track.genres.map((genre) => genre.name),
    tags.map((tag) => tag.name),
    tags.map((tag) => Math.fround(tag.weight)),
  ];
}

/** The artist's natural key: "The  BEATLES" and "the beatles" are one artist. */
export const nameKey = caseless;

/** Stages a batch in one statement and merges it: all of it or, on any failure, nothing. */
export function mergeTracks(sql: Sql, tracks: readonly StagedTrack[]): Promise<MergeCounts> {
  return sql.begin(async (tx) => {
    await createTrackStaging(tx);
    const rows = tracks.map((track) => {
      const [external_id, title, artist, artist_key, album, release_year, duration_ms, explicit, ...arrays] =
        stagedTrackValues(track);
      const [genre_slugs, genre_names, tag_names, tag_weights] = arrays;
      return {
        external_id,
        title,
        artist,
        artist_key,
        album,
        release_year,
        duration_ms,
        explicit,
        genre_slugs,
        genre_names,
        tag_names,
        tag_weights,
      };
    });
    await tx`insert into staged_tracks select * from jsonb_populate_recordset(null::staged_tracks, ${JSON.stringify(rows)}::jsonb)`;
    return mergeStagedTracks(tx);
  });
}

/**
 * Merges the staged tracks into the catalogue and counts how many were created, changed or unchanged. External ids must
 * be unique in the staging table.
 */
export async function mergeStagedTracks(tx: Transaction): Promise<MergeCounts> {
  await takeMergeTurn(tx);
  await mergeNames(tx);
  await planTracks(tx);
  await applyTracks(tx);
  await relinkTracks(tx);
  await describeTracks(tx);
  const [counts] = await tx<MergeCounts[]>`
    select count(*) filter (where is_new)::int as created, count(*) filter (where is_changed and not is_new)::int as updated,
      count(*) filter (where not is_changed)::int as unchanged from track_plan`;
  return counts ?? { created: 0, updated: 0, unchanged: 0 };
}

/** Two merges that insert the same new names in different orders would deadlock, so they take turns. */
export async function takeMergeTurn(tx: Transaction): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('cadenza:merge-tracks'))`;
}

async function mergeNames(tx: Transaction): Promise<void> {
  await tx`analyze staged_tracks`;
  await tx`insert into artists (name, name_key)
    select distinct on (artist_key) artist, artist_key from staged_tracks order by artist_key, artist
    on conflict (name_key) do nothing`;
  await tx`insert into genres (slug, name)
    select distinct on (slug) slug, name from staged_tracks, unnest(genre_slugs, genre_names) as g (slug, name) order by slug, name
    on conflict (slug) do nothing`;
  await tx`insert into tags (name)
    select distinct name from staged_tracks, unnest(tag_names) as t (name) on conflict (name) do nothing`;
}

/**
 * Decides for each staged track whether it is new, changed or unchanged, comparing genres in order and tags with
 * weights.
 */
async function planTracks(tx: Transaction): Promise<void> {
  await tx`create temp table track_plan on commit drop as
    select s.*, a.id as artist_id, t.id as track_id, t.id is null as is_new,
      t.id is null or t.withdrawn_at is not null
      or (t.title, t.artist_id, t.explicit) is distinct from (s.title, a.id, s.explicit)
      or (t.album, t.release_year, t.duration_ms) is distinct from (s.album, s.release_year, s.duration_ms)
      or array(select g.slug from track_genres l join genres g on g.id = l.genre_id where l.track_id = t.id order by l.position)
        is distinct from s.genre_slugs
      or array(select g.name || ':' || l.weight from track_tags l join tags g on g.id = l.tag_id where l.track_id = t.id order by g.name)
        is distinct from array(select n || ':' || w from unnest(s.tag_names, s.tag_weights) as u (n, w) order by n) as is_changed
    from staged_tracks s join artists a on a.name_key = s.artist_key left join tracks t on t.external_id = s.external_id`;
}

async function applyTracks(tx: Transaction): Promise<void> {
  await tx`update tracks t set title = p.title, artist_id = p.artist_id, album = p.album, release_year = p.release_year,
      duration_ms = p.duration_ms, explicit = p.explicit, withdrawn_at = null, updated_at = now(),
      revision = nextval('catalogue_revisions'), description_revision = nextval('catalogue_revisions')
    from track_plan p where p.track_id = t.id and p.is_changed`;
  await tx`insert into tracks (external_id, title, artist_id, album, release_year, duration_ms, explicit)
    select external_id, title, artist_id, album, release_year, duration_ms, explicit from track_plan where is_new`;
  await tx`update track_plan p set track_id = t.id from tracks t where p.is_new and t.external_id = p.external_id`;
}

async function relinkTracks(tx: Transaction): Promise<void> {
  const changed = tx`select track_id from track_plan where is_changed and not is_new`;
  await tx`delete from track_genres where track_id in (${changed})`;
  await tx`delete from track_tags where track_id in (${changed})`;
  await tx`insert into track_genres (track_id, genre_id, position)
    select p.track_id, g.id, u.position - 1 from track_plan p, unnest(p.genre_slugs) with ordinality as u (slug, position)
      join genres g on g.slug = u.slug where p.is_changed`;
  await tx`insert into track_tags (track_id, tag_id, weight)
    select p.track_id, t.id, u.weight from track_plan p, unnest(p.tag_names, p.tag_weights) as u (name, weight)
      join tags t on t.name = u.name where p.is_changed`;
}

async function describeTracks(tx: Transaction): Promise<void> {
  await tx`insert into track_texts (track_id) select track_id from track_plan where is_changed
    on conflict (track_id) do update set search = null`;
  await fillAllTrackTexts(tx);
}
