import type { CatalogueRow } from '../../db/catalogue/catalogue-changes.ts';
import type { Sliced } from '../../lib/async/slices.ts';
import { foldText } from '../../lib/text/folded-text.ts';
import { emptyVector, type SparseVector } from '../math/sparse.ts';
import {
  artistFeature,
  type Description,
  type Descriptions,
  type Feel,
  genreFeature,
  tagFeature,
} from './descriptions.ts';
import { Postings, transposed, type Vectors } from './postings.ts';
import { groupSongs, type Songs } from './songs.ts';

/** A track in memory: its row, with what was derived from its description. */
export interface SnapshotTrack extends Omit<CatalogueRow, 'externalId' | 'description'> {
  /** The main ones, the first of them first. */
  artistIds: readonly number[];
  genreSlugs: readonly string[];
}

/** For each key, the tracks that it describes, with weights from 0 to 1. */
interface Described<Key> {
  get(key: Key): SparseVector | undefined;
}

/**
 * The catalogue as ranking sees it: tracks by index, and for each genre, artist, tag and word the tracks that it describes.
 * Tracks are in the order of their external ids, with those that more listeners reject than hear at the end, so the order of
 * an import does not decide between equal scores.
 */
export interface Snapshot {
  /** Names the state of the catalogue, on every node. */
  state: string;
  tracks: readonly SnapshotTrack[];
  /** The same object as long as the tracks, their order and their descriptions are unchanged. */
  indexOf: ReadonlyMap<number, number>;
  genreNames: ReadonlyMap<string, string>;
  artistNames: ReadonlyMap<number, string>;
  byGenre: Described<string>;
  byArtist: Described<number>;
  byTag: Described<string>;
  byWord: Described<string>;
  songs: Songs;
  meanPopularity: number;
  /** Each track's artist, genres and tags as a unit vector over features. */
  features: Vectors;
  /** For each feature, the tracks that have it. */
  byFeature: Vectors;
  /** `g:` and a genre's slug, `a:` and an artist's id, or `t:` and a tag. */
  featureNames: readonly string[];
  /** How each track feels. Null if that is not known. */
  feels: readonly (Feel | null)[];
}

/** @throws RangeError for an index that is not of the snapshot */
export function trackAt({ tracks }: Pick<Snapshot, 'tracks'>, index: number): SnapshotTrack {
  const track = tracks[index];
  if (!track) throw new RangeError(`There is no track ${index} of ${tracks.length}`);
  return track;
}

/** The tracks that have a feature of `featureNames`, with weights from 0 to 1. */
export function describedBy(feature: string, { byGenre, byTag }: Pick<Snapshot, 'byGenre' | 'byTag'>): SparseVector {
  const name = feature.slice(2);
  return (feature.startsWith('g:') ? byGenre.get(name) : byTag.get(name)) ?? emptyVector;
}

export interface DescribedTrack {
  track: SnapshotTrack;
  description: Description;
}

/** @param listed in the order of their indices */
export function* createSnapshot(
  listed: readonly DescribedTrack[],
  made: Descriptions,
  state: string,
): Sliced<Snapshot> {
  const tracks = listed.map(({ track }) => track);
  const indexOf = new Map<number, number>();
  for (const { id } of tracks) {
    indexOf.set(id, indexOf.size);
    yield;
  }
  const space = yield* featureSpace(listed, made);
  const described = yield* transposed(vectorsOf(listed, 'features'), made.features.size);
  const words = yield* transposed(vectorsOf(listed, 'words'), made.words.size);
  const songs = yield* groupSongs(listed.map(({ description }) => description.song));
  const byFeature = (name: string) => described.of(made.features.find(name));
  return {
    ...{ state, tracks, indexOf, songs, ...space, feels: listed.map(({ description }) => description.feel) },
    ...{ genreNames: made.genreNames, artistNames: made.artistNames, meanPopularity: meanPopularityOf(tracks) },
    byGenre: { get: (slug) => byFeature(genreFeature(slug)) },
    byArtist: { get: (id) => byFeature(artistFeature(id)) },
    byTag: { get: (tag) => byFeature(tagFeature(foldText(tag))) },
    byWord: { get: (word) => words.of(made.words.find(word)) },
  };
}

const vectorsOf = (listed: readonly DescribedTrack[], what: 'features' | 'words'): Vectors => ({
  length: listed.length,
  of: (index) => listed[index]?.description[what],
});

/** The same catalogue with other popularity or withdrawals. */
export const withTracks = (snapshot: Snapshot, tracks: readonly SnapshotTrack[], state: string): Snapshot => ({
  ...snapshot,
  ...{ state, tracks, meanPopularity: meanPopularityOf(tracks) },
});

const WITHOUT = ' without ';

/** The same catalogue without the tracks withdrawn since it was read, until the next snapshot replaces it. */
export function withoutWithdrawn(snapshot: Snapshot, ids: readonly number[]): Snapshot {
  const tracks = snapshot.tracks.slice();
  for (const id of ids) {
    const index = snapshot.indexOf.get(id);
    const track = index === undefined ? undefined : tracks[index];
    if (index !== undefined && track) tracks[index] = { ...track, withdrawn: true, popularity: 0 };
  }
  const [state] = snapshot.state.split(WITHOUT);
  return withTracks(snapshot, tracks, `${state}${WITHOUT}${ids.join()}`);
}

function meanPopularityOf(tracks: readonly SnapshotTrack[]): number {
  let [sum, count] = [0, 0];
  for (const { popularity, withdrawn } of tracks) {
    if (withdrawn) continue;
    sum += popularity;
    count += 1;
  }
  return sum / Math.max(1, count);
}

type FeatureSpace = Pick<Snapshot, 'features' | 'byFeature' | 'featureNames'>;

/** Features weighted by rarity (inverse document frequency, Spärck Jones 1972), each track's vector scaled to length 1. */
function* featureSpace(listed: readonly DescribedTrack[], made: Descriptions): Sliced<FeatureSpace> {
  const { numbers, featureNames, rarities, total } = yield* numberFeatures(listed, made);
  const starts = new Int32Array(listed.length + 1);
  const [indices, values] = [new Int32Array(total), new Float64Array(total)];
  let end = 0;
  for (const [track, { description }] of listed.entries()) {
    end = addUnit(description.features, numbers, rarities, { indices, values, end });
    starts[track + 1] = end;
    yield;
  }
  const features = new Postings(starts, indices, values);
  return { features, byFeature: yield* transposed(features, featureNames.length), featureNames };
}

interface NumberedFeatures {
  /** Maps the vocabulary's numbers to the snapshot's; −1 for features that no track has. */
  numbers: Int32Array;
  featureNames: string[];
  rarities: Float64Array;
  /** The number of features of all tracks together. */
  total: number;
}

/** Numbers features in the order of the tracks, not of arrival. */
function* numberFeatures(listed: readonly DescribedTrack[], made: Descriptions): Sliced<NumberedFeatures> {
  const numbers = new Int32Array(made.features.size).fill(-1);
  const frequencies = new Int32Array(made.features.size);
  const featureNames: string[] = [];
  let total = 0;
  for (const { description } of listed) {
    const { indices } = description.features;
    for (let i = 0; i < indices.length; i++) {
      const feature = indices[i] ?? 0;
      if (numbers[feature] === -1) numbers[feature] = featureNames.push(made.features.nameOf(feature)) - 1;
      const number = numbers[feature] ?? 0;
      frequencies[number] = (frequencies[number] ?? 0) + 1;
    }
    total += indices.length;
    yield;
  }
  const rarities = new Float64Array(featureNames.length);
  for (let number = 0; number < rarities.length; number++) {
    rarities[number] = Math.log(1 + listed.length / (frequencies[number] ?? 1));
  }
  return { numbers, featureNames, rarities, total };
}

/** Exceeds the number of entries that one track can have. */
const MOST_OF_A_TRACK = 2 ** 20;

/** Adds the unit vector in the numbers of the feature space, ascending. @returns where it ends */
function addUnit(
  { indices, values }: SparseVector,
  numbers: Int32Array,
  rarities: Float64Array,
  to: { indices: Int32Array; values: Float64Array; end: number },
): number {
  // A number and where it was, as one that sorts.
  const keys = new Float64Array(indices.length);
  for (let i = 0; i < keys.length; i++) keys[i] = (numbers[indices[i] ?? 0] ?? 0) * MOST_OF_A_TRACK + i;
  keys.sort();
  let squares = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? 0;
    const number = Math.floor(key / MOST_OF_A_TRACK);
    const weight = (values[key % MOST_OF_A_TRACK] ?? 0) * (rarities[number] ?? 0);
    to.indices[to.end + i] = number;
    to.values[to.end + i] = weight;
    squares += weight * weight;
  }
  const end = to.end + keys.length;
  const length = Math.sqrt(squares) || 1;
  for (let at = to.end; at < end; at++) to.values[at] = (to.values[at] ?? 0) / length;
  return end;
}
