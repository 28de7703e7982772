export type {
  Artist,
  Catalogue,
  Direction,
  Genre,
  Tag,
  Track,
  TrackFilter,
  TrackInput,
  TrackOrder,
  UpsertCounts,
  WithdrawCounts,
} from './contract.ts';
export { createCatalogue } from './postgres-catalogue.ts';
export { checkFilter, checkKnownGenres } from './search.ts';
export { cleanTrack } from './track-input.ts';
export { catalogueWakeup } from './wakeup-keys.ts';
