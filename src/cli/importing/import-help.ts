import type { ImportFormat } from '../../ingest/ingest.ts';

export const USAGE = `Usage: npm run import -- FORMAT PATH [PATH …] [options]

One person's listening history (tracks that are not in the catalogue are created):
  spotify PATH        your data from Spotify: the zip, its folder, or its files
  listenbrainz PATH   a ListenBrainz export: the zip, or its JSONL files
  lastfm-csv PATH     a CSV export of a Last.fm account

A catalogue, and feedback of many listeners:
  tracks PATH         the tracks to recommend: CSV with a header, JSON or JSONL
  feedback PATH       plays and reactions: CSV with a header, JSON or JSONL
  lastfm-2k PATH      the folder of the HetRec 2011 Last.fm data
  sequences PATH      one line per listener: an id, then items in order, separated by spaces or tabs
  consents PATH       what listeners allow their feedback to be used for: CSV with a header, JSON or JSONL

  A file may be gzipped, or be the only one in a zip. Repeating an import changes nothing.

  --listener ID       the listener whose history it is; for spotify, listenbrainz and lastfm-csv
  --map THEIRS=OURS   renames a column of tracks, feedback or consents; THEIRS= ignores it; may be repeated
  --skip-bad          skip bad rows; without it one bad row prevents the import
  --database-url URL  the database to import into; overrides DATABASE_URL
  --data-dir FOLDER   the data folder of the embedded database; overrides CADENZA_DATA_DIR

npm run import -- FORMAT --help describes one format, docs/import.md all of them.`;

/** The text of `FORMAT --help`. */
export const formatHelp: Record<ImportFormat, string> = {
  spotify: `npm run import -- spotify PATH [PATH …] --listener ID

  Request your data from Spotify (Account → Privacy → Download your data). Both exports are supported:
    Extended streaming history   everything; takes up to 30 days. Streaming_History_Audio_*.json, formerly endsong_*.json
    Account data                 the last year; takes a few days. StreamingHistory*.json
  PATH is the zip, a folder with the files, or the files. Files may overlap, and both exports may be imported.

  COMPLETE: played for 30 seconds or more, to the end.   PLAY: played for 30 seconds or more, but not to the end.
  SKIP: skipped within 30 seconds with the skip button. Left out: other short plays.
  Also left out: podcasts, audiobooks, videos, private sessions, rows without a track. The final report counts them.

  npm run import -- spotify my_spotify_data.zip --listener ann`,
  listenbrainz: `npm run import -- listenbrainz PATH [PATH …] --listener ID

  Export your listens (ListenBrainz → Settings → Export data). PATH is the zip, a folder, or JSONL or JSON files.
  Each listen becomes a PLAY at listened_at. Left out: listens without a time.

  npm run import -- listenbrainz listenbrainz_ann.zip --listener ann`,
  'lastfm-csv': `npm run import -- lastfm-csv PATH [PATH …] --listener ID

  A CSV export of a Last.fm account: artist, album, track and date without a header (lastfm-to-csv), or with a
  header that names an artist, a track and a time (uts, utc_time, timestamp, date, …), as written by ghan's exporter.
  Each scrobble becomes a PLAY. Left out: scrobbles without a time, such as the track that is playing now.

  npm run import -- lastfm-csv ann.csv --listener ann`,
  tracks: `npm run import -- tracks PATH [--map THEIRS=OURS …]

  CSV with a header (comma, semicolon or tab), JSON objects, one per line, or a JSON array of them.
  Required: externalId, title, artist.   Optional: credits, album, albumExternalId, albumArtists, releaseDate,
  albumCoverUrl, discNumber, trackNumber, releaseYear, durationMs, explicit, genres, tags, isrc, coverUrl, previewUrl,
  externalUrls, and metadata.KEY for each declared key.
  Genres and tags are separated by ; or |. NULL, \\N, nan, None, N/A and the year 0 mean no value.

  npm run import -- tracks songs.csv --map id=externalId --map name=title --map popularity=`,
  feedback: `npm run import -- feedback PATH [--map THEIRS=OURS …]

  CSV with a header (comma, semicolon or tab), JSON objects, one per line, or a JSON array of them.
  Required: listener, track (an externalId), kind (PLAY, COMPLETE, LIKE, SAVE, SKIP, DISLIKE, HIDE).
  Optional: at (2026-11-23T14:00:00Z, 2026-11-23 14:00, or seconds or milliseconds since 1970), plays, listenedMs, key.

  npm run import -- feedback plays.csv.gz --map user=listener --map song=track`,
  consents: `npm run import -- consents PATH [--map THEIRS=OURS …]

  CSV with a header (comma, semicolon or tab), JSON objects, one per line, or a JSON array of them.
  Required: listener.   Optional: training, analytics (true or false), of which a row has at least one.

  npm run import -- consents consents.csv --map user=listener`,
  'lastfm-2k': `npm run import -- lastfm-2k PATH

  The folder of the HetRec 2011 Last.fm data as published: artists.dat, tags.dat, user_taggedartists.dat,
  user_artists.dat, each plain or gzipped.`,
  sequences: `npm run import -- sequences PATH

  One line per listener: an id, then items in the order in which they were played, separated by spaces or tabs.`,
};
