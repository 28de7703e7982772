import { atOnce } from '../../../src/lib/async/slices.ts';
import { groupBy } from '../../../src/lib/collections.ts';
import { Descriptions } from '../../../src/recommend/model/descriptions.ts';
import { createSnapshot, type Snapshot, type SnapshotTrack } from '../../../src/recommend/model/snapshot.ts';

/** Tables of a catalogue, in the order of the index. */
export interface SnapshotRows {
  tracks: readonly (Omit<SnapshotTrack, 'artist' | 'artistIds' | 'genreSlugs'> & { artistId: number })[];
  artists: readonly { id: number; name: string }[];
  genres: readonly { id: number; slug: string; name: string }[];
  trackGenres: readonly { trackId: number; genreId: number; position: number }[];
  trackTags: readonly { trackId: number; tag: string; weight: number }[];
}

export function snapshotOf({ tracks, artists, genres, trackGenres, trackTags }: SnapshotRows): Snapshot {
  const made = new Descriptions();
  const names = new Map(artists.map(({ id, name }) => [id, name]));
  const byId = new Map(genres.map((genre) => [genre.id, genre]));
  const genresOf = groupBy(trackGenres, ({ trackId }) => trackId);
  const tagsOf = groupBy(trackTags, ({ trackId }) => trackId);
  const listed = tracks.map(({ artistId, ...row }) => {
    const track = { ...row, artist: names.get(artistId) ?? '' };
    const description = made.describe(track, {
      artists: [[artistId, track.artist]],
      genres: (genresOf.get(row.id) ?? []).map(({ genreId }) => [
        byId.get(genreId)?.slug ?? '',
        byId.get(genreId)?.name ?? '',
      ]),
      tags: (tagsOf.get(row.id) ?? []).map(({ tag, weight }) => [tag, weight]),
      feel: null,
    });
    const { artistIds, genreSlugs } = description;
    return { track: { ...track, artistIds, genreSlugs }, description };
  });
  return atOnce(createSnapshot(listed, made, 'of a test'));
}
