import { atOnce } from '../../lib/async/slices.ts';
import { Descriptions } from '../model/descriptions.ts';
import { createSnapshot, type Snapshot } from '../model/snapshot.ts';

export const GENRES = 12;
const TRACKS_OF_GENRE = 20;
export const TRACKS = GENRES * TRACKS_OF_GENRE;

/** The genre of a simulated track, by its index. */
export const genreOf = (index: number): number => Math.floor(index / TRACKS_OF_GENRE);
/** The id of a simulated track, by its index. */
export const trackIdAt = (index: number): number => index + 1;

/** @param listeners of each track, by index: what popularity is made of */
export function simulatedSnapshot(listeners: readonly number[]): Snapshot {
  const made = new Descriptions();
  const byPopularity = listeners.map((count, index) => ({ count, index })).sort((a, b) => a.count - b.count);
  const percentile = new Map(byPopularity.map(({ index }, rank) => [index, (rank + 0.5) / TRACKS]));
  const listed = Array.from({ length: TRACKS }, (_, index) => {
    const genre = genreOf(index);
    const row = {
      ...{ id: trackIdAt(index), title: `Track ${index}`, artist: `Artist ${index}` },
      ...{ releaseYear: null, durationMs: null, explicit: false, withdrawn: false },
      popularity: percentile.get(index) ?? 0,
      ...{ recentListeners: listeners[index] ?? 0, allTimeListeners: null, rejecters: 0 },
    };
    const description = made.describe(row, {
      artists: [[trackIdAt(index), row.artist]],
      genres: [[`genre-${genre}`, `Genre ${genre}`]],
      tags: [],
      feel: null,
    });
    const { artistIds, genreSlugs } = description;
    return { track: { ...row, artistIds, genreSlugs }, description };
  });
  return atOnce(createSnapshot(listed, made, 'simulated'));
}
