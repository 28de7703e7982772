import {
  type AlbumInput,
  type ArtistRole,
  cleanTrack,
  type DeclaredKeys,
  type TrackInput,
} from '../../catalogue/catalogue.ts';
import type { StagedTrack } from '../../db/catalogue/staged-track.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import type { Columns } from '../reading/columns.ts';
import type { Row } from './row.ts';

/** The `tracks` format: docs/import.md. Each declared key has a column. */
export const trackColumns = (keys: DeclaredKeys): Columns => ({
  required: ['externalId', 'title', 'artist'],
  optional: [
    ...['credits', 'album', 'albumExternalId', 'albumArtists', 'albumCoverUrl', 'albumCovers', 'releaseDate'],
    ...['discNumber', 'trackNumber', 'releaseYear', 'durationMs', 'explicit', 'genres', 'tags'],
    ...['isrc', 'coverUrl', 'covers', 'previewUrl', 'externalUrls', 'metadata'],
    ...[...keys.keys()].map((key) => `metadata.${key}`),
    ...featuresIn(keys),
  ],
});

/** @throws InvalidInputError with the reason if the row is bad */
export function trackOf(row: Row, keys: DeclaredKeys): StagedTrack {
  const track: TrackInput = {
    externalId: row.id('externalId'),
    title: row.name('title'),
    artists: creditsOf(row),
    album: albumOf(row),
    discNumber: row.integer('discNumber'),
    trackNumber: row.integer('trackNumber'),
    releaseYear: row.year('releaseYear'),
    durationMs: row.integer('durationMs'),
    explicit: row.flag('explicit'),
    genres: row.list('genres'),
    tags: row.list('tags'),
    isrc: row.text('isrc'),
    covers: coversOf(row, 'coverUrl', 'covers'),
    previewUrl: row.text('previewUrl'),
    externalUrls: row.pairs('externalUrls', '=').map(([service, url]) => ({ service, url })),
    metadata: metadataOf(row, keys),
  };
  return cleanTrack(track, keys);
}

const roles: readonly ArtistRole[] = [
  ...(['MAIN', 'FEATURED', 'REMIXER', 'COMPOSER', 'LYRICIST', 'PRODUCER', 'CONDUCTOR', 'PERFORMER'] as const),
];

/** The artist of the column, and others with their roles, for example `FEATURED: Rihanna`. */
function creditsOf(row: Row): NonNullable<TrackInput['artists']> {
  const others = row.pairs('credits', ':').map(([word, name]) => {
    const role = roles.find((known) => known === word.toUpperCase());
    if (role) return { role, name };
    throw new InvalidInputError(`credits: "${word.slice(0, 30)}" is none of the roles ${roles.join(', ')}`, 'credits');
  });
  return [{ name: row.name('artist'), role: 'MAIN' }, ...others];
}

function albumOf(row: Row): AlbumInput | null {
  const title = row.text('album');
  if (title !== null && title.trim() !== '') {
    return {
      title,
      externalId: row.optionalId('albumExternalId'),
      artists: row.list('albumArtists'),
      releaseDate: row.text('releaseDate'),
      covers: coversOf(row, 'albumCoverUrl', 'albumCovers'),
    };
  }
  const stray = ['albumExternalId', 'albumArtists', 'albumCoverUrl', 'albumCovers', 'releaseDate'].find((column) => {
    return row.has(column);
  });
  if (stray !== undefined) throw new InvalidInputError(`${stray} is about an album, and album is empty`, stray);
  return null;
}

/** What services that measure audio say of a track. A declared one also has a column of its own name. */
const FEATURES = [
  ...['valence', 'energy', 'danceability', 'tempo', 'loudness'],
  ...['acousticness', 'instrumentalness', 'liveness', 'speechiness'],
];
const featuresIn = (keys: DeclaredKeys): string[] => FEATURES.filter((name) => keys.get(name) === 'NUMBER');

/** One address or template, or in JSON a list of addresses with their sizes. */
function coversOf(row: Row, one: string, several: string): NonNullable<TrackInput['covers']> {
  const url = row.text(one);
  const sized = row.objects(several)?.map((cover) => ({ url: cover.name('url'), size: cover.integer('size') })) ?? [];
  return url === null ? sized : [{ url }, ...sized];
}

/** An object in JSON, and columns like `metadata.bpm`. */
function metadataOf(row: Row, keys: DeclaredKeys): Record<string, unknown> {
  const values: Record<string, unknown> = { ...row.plainObject('metadata') };
  for (const [key, type] of keys) {
    const named = `metadata.${key}`;
    const column = !row.has(named) && type === 'NUMBER' && FEATURES.includes(key) ? key : named;
    const value = row.has(column) ? readers[type](row, column) : null;
    if (value !== null) values[key] = value;
  }
  return values;
}

const readers = {
  STRING: (row: Row, column: string) => row.text(column),
  STRINGS: (row: Row, column: string) => row.list(column),
  NUMBER: (row: Row, column: string) => row.number(column),
  BOOLEAN: (row: Row, column: string) => row.flag(column),
};
