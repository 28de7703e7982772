import { randomStream } from '../../../src/lib/random.ts';

export interface Recording {
  artist: string;
  title: string;
}

/** An export as Spotify sends it, and what is in it. */
export interface SpotifyExport {
  /** By the paths in the zip. */
  files: Record<string, string>;
  /** Rows of all files of listening, repeated ones too. */
  rows: number;
  podcasts: number;
  videos: number;
  privateSessions: number;
  /** Shorter than 30 seconds, and not skipped. */
  short: number;
  /** Plays that stay, each once. */
  plays: number;
  recordings: number;
}

const FOLDER = 'Spotify Extended Streaming History';
const HOUR_MS = 3_600_000;
/** Rows at the end of a file that the next one begins with. */
const OVERLAP = 5;
const EDITIONS = ['', ' - Remastered 2011', ' - 2015 Remaster', ' (Deluxe Edition)'];

type Row = Record<string, unknown>;

/**
 * Somebody's listening of five years, a row an hour, in five files whose ends overlap: the first recordings of the list are
 * heard most, now and then another edition of them, and podcasts, private sessions, skips and short plays between.
 */
export function spotifyExport(recordings: readonly Recording[], rowsAYear: number, seed = 1): SpotifyExport {
  const random = randomStream(seed);
  const counts = { podcasts: 0, privateSessions: 0, short: 0, plays: 0 };
  const heard = new Set<Recording>();
  const years = [2019, 2020, 2021, 2022, 2023].map((year) =>
    Array.from({ length: rowsAYear }, (_, hour): Row => {
      const at = new Date(Date.UTC(year, 0, 1) + hour * HOUR_MS).toISOString().replace('.000Z', 'Z');
      const draw = random();
      if (draw < 0.05) {
        counts.podcasts++;
        return { ...rowOf(at, 1_800_000), episode_name: 'Episode', episode_show_name: 'Show' };
      }
      const recording = recordings[Math.floor(recordings.length * random() ** 2)]!;
      const row = { ...rowOf(at, 200_000 + hour), ...namesOf(recording, random) };
      if (draw < 0.1) {
        counts.privateSessions++;
        return { ...row, incognito_mode: true };
      }
      if (draw < 0.15) {
        counts.short++;
        return { ...row, ms_played: 4_000, reason_end: 'endplay' };
      }
      counts.plays++;
      heard.add(recording);
      return draw < 0.25 ? { ...row, ms_played: 9_000, reason_end: 'fwdbtn', skipped: true } : row;
    }),
  );
  const files = years.map((rows, i) => {
    const before = (years[i - 1] ?? []).slice(-OVERLAP);
    return [`${FOLDER}/Streaming_History_Audio_${2019 + i}_${i}.json`, [...before, ...rows]] as const;
  });
  const repeated = years.slice(0, -1).flatMap((rows) => rows.slice(-OVERLAP));
  const video = [{ ...rowOf('2023-06-01T10:00:00Z', 60_000), ...namesOf(recordings[0]!, random) }];
  return {
    files: {
      ...Object.fromEntries(files.map(([path, rows]) => [path, JSON.stringify(rows)])),
      [`${FOLDER}/Streaming_History_Video_2019-2023.json`]: JSON.stringify(video),
      [`${FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf`]: '%PDF-1.4',
    },
    rows: files.reduce((sum, [, rows]) => sum + rows.length, 0) + video.length,
    podcasts: counts.podcasts + repeated.filter((row) => row.episode_name !== null).length,
    videos: video.length,
    privateSessions: counts.privateSessions + repeated.filter((row) => row.incognito_mode).length,
    short: counts.short + repeated.filter((row) => row.reason_end === 'endplay' && !row.incognito_mode).length,
    plays: counts.plays,
    recordings: heard.size,
  };
}

function namesOf({ artist, title }: Recording, random: () => number): Row {
  return {
    master_metadata_track_name: title + (EDITIONS[Math.floor(EDITIONS.length * random() ** 3)] ?? ''),
    master_metadata_album_artist_name: artist,
    master_metadata_album_album_name: 'An album',
    spotify_track_uri: `spotify:track:${Math.floor(1e9 * random())}`,
  };
}

function rowOf(ts: string, msPlayed: number): Row {
  return {
    ...{ ts, platform: 'android', ms_played: msPlayed, conn_country: 'XX', ip_addr: '192.0.2.1' },
    ...{ master_metadata_track_name: null, master_metadata_album_artist_name: null },
    ...{ master_metadata_album_album_name: null, spotify_track_uri: null, episode_name: null, episode_show_name: null },
    ...{ spotify_episode_uri: null, audiobook_title: null, reason_start: 'trackdone', reason_end: 'trackdone' },
    ...{ shuffle: false, skipped: false, offline: false, offline_timestamp: null, incognito_mode: false },
  };
}
