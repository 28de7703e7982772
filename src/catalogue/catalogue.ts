export type {
  Album,
  AlbumInput,
  Artist,
  ArtistRole,
  Catalogue,
  CatalogueFilter,
  CatalogueTag,
  Cover,
  Credit,
  Direction,
  ExternalUrl,
  Genre,
  MetadataKey,
  Tag,
  Track,
  TrackDetails,
  TrackFilter,
  TrackInput,
  TrackOrder,
  TrackSearch,
  UpsertCounts,
  WithdrawCounts,
} from './contract.ts';
export { coverAddress } from './addresses.ts';
export type { DeclaredKeys } from './metadata.ts';
export { createCatalogue } from './postgres-catalogue.ts';
export { checkFilter, checkKnownGenres } from './search.ts';
export { checkIsrc, cleanTrack, TAG_LIMITS } from './track-input.ts';
export { catalogueWakeup } from './wakeup-keys.ts';
