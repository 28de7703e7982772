import { createHash } from 'node:crypto';
import { caseless } from '../../lib/text/folded-text.ts';
import type { artistRole } from '../catalogue-tables.ts';
import type { Transaction } from '../connection/transaction.ts';

export type ArtistRoleColumn = (typeof artistRole.enumValues)[number];

/** `size` in pixels; null where the address has `{size}` or is the only one. */
interface StagedCover {
  url: string;
  size: number | null;
}

export interface StagedUrl {
  service: string;
  url: string;
}

export type StagedMetadataValue = string | number | boolean | readonly string[];

export interface StagedAlbum {
  externalId: string | null;
  title: string;
  /** At least one. */
  artists: readonly string[];
  /** As much of `YYYY-MM-DD` as is known. */
  releaseDate: string | null;
  covers: readonly StagedCover[];
}

/** A validated track of a source, which the merge compares with the catalogue. */
export interface StagedTrack {
  externalId: string;
  title: string;
  /** Each name once in each role; at least one of them MAIN. */
  artists: readonly { name: string; role: ArtistRoleColumn }[];
  album: StagedAlbum | null;
  discNumber: number | null;
  trackNumber: number | null;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  /** Main genre first. */
  genres: readonly { slug: string; name: string }[];
  /** `weight` in (0, 1]. */
  tags: readonly { name: string; weight: number }[];
  isrc: string | null;
  covers: readonly StagedCover[];
  previewUrl: string | null;
  externalUrls: readonly StagedUrl[];
  metadata: Readonly<Record<string, StagedMetadataValue>>;
}

/** The artist's natural key: "The  BEATLES" and "the beatles" are one artist. */
export const nameKey = caseless;

/** An album's natural key: its external id or, where it has none, its title and first artist. Short, however long these are. */
export function albumKey(externalId: string | null, title: string, artist: string): string {
  const named = externalId === null ? ['title', caseless(title), nameKey(artist)] : ['id', externalId];
  return createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40);
}

/** The columns of the staging table with their types. Objects are JSON in a text, which COPY and inserts write alike. */
const columns = {
  external_id: 'text',
  title: 'text',
  artist_names: `text[] default '{}'`,
  artist_keys: `text[] default '{}'`,
  artist_roles: `text[] default '{}'`,
  album_key: 'text',
  album: 'text',
  disc_number: 'int',
  track_number: 'int',
  release_year: 'int',
  duration_ms: 'int',
  explicit: 'boolean default false',
  genre_slugs: `text[] default '{}'`,
  genre_names: `text[] default '{}'`,
  tag_names: `text[] default '{}'`,
  tag_weights: `real[] default '{}'`,
  isrc: 'text',
  covers: `text default '[]'`,
  preview_url: 'text',
  external_urls: `text default '[]'`,
  metadata: `text default '{}'`,
} as const;

export const stagedTrackColumns = Object.keys(columns).join(', ');

/** Creates an empty staging table for the duration of the transaction. */
export async function createTrackStaging(tx: Transaction): Promise<void> {
  const declared = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  await tx.unsafe(`create temp table staged_tracks (${declared.join(', ')}) on commit drop`);
}

export type StagedValue = string | number | boolean | null | string[] | number[];

/** A row for the staging table. Tags are sorted by name, so that their order never counts as a change. */
export function stagedTrackRow(track: StagedTrack): Record<keyof typeof columns, StagedValue> {
  const { album, artists, genres } = track;
  const tags = [...track.tags].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    external_id: track.externalId,
    title: track.title,
    artist_names: artists.map(({ name }) => name),
    artist_keys: artists.map(({ name }) => nameKey(name)),
    artist_roles: artists.map(({ role }) => role),
    album_key: album && albumKey(album.externalId, album.title, album.artists[0] ?? ''),
    album: album && JSON.stringify({ ...album, artists: album.artists.map((name) => ({ name, key: nameKey(name) })) }),
    disc_number: track.discNumber,
    track_number: track.trackNumber,
    release_year: track.releaseYear,
    duration_ms: track.durationMs,
    explicit: track.explicit,
    genre_slugs: genres.map((genre) => genre.slug),
    genre_names: genres.map((genre) => genre.name),
    tag_names: tags.map((tag) => tag.name),
    tag_weights: tags.map((tag) => Math.fround(tag.weight)),
    isrc: track.isrc,
    covers: JSON.stringify(track.covers),
    preview_url: track.previewUrl,
    external_urls: JSON.stringify(track.externalUrls),
    metadata: JSON.stringify(track.metadata),
  };
}

/** The same values in the order of `stagedTrackColumns`. */
export function stagedTrackValues(track: StagedTrack): StagedValue[] {
  const row = stagedTrackRow(track);
  return (Object.keys(columns) as (keyof typeof columns)[]).map((column) => row[column]);
}
