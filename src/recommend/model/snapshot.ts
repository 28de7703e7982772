import type { SnapshotRows } from '../../db/queries/recommend-queries.ts';
import { groupBy } from '../../lib/collections.ts';
import { foldText } from '../../lib/text/folded-text.ts';
import { emptyVector, type SparseVector, sparseVector } from '../math/sparse.ts';
import { groupSongs, SongKeys, type Songs } from './songs.ts';
import { findableWords } from './words.ts';

export interface SnapshotTrack {
  id: number;
  title: string;
  artistId: number;
  artist: string;
  releaseYear: number | null;
  durationMs: number | null;
  explicit: boolean;
  /** Percentile in [0, 1]. */
  popularity: number;
  recentListeners: number;
  /** Null if popularity counts the last 30 days. */
  allTimeListeners: number | null;
  /** Number of listeners whose last verdict is against it. */
  rejecters: number;
  /** Not in any list, but feedback on it still counts. */
  withdrawn: boolean;
  genreSlugs: readonly string[];
}

/**
 * The catalogue as used by rankings: tracks by index, in the order of their external ids, with those that more
 * listeners reject than hear at the end, so that the order of imports does not decide between equal scores; and for
 * each genre, artist, tag and word the tracks that it describes, with a degree from 0 to 1.
 */
export interface Snapshot {
  tracks: readonly SnapshotTrack[];
  indexOf: ReadonlyMap<number, number>;
  genreNames: ReadonlyMap<string, string>;
  artistNames: ReadonlyMap<number, string>;
  byGenre: ReadonlyMap<string, SparseVector>;
  byArtist: ReadonlyMap<number, SparseVector>;
  byTag: ReadonlyMap<string, SparseVector>;
  byWord: ReadonlyMap<string, SparseVector>;
  songs: Songs;
  meanPopularity: number;
  /** The track's features (artist, genres, tags), as a unit vector. */
  features: readonly SparseVector[];
  /** The tracks of each feature. */
  byFeature: readonly SparseVector[];
  /** `g:` and a genre's slug, `a:` and an artist's id, or `t:` and a tag. */
  featureNames: readonly string[];
}

/** Weight of a secondary genre. The first that a source names is the main one. */
const SIDE_GENRE = 0.6;
/** Weight of a matching word, by where it occurs. */
const WORD_WEIGHTS = { genre: 1, tag: 1, artist: 0.8, title: 0.5 } as const;

export function createSnapshot(rows: SnapshotRows, songKeys = new SongKeys()): Snapshot {
  const artistNames = new Map(rows.artists.map(({ id, name }) => [id, name]));
  const genres = new Map(rows.genres.map((genre) => [genre.id, genre]));
  const genresOf = groupBy(rows.trackGenres, ({ trackId }) => trackId);
  const tagsOf = groupBy(rows.trackTags, ({ trackId }) => trackId);
  const tracks = rows.tracks.map((track): SnapshotTrack => {
    const slugs = genresOf.get(track.id)?.flatMap(({ genreId }) => genres.get(genreId)?.slug ?? []) ?? [];
    return { ...track, artist: artistNames.get(track.artistId) ?? '', genreSlugs: slugs };
  });
  const genreNames = new Map(rows.genres.map(({ slug, name }) => [slug, name]));
  const described = tracks.map((track) => describe(track, tagsOf.get(track.id) ?? [], genreNames));
  return {
    tracks,
    indexOf: new Map(tracks.map(({ id }, index) => [id, index])),
    genreNames,
    artistNames,
    byGenre: invert(described, ({ genres }) => genres),
    byArtist: invert(described, ({ artist }) => [artist] as const),
    byTag: invert(described, ({ tags }) => tags),
    byWord: invert(described, ({ words }) => words),
    songs: groupSongs(songKeys.of(tracks)),
    meanPopularity: meanPopularityOf(tracks.filter(({ withdrawn }) => !withdrawn)),
    ...featureSpace(described),
  };
}

const meanPopularityOf = (tracks: readonly SnapshotTrack[]): number =>
  tracks.reduce((sum, { popularity }) => sum + popularity, 0) / Math.max(1, tracks.length);

type Weighted<Key> = readonly [key: Key, weight: number];

interface Description {
  genres: Weighted<string>[];
  artist: Weighted<number>;
  tags: Weighted<string>[];
  words: Weighted<string>[];
}

function describe(
  track: SnapshotTrack,
  tagRows: readonly { tag: string; weight: number }[],
  genreNames: ReadonlyMap<string, string>,
): Description {
  const genres = track.genreSlugs.map((slug, i): Weighted<string> => [slug, i === 0 ? 1 : SIDE_GENRE]);
  const tags = tagRows.map(({ tag, weight }): Weighted<string> => [foldText(tag), weight]);
  const words = new Map<string, number>();
  const say = (text: string, weight: number): void => {
    for (const word of findableWords(text)) words.set(word, Math.max(words.get(word) ?? 0, weight));
  };
  for (const [slug, weight] of genres) say(`${slug} ${genreNames.get(slug) ?? ''}`, WORD_WEIGHTS.genre * weight);
  for (const [tag, weight] of tags) say(tag, WORD_WEIGHTS.tag * weight);
  say(track.artist, WORD_WEIGHTS.artist);
  say(track.title, WORD_WEIGHTS.title);
  return { genres, artist: [track.artistId, 1], tags, words: [...words] };
}

function invert<Key>(
  described: readonly Description[],
  select: (description: Description) => Iterable<Weighted<Key>>,
): Map<Key, SparseVector> {
  const lists = new Map<Key, Weighted<number>[]>();
  described.forEach((description, index) => {
    for (const [key, weight] of select(description)) {
      const list = lists.get(key);
      if (list) list.push([index, weight]);
      else lists.set(key, [[index, weight]]);
    }
  });
  return new Map([...lists].map(([key, entries]) => [key, sparseVector(entries)]));
}

/** Features weighted by inverse document frequency (Spärck Jones 1972), with each track's vector scaled to length 1. */
function featureSpace(described: readonly Description[]): Pick<Snapshot, 'features' | 'byFeature' | 'featureNames'> {
  const numbers = new Map<string, number>();
  const named = described.map(({ genres, artist, tags }) => [
    ...genres.map(([slug, weight]) => [`g:${slug}`, weight] as const),
    [`a:${artist[0]}`, 1] as const,
    ...tags.map(([tag, weight]) => [`t:${tag}`, weight] as const),
  ]);
  const frequency = new Map<string, number>();
  for (const entries of named) for (const [name] of entries) frequency.set(name, (frequency.get(name) ?? 0) + 1);
  for (const name of frequency.keys()) numbers.set(name, numbers.size);
  const rarity = (name: string) => Math.log(1 + described.length / (frequency.get(name) ?? 1));
  const features = named.map((entries) =>
    unit(sparseVector(entries.map(([name, weight]) => [numbers.get(name) ?? 0, weight * rarity(name)]))),
  );
  const lists: Weighted<number>[][] = Array.from(numbers, () => []);
  features.forEach(({ indices, values }, track) => {
    indices.forEach((feature, i) => lists[feature]?.push([track, values[i] ?? 0]));
  });
  return { features, byFeature: lists.map((list) => sparseVector(list)), featureNames: [...numbers.keys()] };
}

function unit(vector: SparseVector): SparseVector {
  const length = Math.hypot(...vector.values);
  return length === 0 ? emptyVector : { indices: vector.indices, values: vector.values.map((value) => value / length) };
}
