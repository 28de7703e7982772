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
  UpsertCounts,
  WithdrawCounts,
} from './contract.ts';
export { coverAddress } from './addresses.ts';
export type { DeclaredKeys } from './metadata.ts';
export { createCatalogue } from './postgres-catalogue.ts';
export { checkFilter, checkKnownGenres } from './search.ts';
export { checkIsrc, cleanTrack } from './track-input.ts';
export { catalogueWakeup } from './wakeup-keys.ts';
