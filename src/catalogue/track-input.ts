import { nameKey, type StagedAlbum, type StagedTrack } from '../db/catalogue/staged-track.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { checkLength, checkName, checkRange } from '../lib/text/check-text.ts';
import { slugOf } from '../lib/text/folded-text.ts';
import { checkCovers, checkExternalUrls, optionalAddress } from './addresses.ts';
import type { AlbumInput, TrackInput } from './contract.ts';
import { checkMetadata, type DeclaredKeys } from './metadata.ts';

const MAX_BATCH = 1_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** The tags of a track, and the characters of one. */
export const TAG_LIMITS = { mostTags: 200, longestTag: 100 };

/** @throws InvalidInputError naming, for example, `input.3.title` */
export function cleanTracks(input: readonly TrackInput[], keys: DeclaredKeys): StagedTrack[] {
  checkLength(input, 'input', MAX_BATCH);
  const tracks = input.map((track, i) => cleanTrack(track, keys, `input.${i}.`));
  const seen = new Map<string, number>();
  tracks.forEach(({ externalId }, i) => {
    const first = seen.get(externalId);
    const field = `input.${i}.externalId`;
    if (first !== undefined) throw new InvalidInputError(`${field} repeats "${externalId}" of input.${first}`, field);
    seen.set(externalId, i);
  });
  return tracks;
}

/** Validates and normalises one track. Errors prefix the field's name with `path`. */
export function cleanTrack(track: TrackInput, keys: DeclaredKeys, path = ''): StagedTrack {
  const artists = cleanCredits(track, path);
  const main = artists.find(({ role }) => role === 'MAIN')?.name ?? '';
  return {
    externalId: checkName(track.externalId, `${path}externalId`, { max: 200 }),
    title: checkName(track.title, `${path}title`, { max: 500 }),
    artists,
    album: track.album ? cleanAlbum(track.album, main, `${path}album`) : null,
    discNumber: optionalInteger(track.discNumber, `${path}discNumber`, 1, 1_000),
    trackNumber: optionalInteger(track.trackNumber, `${path}trackNumber`, 1, 10_000),
    releaseYear: optionalInteger(track.releaseYear, `${path}releaseYear`, 1000, 2100),
    durationMs: optionalInteger(track.durationMs, `${path}durationMs`, 1, DAY_MS),
    explicit: track.explicit ?? false,
    genres: cleanGenres(track.genres ?? [], `${path}genres`),
    tags: cleanTags(track.tags ?? [], `${path}tags`),
    isrc: track.isrc == null || track.isrc.trim() === '' ? null : checkIsrc(track.isrc, `${path}isrc`),
    covers: checkCovers(track.covers, `${path}covers`),
    previewUrl: optionalAddress(track.previewUrl, `${path}previewUrl`),
    externalUrls: checkExternalUrls(track.externalUrls, `${path}externalUrls`),
    metadata: checkMetadata(track.metadata, keys, `${path}metadata`),
  };
}

/** Country or registrant, year and designation: ISO 3901. */
const ISRC = /^[A-Z]{2}[A-Z0-9]{3}\d{7}$/;

/** Without hyphens, in capital letters. */
export function checkIsrc(value: string, field: string): string {
  const isrc = value.replace(/[\s-]/g, '').toUpperCase();
  if (ISRC.test(isrc)) return isrc;
  const shown = value.slice(0, 30);
  throw new InvalidInputError(`${field} must be an ISRC like USRC17607839, not ${JSON.stringify(shown)}`, field);
}

/** Each artist once in each role, as named first. */
function cleanCredits({ artist, artists }: TrackInput, path: string): StagedTrack['artists'] {
  if (artist != null && artists != null) {
    throw new InvalidInputError(`${path}artist is a short form of ${path}artists: send one of them`, `${path}artist`);
  }
  const field = `${path}artists`;
  checkLength(artists ?? [], field, 100);
  const credits = artists
    ? artists.map(({ name, role }, i) => ({ name: artistName(name, `${field}.${i}.name`), role: role ?? 'MAIN' }))
    : [{ name: artistName(artist ?? '', `${path}artist`), role: 'MAIN' as const }];
  if (credits.some(({ role }) => role === 'MAIN')) return withoutRepeated(credits);
  throw new InvalidInputError(`${field} must have at least one artist in the role MAIN`, field);
}

const artistName = (name: string, field: string): string => checkName(name, field, { max: 500 });

function withoutRepeated(credits: StagedTrack['artists']): StagedTrack['artists'] {
  const seen = new Map<string, StagedTrack['artists'][number]>();
  for (const credit of credits) {
    const key = `${credit.role} ${nameKey(credit.name)}`;
    if (!seen.has(key)) seen.set(key, credit);
  }
  return [...seen.values()];
}

/** @param mainArtist the track's, who is the album's where it names none */
function cleanAlbum(album: AlbumInput, mainArtist: string, field: string): StagedAlbum {
  const { externalId, releaseDate } = album;
  const named = checkLength(album.artists ?? [], `${field}.artists`, 20);
  const artists = named.map((name, i) => artistName(name, `${field}.artists.${i}`));
  const once = new Map(artists.map((name) => [nameKey(name), name]));
  return {
    externalId: externalId == null ? null : checkName(externalId, `${field}.externalId`, { max: 200 }),
    title: checkName(album.title, `${field}.title`, { max: 500 }),
    artists: once.size > 0 ? [...once.values()] : [mainArtist],
    releaseDate: releaseDate == null ? null : checkReleaseDate(releaseDate, `${field}.releaseDate`),
    covers: checkCovers(album.covers, `${field}.covers`),
  };
}

const PARTIAL_DATE = /^[12]\d{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/;

/** A year, a month or a day. */
function checkReleaseDate(value: string, field: string): string {
  const text = value.trim();
  if (PARTIAL_DATE.test(text) && !(text.length === 10 && new Date(text).toISOString().slice(0, 10) !== text))
    return text;
  const shown = JSON.stringify(value.slice(0, 30));
  throw new InvalidInputError(`${field} must be a date like 1971-11-08, 1971-11 or 1971, not ${shown}`, field);
}

function optionalInteger(value: number | null | undefined, field: string, min: number, max: number): number | null {
  if (value == null) return null;
  if (!Number.isInteger(value)) throw new InvalidInputError(`${field} must be a whole number, not ${value}`, field);
  return checkRange(value, field, min, max);
}

function cleanGenres(names: readonly string[], field: string): StagedTrack['genres'] {
  checkLength(names, field, 20);
  const genres = new Map<string, string>();
  names.forEach((name, i) => {
    const clean = checkName(name, `${field}.${i}`, { max: 100 });
    const slug = slugOf(clean);
    if (slug === '') throw new InvalidInputError(`${field}.${i} has no letter or digit: "${clean}"`, `${field}.${i}`);
    if (!genres.has(slug)) genres.set(slug, clean);
  });
  return [...genres].map(([slug, name]) => ({ slug, name }));
}

function cleanTags(names: readonly string[], field: string): StagedTrack['tags'] {
  checkLength(names, field, TAG_LIMITS.mostTags);
  const limit = { max: TAG_LIMITS.longestTag };
  const clean = names.map((name, i) => checkName(name, `${field}.${i}`, limit).toLowerCase());
  return [...new Set(clean)].map((name) => ({ name, weight: 1 }));
}
