import { checkIsrc } from '../../../catalogue/catalogue.ts';
import type { SongDetails } from '../../../db/imports/import-plays.ts';
import { InvalidInputError } from '../../../lib/errors.ts';
import { DAY_MS } from '../rows.ts';

const SPOTIFY_TRACK = /^spotify:track:([A-Za-z0-9]{1,40})$|^https:\/\/open\.spotify\.com\/track\/([A-Za-z0-9]{1,40})$/;
const MBID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_TRACKS = 10_000;

/** What Spotify's extended history says of a recording beside its names. */
export function spotifyDetails(uri: string | null): SongDetails | null {
  const url = spotifyUrl(uri);
  return url && { externalUrls: [url] };
}

/**
 * What a listen's additional information says of the recording. Clients of ListenBrainz fill it as they like, so what is not as
 * described is left out instead of making the row bad.
 */
export function listenDetails(metadata: Record<string, unknown>): SongDetails {
  const info = objectIn(metadata, 'additional_info');
  const isrc = isrcIn(textIn(info, 'isrc'));
  const seconds = info.duration;
  const durationMs = wholeNumber(info.duration_ms ?? (typeof seconds === 'number' ? seconds * 1000 : null), DAY_MS);
  const trackNumber = wholeNumber(Number(info.tracknumber ?? info.track_number), MOST_TRACKS);
  const mbid = textIn(info, 'recording_mbid') ?? textIn(objectIn(metadata, 'mbid_mapping'), 'recording_mbid');
  const externalUrls = [musicBrainzUrl(mbid), spotifyUrl(textIn(info, 'spotify_id'))].flatMap((url) => url ?? []);
  return {
    ...(isrc !== null && { isrc }),
    ...(durationMs !== null && { durationMs }),
    ...(trackNumber !== null && { trackNumber }),
    ...(externalUrls.length > 0 && { externalUrls }),
  };
}

function objectIn(fields: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = fields[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textIn(fields: Record<string, unknown>, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' ? value : null;
}

function wholeNumber(value: unknown, most: number): number | null {
  const whole = typeof value === 'number' ? Math.round(value) : 0;
  return whole >= 1 && whole <= most ? whole : null;
}

function isrcIn(text: string | null): string | null {
  try {
    return text === null ? null : checkIsrc(text, 'isrc');
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
}

function spotifyUrl(text: string | null): { service: string; url: string } | null {
  const [, fromUri, fromUrl] = SPOTIFY_TRACK.exec(text ?? '') ?? [];
  const id = fromUri ?? fromUrl;
  return id === undefined ? null : { service: 'spotify', url: `https://open.spotify.com/track/${id}` };
}

function musicBrainzUrl(mbid: string | null): { service: string; url: string } | null {
  return MBID.test(mbid ?? '')
    ? { service: 'musicbrainz', url: `https://musicbrainz.org/recording/${mbid ?? ''}` }
    : null;
}
