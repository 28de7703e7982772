import type { Transaction } from '../connection/transaction.ts';

/**
 * Creates or changes the albums of the staged tracks, in `album_plan`. What no track of the batch states of an album
 * stays as it is; where they differ, the track with the first external id decides. The artists' rows exist.
 */
export async function mergeAlbums(tx: Transaction): Promise<void> {
  await planAlbums(tx);
  await tx`insert into albums (key, title) select key, title from album_plan where id is null`;
  await tx`update album_plan p set id = a.id, is_new = true from albums a where p.id is null and a.key = p.key`;
  await tx`update albums a set title = p.title, external_id = p.external_id, release_date = coalesce(p.release_date, a.release_date),
      covers = coalesce(p.covers, a.covers), search = null
    from album_plan p where p.id = a.id and (p.is_new or p.is_changed)`;
  await tx`delete from album_artists where album_id in (select id from album_plan where is_changed)`;
  await tx`insert into album_artists (album_id, artist_id, position)
    select p.id, a.id, u.position - 1 from album_plan p, unnest(p.artist_keys) with ordinality as u (key, position)
      join artists a on a.name_key = u.key where p.is_new or p.is_changed`;
}

async function planAlbums(tx: Transaction): Promise<void> {
  await tx`create temp table album_plan on commit drop as
    with stated as (select album_key as key, external_id as track, album::jsonb as album from staged_tracks where album_key is not null),
    merged as (
      select key, (array_agg(album ->> 'externalId' order by track))[1] as external_id,
        (array_agg(album ->> 'title' order by track))[1] as title,
        (array_agg(album ->> 'releaseDate' order by track) filter (where album ->> 'releaseDate' is not null))[1] as release_date,
        (array_agg(album -> 'covers' order by track) filter (where album -> 'covers' <> '[]'))[1] as covers,
        array(select jsonb_array_elements((array_agg(album -> 'artists' order by track))[1]) ->> 'key') as artist_keys
      from stated group by key
    )
    select m.*, a.id, false as is_new, a.id is not null and (
      (a.title, a.external_id) is distinct from (m.title, m.external_id)
      or coalesce(m.release_date, a.release_date) is distinct from a.release_date
      or coalesce(m.covers, a.covers) is distinct from a.covers
      or array(select r.name_key from album_artists l join artists r on r.id = l.artist_id where l.album_id = a.id order by l.position)
        is distinct from m.artist_keys) as is_changed
    from merged m left join albums a on a.key = m.key`;
}
