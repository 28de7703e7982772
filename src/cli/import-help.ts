import type { ImportFormat } from '../ingest/ingest.ts';

export const USAGE = `Usage: npm run import -- FORMAT PATH [PATH …] [options]

Your own listening; tracks that the catalogue does not have are made:
  spotify PATH        what Spotify sends you: the zip, a folder, or the files in it
  listenbrainz PATH   the export of ListenBrainz: the zip, or its JSONL files
  lastfm-csv PATH     what exporters make of a Last.fm account

A catalogue and listening of many:
  tracks PATH         what there is to recommend: CSV with a header, JSON or JSONL
  feedback PATH       listening and reactions: CSV with a header, JSON or JSONL
  lastfm-2k PATH      the folder of the HetRec 2011 Last.fm data
  sequences PATH      one line a listener: an id, then items in order, separated by spaces or tabs

  Files may be gzipped, or one in a zip. Importing the same again changes nothing.

  --listener ID       whose listening it is; for spotify, listenbrainz and lastfm-csv
  --map THEIRS=OURS   what the file calls a column of tracks or feedback; THEIRS= leaves one out; as often as needed
  --skip-bad          import the good rows; without it one bad row means that nothing is imported
  --database-url URL  the database to import into, in place of DATABASE_URL
  --data-dir FOLDER   the data folder of the embedded database, in place of CADENZA_DATA_DIR

npm run import -- FORMAT --help explains one format, docs/import.md all of them.`;

/** One format, as `FORMAT --help` explains it. */
export const formatHelp: Record<ImportFormat, string> = {
  spotify: `npm run import -- spotify PATH [PATH …] --listener ID

  Ask Spotify for your data (Account → Privacy → Download your data). Either export will do:
    Extended streaming history   everything; takes up to 30 days. Streaming_History_Audio_*.json, formerly endsong_*.json
    Account data                 the last year; takes some days. StreamingHistory*.json
  PATH is the zip as it was sent, a folder with the files, or the files. Files may overlap, both exports may be given.

  Becomes COMPLETE: heard for 30 seconds or more, to the end.        Becomes PLAY: as long, but not to the end.
  Becomes SKIP: left before 30 seconds with the skip button.         Left out: other short plays.
  Left out: podcasts, audiobooks, videos, private sessions, rows that name no track. The end report counts them.

  npm run import -- spotify my_spotify_data.zip --listener ann`,
  listenbrainz: `npm run import -- listenbrainz PATH [PATH …] --listener ID

  Export your listens (ListenBrainz → Settings → Export data). PATH is the zip, a folder, or JSONL or JSON files.
  Each listen becomes a PLAY at listened_at. Left out: listens without a time.

  npm run import -- listenbrainz listenbrainz_ann.zip --listener ann`,
  'lastfm-csv': `npm run import -- lastfm-csv PATH [PATH …] --listener ID

  What an exporter made of a Last.fm account: CSV with artist, album, track, date and no header (lastfm-to-csv), or with a
  header that names an artist, a track and a time (uts, utc_time, timestamp, date, …), such as ghan's exporter writes.
  Each scrobble becomes a PLAY. Left out: scrobbles without a time, e.g. of what is playing now.

  npm run import -- lastfm-csv ann.csv --listener ann`,
  tracks: `npm run import -- tracks PATH [--map THEIRS=OURS …]

  CSV with a header (comma, semicolon or tab), JSON objects one a line, or a JSON array of them.
  Needed: externalId, title, artist.   Optional: album, releaseYear, durationMs, explicit, genres, tags.
  Genres and tags are separated by ; or |. NULL, \\N, nan, None, N/A and a year 0 are no value.

  npm run import -- tracks songs.csv --map id=externalId --map name=title --map popularity=`,
  feedback: `npm run import -- feedback PATH [--map THEIRS=OURS …]

  CSV with a header (comma, semicolon or tab), JSON objects one a line, or a JSON array of them.
  Needed: listener, track (an externalId), kind (PLAY, COMPLETE, LIKE, SAVE, SKIP, DISLIKE, HIDE).
  Optional: at (2026-11-23T14:00:00Z, 2026-11-23 14:00, or seconds or milliseconds since 1970), plays, listenedMs, key.

  npm run import -- feedback plays.csv.gz --map user=listener --map song=track`,
  'lastfm-2k': `npm run import -- lastfm-2k PATH

  The folder of the HetRec 2011 Last.fm data as it is published: artists.dat, tags.dat, user_taggedartists.dat,
  user_artists.dat, each plain or gzipped.`,
  sequences: `npm run import -- sequences PATH

  One line a listener: an id, then items in the order in which they were heard, separated by spaces or tabs.`,
};
