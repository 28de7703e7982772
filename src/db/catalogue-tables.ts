import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgEnum,
  pgSequence,
  pgTable,
  primaryKey,
  real,
  text,
} from 'drizzle-orm/pg-core';
import { bytewise, id, instant, ref, tsvector } from './columns.ts';

export const artistRole = pgEnum('artist_role', [
  'MAIN',
  'FEATURED',
  'REMIXER',
  'COMPOSER',
  'LYRICIST',
  'PRODUCER',
  'CONDUCTOR',
  'PERFORMER',
]);

/** How a name is found and ordered: in normal form, and its search terms. Null until they have been made: see texts/. */
const nameTexts = () => ({ nameText: bytewise(), search: tsvector() });

/** `nameKey` is the natural key: the name in the form of `caseless`. */
export const artists = pgTable(
  'artists',
  { id: id(), name: text().notNull(), nameKey: text().notNull().unique(), ...nameTexts() },
  (t) => [
    index().on(t.nameText, t.id),
    index('artists_search_index').using('gin', t.search),
    index('artists_missing_index')
      .on(t.id)
      .where(sql`${t.search} is null`),
  ],
);

export const genres = pgTable('genres', { id: id(), slug: text().notNull().unique(), name: text().notNull() });

export const tags = pgTable('tags', { id: id(), name: text().notNull().unique(), ...nameTexts() }, (t) => [
  index().on(t.nameText, t.id),
  index('tags_search_index').using('gin', t.search),
  index('tags_missing_index')
    .on(t.id)
    .where(sql`${t.search} is null`),
]);

export const albums = pgTable(
  'albums',
  {
    id: id(),
    /** Identifies the album, by its external id or by its first artist and title: see catalogue/album-key. */
    key: text().notNull().unique(),
    externalId: text(),
    title: text().notNull(),
    /** As much of `YYYY-MM-DD` as is known. */
    releaseDate: text(),
    /** Addresses of its picture: see `trackDetails`. */
    covers: jsonb()
      .notNull()
      .default(sql`'[]'`),
    ...nameTexts(),
  },
  (t) => [
    index().on(t.nameText, t.id),
    index('albums_newest_index').on(t.releaseDate.desc().nullsLast(), t.id),
    index('albums_search_index').using('gin', t.search),
    index('albums_missing_index')
      .on(t.id)
      .where(sql`${t.search} is null`),
  ],
);

export const albumArtists = pgTable(
  'album_artists',
  {
    albumId: ref().references(() => albums.id, { onDelete: 'cascade' }),
    artistId: ref().references(() => artists.id),
    position: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.albumId, t.artistId] }), index().on(t.artistId)],
);

/** Tells changes of tracks apart: whatever changes one takes its turn with all others, and the next numbers. */
export const catalogueRevisions = pgSequence('catalogue_revisions');
const revision = () =>
  bigint({ mode: 'number' })
    .notNull()
    .default(sql`nextval('catalogue_revisions')`);

export const tracks = pgTable(
  'tracks',
  {
    id: id(),
    externalId: text().notNull().unique(),
    title: text().notNull(),
    /** The first of its main artists. `trackArtists` has all of them. */
    artistId: ref().references(() => artists.id),
    albumId: bigint({ mode: 'number' }).references(() => albums.id),
    discNumber: integer(),
    trackNumber: integer(),
    releaseYear: integer(),
    durationMs: integer(),
    explicit: boolean().notNull().default(false),
    /** The track's listeners, and its percentile among all tracks. Refreshed regularly, never live ([CAT3]). */
    recentListeners: integer().notNull().default(0),
    /** Null if the last 30 days have enough events. */
    allTimeListeners: integer(),
    /** Number of listeners in that period whose last verdict is against the track. */
    rejecters: integer().notNull().default(0),
    popularity: doublePrecision().notNull().default(0),
    /** When the track was withdrawn. Null if it is available. References to it are kept. */
    withdrawnAt: instant(),
    /** When anything of it last changed, and when anything but popularity and whether it is withdrawn. */
    revision: revision(),
    descriptionRevision: revision(),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (t) => [
    index().on(t.artistId),
    index().on(t.albumId),
    index().on(t.popularity.desc(), t.id),
    index().on(t.releaseYear.desc().nullsLast(), t.id),
    index().on(t.revision),
    index('tracks_oldest_index').on(t.releaseYear, t.id.desc()),
    index('tracks_withdrawn_index')
      .on(t.id)
      .where(sql`${t.withdrawnAt} is not null`),
  ],
);

/**
 * How a track is found and compared: its names in normal form, and its search terms. This is a separate table, because
 * rows of `tracks` are rewritten whenever popularity changes. All columns are null until the texts have been created.
 */
export const trackTexts = pgTable(
  'track_texts',
  {
    trackId: bigint({ mode: 'number' })
      .primaryKey()
      .references(() => tracks.id, { onDelete: 'cascade' }),
    title: bytewise(),
    artist: bytewise(),
    recordingKey: bytewise(),
    /** Weighted by where a term occurs: see track-texts. */
    search: tsvector(),
  },
  (t) => [
    index().on(t.title, t.trackId),
    index().on(t.recordingKey),
    index('track_texts_search_index').using('gin', t.search),
    index('track_texts_missing_index')
      .on(t.trackId)
      .where(sql`${t.search} is null`),
  ],
);

export const trackGenres = pgTable(
  'track_genres',
  {
    trackId: ref().references(() => tracks.id, { onDelete: 'cascade' }),
    genreId: ref().references(() => genres.id),
    /** The source's order of genres. The first is the main one. */
    position: integer().notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.trackId, t.genreId] }), index().on(t.genreId)],
);

/** `weight` in (0, 1]: the share of the track's taggers who applied the tag. */
export const trackTags = pgTable(
  'track_tags',
  {
    trackId: ref().references(() => tracks.id, { onDelete: 'cascade' }),
    tagId: ref().references(() => tags.id),
    weight: real().notNull(),
  },
  (t) => [primaryKey({ columns: [t.trackId, t.tagId] }), index().on(t.tagId)],
);

/** Who made a track, in the source's order. */
export const trackArtists = pgTable(
  'track_artists',
  {
    trackId: ref().references(() => tracks.id, { onDelete: 'cascade' }),
    artistId: ref().references(() => artists.id),
    role: artistRole().notNull(),
    position: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.trackId, t.artistId, t.role] }), index().on(t.artistId)],
);

/**
 * What apps show of a track and nothing else needs. It is read when it is asked for, and is nowhere in memory. Tracks
 * without any of it have no row.
 */
export const trackDetails = pgTable(
  'track_details',
  {
    trackId: bigint({ mode: 'number' })
      .primaryKey()
      .references(() => tracks.id, { onDelete: 'cascade' }),
    /** Without hyphens. Several tracks may have the same. */
    isrc: text(),
    /** `[{ url, size }]`: the size in pixels, or null where the address has `{size}` or fits any. */
    covers: jsonb()
      .notNull()
      .default(sql`'[]'`),
    previewUrl: text(),
    /** `[{ service, url }]` */
    externalUrls: jsonb()
      .notNull()
      .default(sql`'[]'`),
    /** Values by declared key. */
    metadata: jsonb()
      .notNull()
      .default(sql`'{}'`),
  },
  (t) => [index().on(t.isrc), index('track_details_metadata_index').using('gin', t.metadata.op('jsonb_path_ops'))],
);

export const metadataType = pgEnum('metadata_type', ['STRING', 'STRINGS', 'NUMBER', 'BOOLEAN']);

/** What an operator's tracks may have beside what every catalogue has. */
export const metadataKeys = pgTable('metadata_keys', { name: text().primaryKey(), type: metadataType().notNull() });
