import { checkRange } from '../../../lib/text/check-text.ts';
import { type ImportContext, LeftOut } from '../../import-context.ts';
import { readObjects } from '../../reading/objects.ts';
import type { Row } from '../row.ts';
import { DAY_MS, pastInstant } from '../rows.ts';
import type { Play, PlayFormat } from './plays.ts';
import { spotifyDetails } from './song-details.ts';

/** The minimum that Spotify itself counts as a stream. */
const HEARD_MS = 30_000;
const MINUTE_MS = 60_000;

const MUSIC = /(^|\/)(Streaming_History_Audio|endsong|StreamingHistory(?!_(podcast|video|audiobook)))[^/]*\.json$/i;
const OTHER = /(^|\/)(Streaming_?History_(video|podcast|audiobook))[^/]*\.json$/i;

const rules = {
  otherFile: new LeftOut('of podcasts, audiobooks or videos'),
  nameless: new LeftOut('that name no track'),
  privateSession: new LeftOut('of private sessions'),
  short: new LeftOut('shorter than 30 seconds'),
};

/**
 * Spotify's extended streaming history (`Streaming_History_Audio_*.json`, `endsong_*.json`) and the last year in the
 * account data (`StreamingHistory*.json`), in the archive or unpacked. Rules: docs/import.md.
 */
export const spotify: PlayFormat = {
  named: 'a Spotify export',
  holds: (path) => MUSIC.test(path) || OTHER.test(path),
  read: (chunks, file) => readObjects(chunks, file, { named: 'a Spotify export', marks: ['ts', 'endTime'] }),
  playOf: (row, file, context) => {
    if (OTHER.test(file) || isSpoken(row)) return rules.otherFile;
    return row.has('endTime') ? accountPlay(row, context) : extendedPlay(row, context);
  },
};

function isSpoken(row: Row): boolean {
  const isNamed = row.has('master_metadata_track_name') || row.has('trackName');
  return !isNamed && ['episode_name', 'audiobook_title', 'podcastName', 'episodeName'].some((key) => row.has(key));
}

function extendedPlay(row: Row, { clock }: ImportContext): Play | LeftOut {
  const at = pastInstant(row.requiredInstant('ts', true), clock, 'ts');
  const listenedMs = listened(row, 'ms_played');
  const title = row.optionalName('master_metadata_track_name');
  const artist = row.optionalName('master_metadata_album_artist_name');
  if (title === null || artist === null) return rules.nameless;
  if (row.flag('incognito_mode')) return rules.privateSession;
  const kind = kindOf(row, listenedMs);
  if (kind === null) return rules.short;
  const album = row.optionalName('master_metadata_album_album_name');
  const about = spotifyDetails(row.text('spotify_track_uri'));
  return { title, artist, album, about, kind, listenedMs, at, coarse: false, moment: momentOf(at, listenedMs) };
}

/** The account data has times to the minute, no album, and does not say how a play ended. */
function accountPlay(row: Row, { clock }: ImportContext): Play | LeftOut {
  const at = pastInstant(row.requiredInstant('endTime', true), clock, 'endTime');
  const listenedMs = listened(row, 'msPlayed');
  const title = row.optionalName('trackName');
  const artist = row.optionalName('artistName');
  const isUnknown = title === 'Unknown Track' && artist === 'Unknown Artist';
  if (title === null || artist === null || isUnknown) return rules.nameless;
  if (listenedMs < HEARD_MS) return rules.short;
  return { title, artist, album: null, kind: 'PLAY', listenedMs, at, coarse: true, moment: momentOf(at, listenedMs) };
}

function listened(row: Row, column: string): number {
  return checkRange(row.requiredInteger(column), column, 0, DAY_MS);
}

/** Null for a short play that was not ended on purpose, which tells nothing. */
function kindOf(row: Row, listenedMs: number): Play['kind'] | null {
  const reason = row.text('reason_end');
  if (listenedMs >= HEARD_MS) return reason === 'trackdone' ? 'COMPLETE' : 'PLAY';
  return row.flag('skipped') || reason === 'fwdbtn' ? 'SKIP' : null;
}

/** Both exports have the milliseconds played and the minute in which the play ended. */
function momentOf(at: Date, listenedMs: number): string {
  return `spotify:${Math.floor(at.getTime() / MINUTE_MS)}:${listenedMs}`;
}
