import type { Sql, Transaction } from '../connection/transaction.ts';
import { fillAllNameTexts } from '../texts/name-texts.ts';
import { fillAllTrackTexts } from '../texts/track-texts.ts';
import { mergeAlbums } from './album-merge.ts';
import { createTrackStaging, type StagedTrack, stagedTrackColumns, stagedTrackRow } from './staged-track.ts';

export interface MergeCounts {
  created: number;
  updated: number;
  unchanged: number;
}

/** Stages a batch in one statement and merges it: all of it or, on any failure, nothing. */
export function mergeTracks(sql: Sql, tracks: readonly StagedTrack[]): Promise<MergeCounts> {
  return sql.begin(async (tx) => {
    await createTrackStaging(tx);
    const rows = JSON.stringify(tracks.map(stagedTrackRow));
    await tx`insert into staged_tracks (${tx.unsafe(stagedTrackColumns)})
      select ${tx.unsafe(stagedTrackColumns)} from jsonb_populate_recordset(null::staged_tracks, ${rows}::jsonb)`;
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
  await mergeAlbums(tx);
  await planTracks(tx);
  await applyTracks(tx);
  await relinkTracks(tx);
  await keepDetails(tx);
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
    select distinct on (key) name, key from (
      select name, key from staged_tracks, unnest(artist_names, artist_keys) as a (name, key)
      union all
      select a ->> 'name', a ->> 'key' from staged_tracks, jsonb_array_elements(album::jsonb -> 'artists') as a
    ) named order by key, name
    on conflict (name_key) do nothing`;
  await tx`insert into genres (slug, name)
    select distinct on (slug) slug, name from staged_tracks, unnest(genre_slugs, genre_names) as g (slug, name) order by slug, name
    on conflict (slug) do nothing`;
  await tx`insert into tags (name)
    select distinct name from staged_tracks, unnest(tag_names) as t (name) on conflict (name) do nothing`;
}

/**
 * Decides for each staged track whether it is new, changed or unchanged, comparing artists and genres in order and tags
 * with weights.
 */
async function planTracks(tx: Transaction): Promise<void> {
  await tx`create temp table track_plan on commit drop as
    select s.*, a.id as artist_id, b.id as album_id, t.id as track_id, t.id is null as is_new,
      t.id is null or t.withdrawn_at is not null or coalesce(b.is_changed, false)
      or (t.title, t.artist_id, t.explicit) is distinct from (s.title, a.id, s.explicit)
      or (t.release_year, t.duration_ms) is distinct from (s.release_year, s.duration_ms)
      or (t.album_id, t.disc_number, t.track_number) is distinct from (b.id, s.disc_number, s.track_number)
      or (d.isrc, d.preview_url) is distinct from (s.isrc, s.preview_url)
      or (coalesce(d.covers, '[]'), coalesce(d.external_urls, '[]'), coalesce(d.metadata, '{}'))
        is distinct from (s.covers::jsonb, s.external_urls::jsonb, s.metadata::jsonb)
      or array(select r.name_key || ':' || l.role from track_artists l join artists r on r.id = l.artist_id where l.track_id = t.id order by l.position)
        is distinct from array(select k || ':' || r from unnest(s.artist_keys, s.artist_roles) with ordinality as u (k, r, n) order by n)
      or array(select g.slug from track_genres l join genres g on g.id = l.genre_id where l.track_id = t.id order by l.position)
        is distinct from s.genre_slugs
      or array(select g.name || ':' || l.weight from track_tags l join tags g on g.id = l.tag_id where l.track_id = t.id order by g.name)
        is distinct from array(select n || ':' || w from unnest(s.tag_names, s.tag_weights) as u (n, w) order by n) as is_changed
    from staged_tracks s join artists a on a.name_key = s.artist_keys[array_position(s.artist_roles, 'MAIN')]
      left join album_plan b on b.key = s.album_key
      left join tracks t on t.external_id = s.external_id left join track_details d on d.track_id = t.id`;
}

/** New tracks get their ids in the order of their external ids, in whatever order they were sent ([REC11]). */
async function applyTracks(tx: Transaction): Promise<void> {
  await tx`update tracks t set title = p.title, artist_id = p.artist_id, album_id = p.album_id, disc_number = p.disc_number,
      track_number = p.track_number, release_year = p.release_year, duration_ms = p.duration_ms, explicit = p.explicit,
      withdrawn_at = null, updated_at = now(),
      revision = nextval('catalogue_revisions'), description_revision = nextval('catalogue_revisions')
    from track_plan p where p.track_id = t.id and p.is_changed`;
  await tx`insert into tracks (external_id, title, artist_id, album_id, disc_number, track_number, release_year, duration_ms, explicit)
    select external_id, title, artist_id, album_id, disc_number, track_number, release_year, duration_ms, explicit
    from track_plan where is_new order by external_id collate "C"`;
  await tx`update track_plan p set track_id = t.id from tracks t where p.is_new and t.external_id = p.external_id`;
}

async function relinkTracks(tx: Transaction): Promise<void> {
  const changed = tx`select track_id from track_plan where is_changed and not is_new`;
  await tx`delete from track_artists where track_id in (${changed})`;
  await tx`delete from track_genres where track_id in (${changed})`;
  await tx`delete from track_tags where track_id in (${changed})`;
  await tx`insert into track_artists (track_id, artist_id, role, position)
    select p.track_id, a.id, u.role::artist_role, u.position - 1
    from track_plan p, unnest(p.artist_keys, p.artist_roles) with ordinality as u (key, role, position)
      join artists a on a.name_key = u.key where p.is_changed`;
  await tx`insert into track_genres (track_id, genre_id, position)
    select p.track_id, g.id, u.position - 1 from track_plan p, unnest(p.genre_slugs) with ordinality as u (slug, position)
      join genres g on g.slug = u.slug where p.is_changed`;
  await tx`insert into track_tags (track_id, tag_id, weight)
    select p.track_id, t.id, u.weight from track_plan p, unnest(p.tag_names, p.tag_weights) as u (name, weight)
      join tags t on t.name = u.name where p.is_changed`;
}

/** Most catalogues have details of few tracks: a row that would say nothing is not kept. */
async function keepDetails(tx: Transaction): Promise<void> {
  await tx`delete from track_details where track_id in (select track_id from track_plan where is_changed and not is_new)`;
  await tx`insert into track_details (track_id, isrc, covers, preview_url, external_urls, metadata)
    select track_id, isrc, covers::jsonb, preview_url, external_urls::jsonb, metadata::jsonb from track_plan
    where is_changed and (isrc, preview_url, covers, external_urls, metadata) is distinct from (null, null, '[]', '[]', '{}')`;
}

async function describeTracks(tx: Transaction): Promise<void> {
  await tx`insert into track_texts (track_id) select track_id from track_plan where is_changed
    on conflict (track_id) do update set search = null`;
  await fillAllNameTexts(tx);
  await fillAllTrackTexts(tx);
}
