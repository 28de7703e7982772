import { f64 } from '../../lib/typed-arrays.ts';
import type { ServedList } from '../lists/stored-lists.ts';
import type { Serving } from '../model/serving.ts';
import { noExploration } from '../ranking/exploration.ts';
import { Ranking } from '../ranking/ranking.ts';
import { WINDOW } from '../ranking/window.ts';

/** A position of a served list, and the chances that its track has at each position of a list for the same request. */
export interface JudgedPosition {
  isClicked: boolean;
  /** Whether its track was drawn, and is not the best of its position. */
  isDrawn: boolean;
  /** Under the version that made the list, by position. */
  served: Float64Array;
  /** Under the version that is judged, by position. */
  judged: Float64Array;
}

export interface JudgedList {
  listenerId: number;
  positions: readonly JudgedPosition[];
}

/**
 * A served list as evidence about another version. The chances do not depend on what was drawn above a position, so a
 * version that puts a track elsewhere than where it was served is credited with its click all the same. Each draw moves
 * what follows by one position; it is neglected that a draw may hit a track that would have followed.
 * @param maker the version that made the list
 * @returns the list; nothing if a track has left the catalogue, so that it cannot be judged as it was
 */
export function judgeList(
  list: ServedList,
  clicked: ReadonlySet<number>,
  maker: Serving,
  version: Serving,
): JudgedList[] {
  const { positions, exploration, listenerId } = list;
  const indices = positions.flatMap(({ trackId }) => version.snapshot.indexOf.get(trackId) ?? []);
  if (indices.length < positions.length) return [];
  const chances = new PositionChances(exploration, positions.length, candidatesOf(list));
  const made = ranksIn(maker, list, indices);
  const judged = ranksIn(version, list, indices);
  let undrawn = 0;
  const found = positions.map(({ trackId, propensity }, at): JudgedPosition => {
    const isDrawn = propensity < 1 - exploration;
    // The catalogue may have changed since: what was drawn, and in which order the others came, is known from the list.
    const served = isDrawn ? (made[at]?.first ?? null) : undrawn++;
    const { first, isOpen } = judged[at] ?? { first: null, isOpen: false };
    return {
      ...{ isClicked: clicked.has(trackId), isDrawn },
      served: chances.of(served, true),
      judged: chances.of(first, isOpen),
    };
  });
  return [{ listenerId, positions: found }];
}

/** Among how many tracks was drawn: what the chance of a drawn one says, or as many as there usually are. */
function candidatesOf({ positions, exploration }: ServedList): number {
  const drawn = positions.find(({ propensity }) => propensity < 1 - exploration);
  return drawn ? exploration / drawn.propensity : WINDOW;
}

interface TrackRank {
  /** The position, from 0, in the list without exploration. Null if the track is not in it. */
  first: number | null;
  /** Whether it may be drawn. */
  isOpen: boolean;
}

function ranksIn(serving: Serving, list: ServedList, indices: readonly number[]): TrackRank[] {
  const { diversity, calibration, maxPerArtist, positions } = list;
  const shape = { diversity, calibration, maxPerArtist, exploration: noExploration };
  return new Ranking(serving, list).withScores((scores) => {
    const firsts = scores.next([], positions.length, shape).map(({ index }) => index);
    return indices.map((index) => {
      const first = firsts.indexOf(index);
      return first >= 0
        ? { first, isOpen: true }
        : { first: null, isOpen: (scores.rankOf(index) ?? Infinity) <= WINDOW };
    });
  });
}

/** The chances of a track at each position, by its position in the list without exploration. */
class PositionChances {
  readonly #rate: number;
  readonly #length: number;
  readonly #candidates: number;
  readonly #known = new Map<number | null, Float64Array>();

  constructor(rate: number, length: number, candidates: number) {
    this.#rate = rate;
    this.#length = length;
    this.#candidates = candidates;
  }

  /** @param first null for a track that gets into a list only when it is drawn */
  of(first: number | null, isOpen: boolean): Float64Array {
    if (!isOpen) return new Float64Array(this.#length);
    const known = this.#known.get(first) ?? this.#compute(first);
    this.#known.set(first, known);
    return known;
  }

  /** It is at position j if of the j positions above as many were drawn as it is behind, and j is not drawn. */
  #compute(first: number | null): Float64Array {
    const draw = this.#rate / this.#candidates;
    const chances = new Float64Array(this.#length).fill(draw);
    if (first === null) return chances;
    const drawn = this.#rate - draw;
    let left = 1;
    let chance = (1 - drawn) ** (first + 1);
    for (let at = 0; at < this.#length; at++) {
      chances[at] = draw * left;
      if (at < first) continue;
      chances[at] = f64(chances, at) + chance;
      left -= chance;
      // The negative binomial distribution, from one number of draws to the next.
      chance *= (drawn * (at + 1)) / (at + 1 - first);
    }
    return chances;
  }
}
