import { entryOf } from '../../lib/collections.ts';
import { f64, i32 } from '../../lib/typed-arrays.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Reaction } from '../taste/strengths.ts';

/** All genres by number, and the genres of each track, which count in equal parts. */
export interface GenreSpace {
  count: number;
  numbers: ReadonlyMap<string, number>;
  /** By track index. */
  ofTrack: readonly Int32Array[];
}

const spaces = new WeakMap<Snapshot, GenreSpace>();

export function genreSpaceOf(snapshot: Snapshot): GenreSpace {
  const known = spaces.get(snapshot);
  if (known) return known;
  const numbers = new Map([...snapshot.genreNames.keys()].map((slug, number) => [slug, number]));
  const ofTrack = snapshot.tracks.map(({ genreSlugs }) =>
    Int32Array.from(genreSlugs, (slug) => entryOf(numbers, slug)),
  );
  const space = { count: numbers.size, numbers, ofTrack };
  spaces.set(snapshot, space);
  return space;
}

/**
 * The share of each genre in a listener's history, weighted by positive reactions, or in their stated preferences if
 * there is no such history. Null if there are neither.
 */
export function genreShares(
  { history, genres }: { history: readonly Reaction[]; genres: readonly { slug: string; weight: number }[] },
  snapshot: Snapshot,
): Float64Array | null {
  const { count, numbers, ofTrack } = genreSpaceOf(snapshot);
  const shares = new Float64Array(count);
  for (const { trackId, strength } of history) {
    const own = ofTrack[snapshot.indexOf.get(trackId) ?? -1] ?? [];
    if (strength > 0) for (const genre of own) shares[genre] = f64(shares, genre) + strength / own.length;
  }
  if (!shares.some((share) => share > 0)) {
    for (const { slug, weight } of genres) shares[numbers.get(slug) ?? -1] = Math.max(0, weight);
  }
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum > 0 ? shares.map((share) => share / sum) : null;
}

/** The list's shares contain this much of the target's, so that a missing genre has a high but finite cost. */
const SMOOTHING = 0.01;

/**
 * The distance of a growing list from a listener's genres: KL(p ‖ q), with p the listener's and q the list's shares
 * (Steck, "Calibrated Recommendations", RecSys 2018).
 */
export class Calibration {
  readonly #target: Float64Array;
  readonly #space: GenreSpace;
  readonly #sums: Float64Array;
  #placed = 0;
  /** The divergence of the list with one more track that has no genre. Each genre of the track lowers it. */
  #base = 0;

  constructor(target: Float64Array, space: GenreSpace) {
    this.#target = target;
    this.#space = space;
    this.#sums = new Float64Array(space.count);
    this.#rebase();
  }

  place(index: number): void {
    const own = this.#genresOf(index);
    for (const genre of own) this.#sums[genre] = f64(this.#sums, genre) + 1 / own.length;
    this.#placed += 1;
    this.#rebase();
  }

  /** The divergence if this track were next. */
  divergenceWith(index: number): number {
    const own = this.#genresOf(index);
    let divergence = this.#base;
    for (let i = 0; i < own.length; i++) {
      const genre = i32(own, i);
      const sum = f64(this.#sums, genre);
      divergence += this.#term(genre, sum + 1 / own.length) - this.#term(genre, sum);
    }
    return divergence;
  }

  /** The divergence of the list as it is. */
  get divergence(): number {
    let divergence = 0;
    for (let genre = 0; genre < this.#target.length; genre++) {
      divergence += this.#term(genre, f64(this.#sums, genre), Math.max(1, this.#placed));
    }
    return divergence;
  }

  #genresOf(index: number): Int32Array {
    return this.#space.ofTrack[index] ?? new Int32Array();
  }

  #rebase(): void {
    this.#base = 0;
    for (let genre = 0; genre < this.#target.length; genre++) this.#base += this.#term(genre, f64(this.#sums, genre));
  }

  #term(genre: number, sum: number, length = this.#placed + 1): number {
    const wanted = f64(this.#target, genre);
    if (wanted === 0) return 0;
    return -wanted * Math.log(((1 - SMOOTHING) * sum) / (length * wanted) + SMOOTHING);
  }
}
