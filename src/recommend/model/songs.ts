import { songKey } from '../../lib/text/song-key.ts';

/** The recordings of each song ([FIND2]). */
export interface Songs {
  /** By track index: the number of its song in `groups`, or −1 if the song has no other recording. */
  ofTrack: Int32Array;
  /** The tracks of each song with several recordings, in ascending order. */
  groups: readonly Int32Array[];
}

const alone = new Int32Array();

/** The recordings of a track's song, including the track. Empty if there are no others. */
export const recordingsOf = ({ ofTrack, groups }: Songs, index: number): Int32Array =>
  groups[ofTrack[index] ?? -1] ?? alone;

/** The parts of a snapshot that are needed here. */
interface Catalogued {
  tracks: readonly { id: number; popularity: number; withdrawn: boolean }[];
  indexOf: ReadonlyMap<number, number>;
  songs: Songs;
}

/** The other recordings of a track's song that are not withdrawn, most popular first, equal ones in catalogue order. */
export function versionsOf({ tracks, indexOf, songs }: Catalogued, trackId: number): number[] {
  const others = [...recordingsOf(songs, indexOf.get(trackId) ?? -1)].flatMap((index) => tracks[index] ?? []);
  return others
    .filter(({ id, withdrawn }) => id !== trackId && !withdrawn)
    .sort((a, b) => b.popularity - a.popularity)
    .map(({ id }) => id);
}

export function groupSongs(keys: readonly string[]): Songs {
  const byKey = new Map<string, number[]>();
  keys.forEach((key, index) => {
    const known = byKey.get(key);
    if (known) known.push(index);
    else byKey.set(key, [index]);
  });
  const groups = [...byKey.values()].filter(({ length }) => length > 1).map((group) => Int32Array.from(group));
  const ofTrack = new Int32Array(keys.length).fill(-1);
  groups.forEach((group, song) => group.forEach((index) => (ofTrack[index] = song)));
  return { ofTrack, groups };
}

/** Caches the keys of songs by artist and title. */
export class SongKeys {
  #known = new Map<string, string>();

  of(tracks: readonly { artist: string; title: string }[]): string[] {
    const now = new Map<string, string>();
    const keys = tracks.map(({ artist, title }) => {
      const names = `${artist}\n${title}`;
      const key = this.#known.get(names) ?? now.get(names) ?? songKey(artist, title);
      now.set(names, key);
      return key;
    });
    this.#known = now;
    return keys;
  }
}

/**
 * Keeps one recording of each song: the one with the best score that may be in the list, of equal ones the first.
 * @param bit is added to the exclusions of the others
 */
export function keepBestRecordings(scores: Float64Array, excluded: Uint8Array, { groups }: Songs, bit: number): void {
  for (const group of groups) {
    let best = -1;
    for (const index of group) {
      if (excluded[index] !== 0) continue;
      const isBetter = best < 0 || (scores[index] ?? 0) > (scores[best] ?? 0);
      const loser = isBetter ? best : index;
      if (loser >= 0) excluded[loser] = bit;
      if (isBetter) best = index;
    }
  }
}
