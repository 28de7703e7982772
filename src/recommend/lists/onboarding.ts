import { checkFirst } from '../../lib/page.ts';
import { f64, i32 } from '../../lib/typed-arrays.ts';
import type { OnboardingQuestions } from '../contract.ts';
import { emptyVector, type SparseVector, sparseVector } from '../math/sparse.ts';
import type { Neighbours } from '../model/neighbours.ts';
import type { Serving } from '../model/serving.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { recordingsOf } from '../model/songs.ts';
import type { KnownTaste } from '../taste/taste.ts';

/** Only the most popular tracks are asked about, since others are known to few. */
const MOST_CANDIDATES = 300;
/** Number of an artist's most popular tracks that stand for the artist. */
const TRACKS_OF_ARTIST = 5;

interface Question {
  id: number;
  /** The tracks that an answer tells about: 1 for what is asked about, less for its neighbours. */
  tells: SparseVector;
  /** The chance that the listener can answer, estimated as the popularity of what is asked about. */
  odds: number;
}

/**
 * The tracks and the artists whose answers tell most about what else the listener would hear ([ONBOARD2]): the greedy solution of the
 * facility location problem, which reaches at least 1 − 1/e of the best (Nemhauser, Wolsey & Fisher 1978). Each track of the
 * catalogue counts by its popularity, times how much the question that tells most about it does.
 */
export function onboardingQuestions(serving: Serving, taste: KnownTaste): OnboardingQuestions {
  const { snapshot, neighbours } = serving;
  const known = new Coverage(demandOf(snapshot));
  for (const { trackId } of taste.history) {
    const index = snapshot.indexOf.get(trackId);
    if (index !== undefined) known.add(toldBy(index, neighbours));
  }
  for (const id of taste.artistIds) known.add(snapshot.byArtist.get(id) ?? emptyVector);
  const candidates = candidatesOf(snapshot, taste);
  const tracks = candidates.map((index): Question => {
    const { id = 0, popularity = 0 } = snapshot.tracks[index] ?? {};
    return { id, tells: toldBy(index, neighbours), odds: popularity };
  });
  return {
    tracks: (first) => greedy(tracks, known.copy(), checkFirst(first)),
    artists: (first) => greedy(artistQuestions(candidates, serving, taste), known.copy(), checkFirst(first)),
    coverage: known.share,
  };
}

/** Indices, the most popular first; of each song one recording. */
function candidatesOf({ tracks, indexOf, songs }: Snapshot, taste: KnownTaste): number[] {
  const heard = new Set(
    taste.history.flatMap(({ trackId }) => {
      const index = indexOf.get(trackId) ?? -1;
      return [index, ...recordingsOf(songs, index)];
    }),
  );
  const avoided = new Set(taste.genres.filter(({ weight }) => weight < 0).map(({ slug }) => slug));
  const open = [...tracks.keys()].filter((index) => {
    const track = tracks[index];
    if (!track || track.withdrawn || heard.has(index)) return false;
    return (taste.allowExplicit || !track.explicit) && !track.genreSlugs.some((slug) => avoided.has(slug));
  });
  const byPopularity = open.sort((a, b) => (tracks[b]?.popularity ?? 0) - (tracks[a]?.popularity ?? 0) || a - b);
  const taken = new Set<number>();
  const oncePerSong = byPopularity.filter((index) => {
    const others = [...recordingsOf(songs, index)];
    const isFirst = !others.some((other) => taken.has(other));
    taken.add(index);
    return isFirst;
  });
  return oncePerSong.slice(0, MOST_CANDIDATES);
}

function artistQuestions(candidates: readonly number[], serving: Serving, taste: KnownTaste): Question[] {
  const { snapshot, neighbours } = serving;
  const stated = new Set(taste.artistIds);
  const ofArtist = new Map<number, number[]>();
  for (const index of candidates) {
    for (const id of snapshot.tracks[index]?.artistIds ?? []) {
      const own = ofArtist.get(id);
      if (own) own.push(index);
      else if (!stated.has(id)) ofArtist.set(id, [index]);
    }
  }
  return [...ofArtist].map(([id, own]): Question => {
    const rows = own.slice(0, TRACKS_OF_ARTIST).map((index) => toldBy(index, neighbours));
    const tells = highest([snapshot.byArtist.get(id) ?? emptyVector, ...rows]);
    return { id, tells, odds: snapshot.tracks[own[0] ?? -1]?.popularity ?? 0 };
  });
}

/** How much hearing or refusing a track tells about each other, relative to the one about which it tells most. */
function toldBy(index: number, neighbours: Neighbours): SparseVector {
  const { indices, values } = neighbours.of(index);
  const most = values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  const others = [...indices.keys()].map((at) => [i32(indices, at), Math.abs(f64(values, at)) / (most || 1)] as const);
  return sparseVector([...others.filter(([other]) => other !== index), [index, 1]]);
}

/** For each index the highest of the values. */
function highest(rows: readonly SparseVector[]): SparseVector {
  const values = new Map<number, number>();
  for (const row of rows) {
    row.indices.forEach((index, at) => values.set(index, Math.max(values.get(index) ?? 0, f64(row.values, at))));
  }
  return sparseVector(values);
}

/** Ids of the questions in the order in which they tell most beyond those before. */
function greedy(questions: readonly Question[], coverage: Coverage, count: number): number[] {
  const left = new Set(questions);
  const asked: number[] = [];
  while (asked.length < count && left.size > 0) {
    let best: Question | null = null;
    let most = -1;
    for (const question of left) {
      const gain = question.odds * coverage.gainOf(question.tells);
      if (gain > most) [best, most] = [question, gain];
    }
    if (!best) break;
    left.delete(best);
    coverage.add(best.tells);
    asked.push(best.id);
  }
  return asked;
}

/** How much is known about each track: of all that was told, the most. */
class Coverage {
  readonly #demand: Float64Array;
  readonly #told: Float64Array;

  /** @param demand how much each track counts */
  constructor(demand: Float64Array, told = new Float64Array(demand.length)) {
    this.#demand = demand;
    this.#told = told;
  }

  copy(): Coverage {
    return new Coverage(this.#demand, this.#told.slice());
  }

  add({ indices, values }: SparseVector): void {
    indices.forEach((index, at) => {
      this.#told[index] = Math.max(f64(this.#told, index), f64(values, at));
    });
  }

  gainOf({ indices, values }: SparseVector): number {
    let gain = 0;
    for (let at = 0; at < indices.length; at++) {
      const index = i32(indices, at);
      gain += f64(this.#demand, index) * Math.max(0, f64(values, at) - f64(this.#told, index));
    }
    return gain;
  }

  /** Of all that could be known, from 0 to 1. */
  get share(): number {
    let [known, whole] = [0, 0];
    for (let index = 0; index < this.#demand.length; index++) {
      known += f64(this.#demand, index) * f64(this.#told, index);
      whole += f64(this.#demand, index);
    }
    return whole === 0 ? 0 : known / whole;
  }
}

const demandOf = ({ tracks }: Snapshot): Float64Array =>
  Float64Array.from(tracks, ({ popularity, withdrawn }) => (withdrawn ? 0 : popularity));
