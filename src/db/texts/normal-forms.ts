import type { Logger } from '../../lib/log.ts';
import { caseless, slugOf } from '../../lib/text/folded-text.ts';
import { albumKey } from '../catalogue/staged-track.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';
import { countWithoutNameTexts, fillAllNameTexts } from './name-texts.ts';
import { fillTrackTexts } from './track-texts.ts';

/**
 * Converts data stored without normal forms, once, in batches, so that a killed start continues where it was. The
 * caller holds the migration lock. Merges by other nodes take turns with the batches.
 */
export async function bringToNormalForm(sql: Sql, log?: Logger): Promise<void> {
  await sql`insert into track_texts (track_id) select id from tracks t
    where not exists (select from track_texts x where x.track_id = t.id) on conflict do nothing`;
  const waiting = await countWaiting(sql);
  if (waiting.tracks + waiting.names === 0) return;
  log?.info(waiting, 'Making the search texts of tracks and names; this is done once');
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('cadenza:merge-tracks'))`;
    await renameArtistKeys(tx);
    await renameSlugs(tx);
    await renameAlbumKeys(tx);
    await fillAllNameTexts(tx);
  });
  for (let last: number | null = 0; last !== null;) {
    const after: number = last;
    last = await sql.begin((tx) => fillTrackTexts(tx, after));
  }
}

function countWaiting(sql: Sql): Promise<{ tracks: number; names: number }> {
  return sql.begin(async (tx) => {
    const [texts] = await tx<{ n: number }[]>`select count(*)::int as n from track_texts where search is null`;
    return { tracks: texts?.n ?? 0, names: await countWithoutNameTexts(tx) };
  });
}

/** Artists whose keys become equal are merged into the first. */
async function renameArtistKeys(tx: Transaction): Promise<void> {
  const rows = await tx<
    { id: string; name: string; key: string }[]
  >`select id, name, name_key as key from artists order by id`;
  for (const { id, key, to } of changed(rows, caseless)) {
    const [taken] = await tx<{ id: string }[]>`select id from artists where name_key = ${to}`;
    if (!taken) await tx`update artists set name_key = ${to} where id = ${id} and name_key = ${key}`;
    else await mergeArtist(tx, id, taken.id);
  }
}

async function mergeArtist(tx: Transaction, from: string, into: string): Promise<void> {
  await tx`update tracks set artist_id = ${into}, revision = nextval('catalogue_revisions'),
    description_revision = nextval('catalogue_revisions') where artist_id = ${from}`;
  await tx`insert into listener_artists (listener_id, artist_id, position)
    select listener_id, ${into}, position from listener_artists where artist_id = ${from} on conflict do nothing`;
  await tx`delete from listener_artists where artist_id = ${from}`;
  await tx`insert into track_artists (track_id, artist_id, role, position)
    select track_id, ${into}, role, position from track_artists where artist_id = ${from} on conflict do nothing`;
  await tx`delete from track_artists where artist_id = ${from}`;
  await tx`insert into album_artists (album_id, artist_id, position)
    select album_id, ${into}, position from album_artists where artist_id = ${from} on conflict do nothing`;
  await tx`delete from album_artists where artist_id = ${from}`;
  await tx`delete from artists where id = ${from}`;
}

/** Albums of databases that had only their titles get their keys. Those whose keys become equal are merged into the first. */
async function renameAlbumKeys(tx: Transaction): Promise<void> {
  const rows = await tx<{ id: string; title: string; artist: string }[]>`
    select b.id, b.title, a.name as artist from albums b join album_artists l on l.album_id = b.id and l.position = 0
      join artists a on a.id = l.artist_id where b.search is null and starts_with(b.key, 'migrated:') order by b.id`;
  for (const { id, title, artist } of rows) {
    const key = albumKey(null, title, artist);
    const [taken] = await tx<{ id: string }[]>`select id from albums where key = ${key}`;
    if (!taken) await tx`update albums set key = ${key} where id = ${id}`;
    else {
      await tx`update tracks set album_id = ${taken.id} where album_id = ${id}`;
      await tx`delete from albums where id = ${id}`;
    }
  }
}

async function renameSlugs(tx: Transaction): Promise<void> {
  const rows = await tx<
    { id: string; name: string; key: string }[]
  >`select id, name, slug as key from genres order by id`;
  for (const { id, to } of changed(rows, slugOf)) {
    const [taken] = await tx<{ id: string }[]>`select id from genres where slug = ${to}`;
    if (!taken) await tx`update genres set slug = ${to} where id = ${id}`;
    else await mergeGenre(tx, id, taken.id);
  }
}

async function mergeGenre(tx: Transaction, from: string, into: string): Promise<void> {
  await tx`insert into track_genres (track_id, genre_id, position)
    select track_id, ${into}, position from track_genres where genre_id = ${from} on conflict do nothing`;
  await tx`delete from track_genres where genre_id = ${from}`;
  await tx`insert into listener_genres (listener_id, genre_id, weight)
    select listener_id, ${into}, weight from listener_genres where genre_id = ${from} on conflict do nothing`;
  await tx`delete from listener_genres where genre_id = ${from}`;
  await tx`delete from genres where id = ${from}`;
}

function changed(rows: readonly { id: string; name: string; key: string }[], keyOf: (name: string) => string) {
  return rows.flatMap(({ id, name, key }) => {
    const to = keyOf(name);
    return to === key || to === '' ? [] : [{ id, key, to }];
  });
}
