import type { Page, PageArgs } from '../lib/page.ts';

export interface Artist {
  id: number;
  name: string;
}

export interface Genre {
  id: number;
  slug: string;
  name: string;
  trackCount: number;
}

/** `weight` in (0, 1]: the share of the track's taggers who applied the tag. */
export interface Tag {
  name: string;
  weight: number;
}

/** What an artist did for a track. Rules that speak of a track's artists mean the main ones. */
export type ArtistRole =
  'MAIN' | 'FEATURED' | 'REMIXER' | 'COMPOSER' | 'LYRICIST' | 'PRODUCER' | 'CONDUCTOR' | 'PERFORMER';

export interface Credit {
  artist: Artist;
  role: ArtistRole;
}

export interface Album {
  id: number;
  externalId: string | null;
  title: string;
  /** As much of `YYYY-MM-DD` as is known. */
  releaseDate: string | null;
  artists: readonly Artist[];
  covers: readonly Cover[];
}

/** An address of a picture. `size` in pixels; null where the address has `{size}` or is the only one. */
export interface Cover {
  url: string;
  size: number | null;
}

export interface ExternalUrl {
  service: string;
  url: string;
}

/** Of a track's metadata: of the type that its key was declared with. */
export type TrackMetadataValue = string | number | boolean | readonly string[];

export type MetadataType = 'STRING' | 'STRINGS' | 'NUMBER' | 'BOOLEAN';

export interface MetadataKey {
  name: string;
  type: MetadataType;
}

/** What apps show of a track and ranking does not need. */
export interface TrackDetails {
  isrc: string | null;
  covers: readonly Cover[];
  previewUrl: string | null;
  externalUrls: readonly ExternalUrl[];
  metadata: Readonly<Record<string, TrackMetadataValue>>;
}

export interface Track {
  id: number;
  externalId: string;
  title: string;
  /** The first of its main artists. */
  artistId: number;
  albumId: number | null;
  discNumber: number | null;
  trackNumber: number | null;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  /**
   * Percentile in [0, 1] by number of listeners in the last 30 days or of all time, not counting those who reject the
   * track ([CAT3]).
   */
  popularity: number;
  /** When the track was withdrawn. Null if it is available. */
  withdrawnAt: Date | null;
  addedAt: Date;
}

export interface Range {
  min?: number | null;
  max?: number | null;
}

/** Conditions that a track must meet. An absent or null condition holds for every track. */
export interface TrackFilter {
  /** Any of these genre slugs. */
  genres?: readonly string[] | null;
  excludeGenres?: readonly string[] | null;
  artistIds?: readonly number[] | null;
  excludeArtistIds?: readonly number[] | null;
  excludeTrackIds?: readonly number[] | null;
  releaseYear?: Range | null;
  durationMs?: Range | null;
  /** False excludes explicit tracks. */
  explicit?: boolean | null;
}

/** What `tracks` can be asked for beside it, of which ranking knows nothing. */
export interface CatalogueFilter extends TrackFilter {
  albumIds?: readonly number[] | null;
  isrcs?: readonly string[] | null;
  /** Any of these tags. */
  tags?: readonly string[] | null;
  metadata?: readonly MetadataCondition[] | null;
}

/** Each part that is given must hold. */
export interface MetadataCondition {
  key: string;
  /** Any of these values; of a list of texts, any of its texts. */
  in?: readonly (string | number | boolean)[] | null;
  /** Of a number, both inclusive. */
  min?: number | null;
  max?: number | null;
}

export type TrackOrder = 'POPULARITY' | 'RELEASE_YEAR' | 'TITLE' | 'ADDED' | 'RELEVANCE';
export type Direction = 'ASC' | 'DESC';

export interface TrackSearch extends PageArgs {
  search?: string | null;
  filter?: CatalogueFilter | null;
  orderBy: TrackOrder;
  /** As is usual for the order, unless told: titles A to Z, all else the greatest first. */
  direction?: Direction | null;
}

export type NameOrder = 'NAME' | 'RELEVANCE';
export type AlbumOrder = 'TITLE' | 'RELEASE_DATE' | 'RELEVANCE';

export interface NameSearch<Order> extends PageArgs {
  search?: string | null;
  orderBy: Order;
  /** As is usual for the order, unless told: names A to Z, dates and relevance the greatest first. */
  direction?: Direction | null;
}

/** A tag of the catalogue. */
export interface CatalogueTag {
  id: number;
  name: string;
}

export interface AlbumInput {
  title: string;
  externalId?: string | null;
  /** The track's first main artist if absent. */
  artists?: readonly string[] | null;
  releaseDate?: string | null;
  covers?: readonly CoverInput[] | null;
}

export interface CoverInput {
  url: string;
  size?: number | null;
}

export interface TrackInput {
  externalId: string;
  title: string;
  /** The only main artist, as a short form of `artists`. */
  artist?: string | null;
  artists?: readonly { name: string; role?: ArtistRole | null }[] | null;
  album?: AlbumInput | null;
  discNumber?: number | null;
  trackNumber?: number | null;
  isrc?: string | null;
  covers?: readonly CoverInput[] | null;
  previewUrl?: string | null;
  externalUrls?: readonly ExternalUrl[] | null;
  /** Values by declared key, of any type: they are checked. */
  metadata?: unknown;
  releaseYear?: number | null;
  durationMs?: number | null;
  explicit?: boolean | null;
  genres?: readonly string[] | null;
  tags?: readonly string[] | null;
}

export interface UpsertCounts {
  created: number;
  updated: number;
  unchanged: number;
}

/** One of the lists may be empty, but not both. */
export interface WithdrawTracksInput {
  externalIds?: readonly string[] | null;
  ids?: readonly number[] | null;
}

export interface WithdrawCounts {
  withdrawn: number;
  /** Number of tracks that were already withdrawn. */
  unchanged: number;
}

/** Tracks, artists, genres and tags. Every `…Of` and `…ById` call is one statement, however many ids it gets. */
export interface Catalogue {
  tracksById(ids: readonly number[]): Promise<Map<number, Track>>;
  /** By the calling app's own ids. @throws InvalidInputError naming `externalIds.3` and the like */
  tracksByExternalId(externalIds: readonly string[]): Promise<Map<string, Track>>;
  artistsById(ids: readonly number[]): Promise<Map<number, Artist>>;
  albumsById(ids: readonly number[]): Promise<Map<number, Album>>;
  /** In the source's order. */
  creditsOfTracks(trackIds: readonly number[]): Promise<Map<number, Credit[]>>;
  /** Tracks without any are absent from the map. Nothing is kept in memory. */
  detailsOfTracks(trackIds: readonly number[]): Promise<Map<number, TrackDetails>>;
  /** Main genre first. Tracks without genres are absent from the map. */
  genresOfTracks(trackIds: readonly number[]): Promise<Map<number, Genre[]>>;
  /** The genres of the artists' tracks, most frequent first. */
  genresOfArtists(artistIds: readonly number[]): Promise<Map<number, Genre[]>>;
  /** Highest weight first. */
  tagsOfTracks(trackIds: readonly number[]): Promise<Map<number, Tag[]>>;
  genresBySlug(slugs: readonly string[]): Promise<Map<string, Genre>>;
  /** All genres, by name. */
  genres(): Promise<Genre[]>;
  /** Stops when the signal aborts. */
  searchTracks(search: TrackSearch, signal?: AbortSignal): Promise<Page<Track>>;
  /** The ids of all offered tracks that a search finds. */
  matchingTracks(search: Pick<TrackSearch, 'search' | 'filter'>, signal?: AbortSignal): Promise<number[]>;
  /** @param page.roles the tracks that have the artist in any of these; by default as a main one */
  tracksOfArtist(artistId: number, page: PageArgs & { roles?: readonly ArtistRole[] }): Promise<Page<Track>>;
  /** In the album's order. */
  tracksOfAlbum(albumId: number, page: PageArgs): Promise<Page<Track>>;
  /** Of those with tracks that are not withdrawn, as are all of these lists. */
  searchArtists(search: NameSearch<NameOrder>, signal?: AbortSignal): Promise<Page<Artist>>;
  searchTags(search: NameSearch<NameOrder>, signal?: AbortSignal): Promise<Page<CatalogueTag>>;
  searchAlbums(search: NameSearch<AlbumOrder>, signal?: AbortSignal): Promise<Page<Album>>;
  albumsOfArtist(artistId: number, page: PageArgs): Promise<Page<Album>>;
  /** Numbers of tracks that are not withdrawn; 0 is absent. */
  trackCounts(of: 'artist' | 'album' | 'tag', ids: readonly number[]): Promise<Map<number, number>>;
  /** By name. */
  metadataKeys(): Promise<MetadataKey[]>;
  /**
   * Declares all of the keys or none. Repeating it changes nothing.
   * @throws InvalidInputError for a key that is of another type
   */
  declareMetadataKeys(keys: readonly MetadataKey[]): Promise<MetadataKey[]>;
  /** @throws NotFoundError; ConflictError while tracks have values of it */
  removeMetadataKey(name: string): Promise<MetadataKey[]>;
  /** Upserts all tracks of the batch or none. @throws InvalidInputError naming, for example, `input.3.title` */
  upsertTracks(input: readonly TrackInput[]): Promise<UpsertCounts>;
  /**
   * Withdraws all of the tracks or none. Upserting a track makes it available again.
   * @throws InvalidInputError, NotFoundError naming, for example, `input.externalIds.3`
   */
  withdrawTracks(input: WithdrawTracksInput): Promise<WithdrawCounts>;
  /**
   * Recomputes `popularity` from feedback of the last 30 days or of all time.
   * @param withinMs not where any node has done so within this time, or does so now
   */
  refreshPopularity(withinMs?: number): Promise<void>;
}
