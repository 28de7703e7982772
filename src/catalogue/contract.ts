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

export interface Track {
  id: number;
  externalId: string;
  title: string;
  artistId: number;
  album: string | null;
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

export type TrackOrder = 'POPULARITY' | 'RELEASE_YEAR' | 'TITLE' | 'ADDED' | 'RELEVANCE';
export type Direction = 'ASC' | 'DESC';

export interface TrackSearch extends PageArgs {
  search?: string | null;
  filter?: TrackFilter | null;
  orderBy: TrackOrder;
  /** As is usual for the order, unless told: titles A to Z, all else the greatest first. */
  direction?: Direction | null;
}

export interface TrackInput {
  externalId: string;
  title: string;
  artist: string;
  album?: string | null;
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
  tracksOfArtist(artistId: number, page: PageArgs): Promise<Page<Track>>;
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
