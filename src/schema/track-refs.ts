import type { Album, Artist, Track } from '../catalogue/catalogue.ts';
import { builder } from './builder.ts';

/** Declared separately from their fields, because tracks and recommendations refer to each other. */
export const TrackType = builder.objectRef<Track>('Track');
export const ArtistType = builder.objectRef<Artist>('Artist');
export const AlbumType = builder.objectRef<Album>('Album');
