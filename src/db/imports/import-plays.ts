import { createHash } from 'node:crypto';
import { recordingKey } from '../../lib/text/song-key.ts';
import type { StagedTrack, StagedUrl } from '../catalogue/staged-track.ts';
import { type MergeCounts, mergeStagedTracks, takeMergeTurn } from '../catalogue/track-merge.ts';
import type { Transaction } from '../connection/transaction.ts';
import { copyRows } from './import-copy.ts';
import { copyTracks, createNumberedTrackStaging } from './import-tracks.ts';

/** A validated play in one person's export. */
export interface StagedPlay {
  /** Its number among all plays of the import. */
  line: number;
  title: string;
  artist: string;
  album: string | null;
  /** What else the source says of the recording, for a track that is created. */
  about: SongDetails | null;
  kind: 'PLAY' | 'COMPLETE' | 'SKIP';
  listenedMs: number | null;
  at: Date;
  /** Whether `at` is known only to the minute. More precise data from another file takes precedence. */
  coarse: boolean;
  /** Together with the recording, identifies the same play in another file or import. */
  moment: string;
}

/** Validated. An absent part is not known. */
export interface SongDetails {
  isrc?: string;
  durationMs?: number;
  trackNumber?: number;
  releaseYear?: number;
  externalUrls?: readonly StagedUrl[];
}

/** A recording as most plays name it. */
interface Song {
  digest: string;
  title: string;
  artist: string;
  album: string | null;
  about: SongDetails | null;
}

/** Number of tracks in memory at a time. */
const PAGE = 1_000;
/** The beginning of external ids of tracks created by an import. */
const MADE = 'song:';

export async function createPlayStaging(tx: Transaction): Promise<void> {
  await tx`create temp table staged_plays (
    line bigint, digest text, recording text, title text, artist text, album text, about jsonb, kind feedback_kind, listened_ms int,
    at timestamptz, coarse boolean, moment text
  ) on commit drop`;
}

export function copyPlays(tx: Transaction, batches: AsyncIterable<readonly StagedPlay[]>): Promise<void> {
  return copyRows(
    tx,
    'staged_plays (line, digest, recording, title, artist, album, about, kind, listened_ms, at, coarse, moment)',
    (async function* () {
      for await (const batch of batches) yield batch.map(playValues);
    })(),
  );
}

function playValues({ line, title, artist, album, about, kind, listenedMs, at, coarse, moment }: StagedPlay) {
  const recording = recordingKey(artist, title);
  const named = [line, digestOf(recording), recording, title, artist, album, about && JSON.stringify(about)];
  return [...named, kind, listenedMs, at, coarse, moment];
}

/** Short, however long the names are. */
function digestOf(recording: string): string {
  return createHash('sha256').update(recording).digest('hex').slice(0, 32);
}

/**
 * Finds the track of each staged recording, and creates the missing ones ([IMP10]). A track that was imported as such
 * takes precedence over a created one, then an older track over a newer one.
 */
export async function makeUnknownSongs(tx: Transaction): Promise<MergeCounts> {
  await takeMergeTurn(tx);
  await stageSongs(tx);
  await findTracks(tx);
  await createNumberedTrackStaging(tx);
  for (let page = await nextSongs(tx, ''); page.length > 0; page = await nextSongs(tx, page.at(-1)?.digest ?? '')) {
    const rows = page.map((song, line) => ({ line, row: madeTrack(song) }));
    await copyTracks(tx, oneBatch(rows));
  }
  await tx`update songs set track = ${MADE} || digest where track is null`;
  const { created } = await mergeStagedTracks(tx);
  const [songs] = await tx<{ n: number }[]>`select count(*)::int as n from songs`;
  return { created, updated: 0, unchanged: (songs?.n ?? created) - created };
}

/**
 * Each recording once, named and described as most plays name it. Among equally frequent names those with an album come first, then
 * the alphabet decides.
 */
async function stageSongs(tx: Transaction): Promise<void> {
  await tx`analyze staged_plays`;
  await tx`create temp table songs on commit drop as
    select row_number() over (order by digest)::int as number, named.* from (
    select distinct on (digest) digest, recording, title, artist, album, about, null::text as track from (
      select digest, recording, title, artist, album, count(*) as plays, (array_agg(about order by about::text)
        filter (where about is not null))[1] as about
      from staged_plays group by digest, recording, title, artist, album
    ) spelt order by digest, plays desc, album is null, title, artist, album
    ) named`;
  await tx`create unique index on songs (digest)`;
  await tx`analyze songs`;
}

function nextSongs(tx: Transaction, after: string): Promise<Song[]> {
  return tx<Song[]>`select digest, title, artist, album, about from songs
    where track is null and digest > ${after} order by digest limit ${PAGE}`;
}

function madeTrack({ digest, title, artist, album, about }: Song): StagedTrack {
  const { isrc = null, durationMs = null, trackNumber = null, releaseYear = null, externalUrls = [] } = about ?? {};
  return {
    ...{ externalId: MADE + digest, title, artists: [{ name: artist, role: 'MAIN' }] },
    album: album === null ? null : { title: album, artists: [artist], externalId: null, releaseDate: null, covers: [] },
    ...{ isrc, durationMs, trackNumber, releaseYear, externalUrls },
    ...{ discNumber: null, explicit: false, genres: [], tags: [], covers: [], previewUrl: null, metadata: {} },
  };
}

async function* oneBatch<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[], void> {
  yield await Promise.resolve(rows);
}

/** Converts the plays into the form that all formats merge. */
export async function stagePlaysAsFeedback(tx: Transaction, listener: string): Promise<void> {
  await tx`insert into staged_listener_names values (1, ${listener})`;
  await tx`insert into staged_track_names select number, track from songs`;
  await tx`insert into staged_feedback (line, listener, track, kind, plays, listened_ms, at_ms, timed, key, coarse)
    select p.line, 1, s.number, p.kind, 1, p.listened_ms, (extract(epoch from p.at) * 1000)::bigint, true, p.moment || ':' || p.digest,
      p.coarse
    from staged_plays p join songs s using (digest)`;
}

/** A summary of the merged plays, new and known, and the number of tracks that the listener has not heard. */
export async function heardIn(tx: Transaction, listener: string) {
  const [heard] = await tx<{ plays: number; tracks: number; artists: number; unheard: number }[]>`
    select count(*)::int as plays, count(distinct t.id)::int as tracks, count(distinct t.artist_id)::int as artists,
      (select count(*)::int from tracks) - (select count(distinct f.track_id)::int from feedback f
        join listeners l on l.id = f.listener_id where l.external_id = ${listener}) as unheard
    from feedback_plan p join tracks t on t.id = p.track_id`;
  return heard ?? { plays: 0, tracks: 0, artists: 0, unheard: 0 };
}

/** The existing track of each song. Created tracks are also recognised by id, whatever their names are now. */
async function findTracks(tx: Transaction): Promise<void> {
  await tx`update songs s set track = r.track from (
      select distinct on (x.recording_key) x.recording_key, t.external_id as track
      from songs wanted join track_texts x on x.recording_key = wanted.recording join tracks t on t.id = x.track_id
      order by x.recording_key, starts_with(t.external_id, ${MADE}), t.id
    ) r where r.recording_key = s.recording`;
  await tx`update songs s set track = t.external_id from tracks t where s.track is null and t.external_id = ${MADE} || s.digest`;
}
