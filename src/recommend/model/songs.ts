import type { Sliced } from '../../lib/async/slices.ts';
import { f64 } from '../../lib/typed-arrays.ts';

/** Which tracks are recordings of one song ([FIND2]). */
export interface Songs {
  /** By track index: the number of its song in `groups`; −1 for a song of which there is no other recording. */
  ofTrack: Int32Array;
  /** Of songs with several recordings the tracks, ascending. */
  groups: readonly Int32Array[];
}

const alone = new Int32Array();

/** The other recordings of a track's song, and the track; none where it has no others. */
export const recordingsOf = ({ ofTrack, groups }: Songs, index: number): Int32Array =>
  groups[ofTrack[index] ?? -1] ?? alone;

/** What is known of tracks, by index. */
interface Catalogued {
  tracks: readonly { id: number; popularity: number; withdrawn: boolean }[];
  indexOf: ReadonlyMap<number, number>;
  songs: Songs;
}

/** The other recordings of a track's song that are not withdrawn, the most popular first; of equal ones the first. */
export function otherRecordingsOf({ tracks, indexOf, songs }: Catalogued, trackId: number): number[] {
  const others = [...recordingsOf(songs, indexOf.get(trackId) ?? -1)].flatMap((index) => tracks[index] ?? []);
  return others
    .filter(({ id, withdrawn }) => id !== trackId && !withdrawn)
    .sort((a, b) => b.popularity - a.popularity)
    .map(({ id }) => id);
}

/** @param keys of the tracks' songs, by track index */
export function* groupSongs(keys: readonly string[]): Sliced<Songs> {
  const byKey = new Map<string, number[]>();
  for (const [index, key] of keys.entries()) {
    const known = byKey.get(key);
    if (known) known.push(index);
    else byKey.set(key, [index]);
    yield;
  }
  const ofTrack = new Int32Array(keys.length).fill(-1);
  const groups: Int32Array[] = [];
  for (const group of byKey.values()) {
    if (group.length > 1) {
      for (const index of group) ofTrack[index] = groups.length;
      groups.push(Int32Array.from(group));
    }
    yield;
  }
  return { ofTrack, groups };
}

/**
 * Leaves each song one of its recordings that may be in the list: the one with the best score, of equal ones the first.
 * @param bit is added to why the others may not
 */
export function keepBestRecordings(scores: Float64Array, excluded: Uint8Array, { groups }: Songs, bit: number): void {
  for (const group of groups) {
    let best = -1;
    for (const index of group) {
      if (excluded[index] !== 0) continue;
      const isBetter = best < 0 || f64(scores, index) > f64(scores, best);
      const loser = isBetter ? best : index;
      if (loser >= 0) excluded[loser] = bit;
      if (isBetter) best = index;
    }
  }
}
