import { f64 } from '../../lib/typed-arrays.ts';
import { currentReactions, type Reaction } from '../taste/strengths.ts';
import { genreOf, GENRES, trackIdAt, TRACKS } from './simulated-catalogue.ts';

/** Number of tracks that a listener has heard before any list. */
const HEARD = 12;
const LOVED_GENRES = 3;

export interface SimulatedListener {
  /** The chance that the listener plays a track that is looked at, by the track's index. */
  likes: Float64Array;
  /** Newest first. */
  history: Reaction[];
}

/** @param appeal what all listeners think of each track, by index */
export function drawListener(appeal: readonly number[], random: () => number): SimulatedListener {
  const loved = new Set(Array.from({ length: LOVED_GENRES }, () => Math.floor(random() * GENRES)));
  const likes = Float64Array.from(appeal, (value, index) => {
    const affinity = (loved.has(genreOf(index)) ? 1.8 : 0) + 0.8 * value + 0.6 * normal(random);
    return 1 / (1 + Math.exp(3.2 - affinity));
  });
  const known = new Set<number>();
  while (known.size < HEARD) {
    const index = Math.floor(random() * TRACKS);
    if (random() < f64(likes, index)) known.add(index);
  }
  const history = [...known].flatMap((index, at) => playOf(trackIdAt(index), at));
  return { likes, history: history.reverse() };
}

/** A play as a part of a history. */
export const playOf = (trackId: number, at: number): Reaction[] =>
  currentReactions([{ trackId, kind: 'PLAY', plays: 1, at }]);

/** Box and Muller's way from two uniform numbers to a normal one. */
export const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
