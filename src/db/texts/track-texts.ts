import { wordsText } from '../../lib/text/search-terms.ts';
import { recordingKey } from '../../lib/text/song-key.ts';
import type { Transaction } from '../connection/transaction.ts';
import { cut, searchVector } from './search-vectors.ts';

/** Number of tracks whose texts are created in one statement. */
const BATCH = 2_000;

/** Creates the texts of all tracks whose row in `track_texts` is incomplete. */
export async function fillAllTrackTexts(tx: Transaction): Promise<void> {
  for (let last: number | null = 0; last !== null;) last = await fillTrackTexts(tx, last);
}

/**
 * Creates the texts of the next tracks after this id that have none.
 * @returns the last of them; null if there were none
 */
export async function fillTrackTexts(tx: Transaction, after: number): Promise<number | null> {
  const rows = await tx<NamedTrack[]>`
    select t.id::float8 as id, t.title, a.name as artist,
      (select coalesce(json_agg(r.name order by l.position), '[]') from track_artists l join artists r on r.id = l.artist_id
        where l.track_id = t.id) as artists,
      concat_ws(E'\n',
      (select string_agg(g.name, E'\n') from track_genres l join genres g on g.id = l.genre_id where l.track_id = t.id),
      (select string_agg(g.name, E'\n') from track_tags l join tags g on g.id = l.tag_id where l.track_id = t.id)) as about
    from track_texts x join tracks t on t.id = x.track_id join artists a on a.id = t.artist_id
    where x.search is null and x.track_id > ${after} order by x.track_id limit ${BATCH}`;
  await tx`
    update track_texts x set title = r.title, artist = r.artist, recording_key = r.recording_key,
      search = r.search::tsvector
    from jsonb_to_recordset(${JSON.stringify(rows.map(textsOf))}::text::jsonb)
      as r (id bigint, title text, artist text, recording_key text, search text) where x.track_id = r.id`;
  return rows.at(-1)?.id ?? null;
}

interface NamedTrack {
  id: number;
  title: string;
  /** The first main artist. */
  artist: string;
  /** All artists in whatever role. */
  artists: string[];
  /** The names of its genres and tags, one per line. */
  about: string;
}

function textsOf({ id, title, artist, artists, about }: NamedTrack) {
  return {
    id,
    title: cut(wordsText(title)),
    artist: cut(wordsText(artist)),
    recording_key: recordingKey(artist, title),
    search: searchVector([title, artist, ...artists], about),
  };
}
