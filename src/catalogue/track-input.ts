import type { StagedTrack } from '../db/queries/track-merge.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { checkLength, checkName, checkRange } from '../lib/text/check-text.ts';
import { slugOf } from '../lib/text/folded-text.ts';
import type { TrackInput } from './contract.ts';

const MAX_BATCH = 1_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** @throws InvalidInputError naming, for example, `input.3.title` */
export function cleanTracks(input: readonly TrackInput[]): StagedTrack[] {
  checkLength(input, 'input', MAX_BATCH);
  const tracks = input.map((track, i) => cleanTrack(track, `input.${i}.`));
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
export function cleanTrack(track: TrackInput, path = ''): StagedTrack {
  return {
    externalId: checkName(track.externalId, `${path}externalId`, { max: 200 }),
    title: checkName(track.title, `${path}title`, { max: 500 }),
    artist: checkName(track.artist, `${path}artist`, { max: 500 }),
    album:
      track.album == null || track.album.trim() === '' ? null : checkName(track.album, `${path}album`, { max: 500 }),
    releaseYear: optionalInteger(track.releaseYear, `${path}releaseYear`, 1000, 2100),
    durationMs: optionalInteger(track.durationMs, `${path}durationMs`, 1, DAY_MS),
    explicit: track.explicit ?? false,
    genres: cleanGenres(track.genres ?? [], `${path}genres`),
    tags: cleanTags(track.tags ?? [], `${path}tags`),
  };
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
  checkLength(names, field, 200);
  const clean = names.map((name, i) => checkName(name, `${field}.${i}`, { max: 100 }).toLowerCase());
  return [...new Set(clean)].map((name) => ({ name, weight: 1 }));
}
