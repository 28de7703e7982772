import type { Snapshot } from '../model/snapshot.ts';
import type { Reaction } from '../taste/strengths.ts';

/** Genres by number, and each track's; a track is of all its genres in equal parts. */
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
    Int32Array.from(genreSlugs, (slug) => numbers.get(slug) ?? 0),
  );
  const space = { count: numbers.size, numbers, ofTrack };
  spaces.set(snapshot, space);
  return space;
}

/**
 * What share of their listening each genre has with a listener, from what they reacted well to, by strength; of somebody
 * without such a history, what they said. Null where neither says anything.
 */
export function genreShares(
  { history, genres }: { history: readonly Reaction[]; genres: readonly { slug: string; weight: number }[] },
  snapshot: Snapshot,
): Float64Array | null {
  const { count, numbers, ofTrack } = genreSpaceOf(snapshot);
  const shares = new Float64Array(count);
  for (const { trackId, strength } of history) {
    const own = ofTrack[snapshot.indexOf.get(trackId) ?? -1] ?? [];
    if (strength > 0) for (const genre of own) shares[genre] = (shares[genre] ?? 0) + strength / own.length;
  }
  if (!shares.some((share) => share > 0)) {
    for (const { slug, weight } of genres) shares[numbers.get(slug) ?? -1] = Math.max(0, weight);
  }
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum > 0 ? shares.map((share) => share / sum) : null;
}

/** Of the list's own shares so much is the target's, so that a genre that is missing costs much and not infinitely. */
const SMOOTHING = 0.01;

/**
 * How far a growing list is from a listener's genres: KL(p ‖ q), p the listener's shares and q the list's (Steck,
 * "Calibrated Recommendations", RecSys 2018).
 */
export class Calibration {
  readonly #target: Float64Array;
  readonly #space: GenreSpace;
  readonly #sums: Float64Array;
  #placed = 0;
  /** Of the list with one track more, of no genre; then each of its genres makes it less. */
  #base = 0;

  constructor(target: Float64Array, space: GenreSpace) {
    this.#target = target;
    this.#space = space;
    this.#sums = new Float64Array(space.count);
    this.#rebase();
  }

  place(index: number): void {
    const own = this.#genresOf(index);
    for (const genre of own) this.#sums[genre] = (this.#sums[genre] ?? 0) + 1 / own.length;
    this.#placed += 1;
    this.#rebase();
  }

  /** If this track were next. */
  divergenceWith(index: number): number {
    const own = this.#genresOf(index);
    let divergence = this.#base;
    for (let i = 0; i < own.length; i++) {
      const genre = own[i] ?? 0;
      const sum = this.#sums[genre] ?? 0;
      divergence += this.#term(genre, sum + 1 / own.length) - this.#term(genre, sum);
    }
    return divergence;
  }

  /** As the list is. */
  get divergence(): number {
    let divergence = 0;
    for (let genre = 0; genre < this.#target.length; genre++) {
      divergence += this.#term(genre, this.#sums[genre] ?? 0, Math.max(1, this.#placed));
    }
    return divergence;
  }

  #genresOf(index: number): Int32Array {
    return this.#space.ofTrack[index] ?? new Int32Array();
  }

  #rebase(): void {
    this.#base = 0;
    for (let genre = 0; genre < this.#target.length; genre++) this.#base += this.#term(genre, this.#sums[genre] ?? 0);
  }

  #term(genre: number, sum: number, length = this.#placed + 1): number {
    const wanted = this.#target[genre] ?? 0;
    if (wanted === 0) return 0;
    return -wanted * Math.log(((1 - SMOOTHING) * sum) / (length * wanted) + SMOOTHING);
  }
}
