import { Counter } from '../../lib/collections.ts';
import { foldText } from '../../lib/text/folded-text.ts';
import { f64 } from '../../lib/typed-arrays.ts';
import { emptyVector, type SparseVector, sparseVector } from '../math/sparse.ts';
import type { Neighbours } from '../model/neighbours.ts';
import { wantedWords } from '../model/request-words.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Reaction } from '../taste/strengths.ts';
import type { Taste, TermSource } from '../taste/taste.ts';

/** One additive part of every score: `factor · vector`, by track index. */
export interface Term {
  source: TermSource;
  factor: number;
  vector: SparseVector;
}

/**
 * The factor of each kind of statement, on a scale on which a liked track gives its nearest neighbours about 0.1. A
 * request counts more than an earlier statement, and popularity only orders tracks that nothing else speaks for.
 */
const TERM_WEIGHTS = {
  history: 1,
  popularity: 0.05,
  genre: 0.15,
  artist: 0.3,
  tag: 0.12,
  text: 0.25,
  seed: 1.5,
  context: 0.6,
  freshness: 0.3,
} as const;

/** Number of the newest reactions that become terms. Older ones still count as heard. */
const HISTORY_TERMS = 500;

/** The score of an average track without any reason: the mean of the popularity term. */
export const baselineOf = (snapshot: Snapshot): number => TERM_WEIGHTS.popularity * snapshot.meanPopularity;

/** The terms of a taste: `score = baseline + Σ factor · vector` ([REC1]). */
export function termsOf(taste: Taste, snapshot: Snapshot, neighbours: Neighbours): Term[] {
  const { history, genre, artist, tag, text, seed, context } = TERM_WEIGHTS;
  const rowOf = (trackId: number, strength = 1): SparseVector => {
    const index = snapshot.indexOf.get(trackId);
    if (index === undefined) return emptyVector;
    return strength < 0 ? neighbours.near(index) : neighbours.of(index);
  };
  const recencies = recenciesOf(taste.history, neighbours.recency);
  const newest = neighbours.knowsNext ? newestLiked(taste.history, snapshot) : undefined;
  const terms: Term[] = [
    ...taste.history.slice(0, HISTORY_TERMS).map((reaction, i): Term => {
      const { trackId, kind, at, plays, strength } = reaction;
      const source = { kind: 'history', trackId, feedback: kind, plays, at } as const;
      const index = reaction === newest ? snapshot.indexOf.get(trackId) : undefined;
      const vector = index === undefined ? rowOf(trackId, strength) : neighbours.ofNewest(index);
      return { source, factor: history * strength * (recencies[i] ?? 1), vector };
    }),
    ...taste.genres.map(({ slug, weight }): Term => {
      const vector = snapshot.byGenre.get(slug) ?? emptyVector;
      return { source: { kind: 'genre', slug, weight }, factor: genre * weight, vector };
    }),
    ...taste.artistIds.map((artistId): Term => {
      return {
        source: { kind: 'artist', artistId },
        factor: artist,
        vector: snapshot.byArtist.get(artistId) ?? emptyVector,
      };
    }),
    ...taste.tags.map((name): Term => {
      const vector = snapshot.byTag.get(foldText(name)) ?? emptyVector;
      return { source: { kind: 'tag', tag: name }, factor: tag, vector };
    }),
    ...taste.seedTrackIds.map((trackId): Term => {
      return { source: { kind: 'seed', trackId }, factor: seed, vector: rowOf(trackId) };
    }),
  ];
  if (!taste.withoutPopularity) terms.push(popularityTerm(snapshot));
  if (taste.freshness) {
    const factor = TERM_WEIGHTS.freshness * taste.freshness;
    terms.push({ source: { kind: 'freshness' }, factor, vector: newness(snapshot) });
  }
  if (taste.text)
    terms.push({ source: { kind: 'text', text: taste.text }, factor: text, vector: matches(taste.text, snapshot) });
  if (taste.contextText) {
    const source = { kind: 'context', text: taste.contextText } as const;
    terms.push({ source, factor: context, vector: matches(taste.contextText, snapshot) });
  }
  return terms.filter(({ vector, factor }) => vector.indices.length > 0 && factor !== 0);
}

/**
 * The weight of each reaction, newest first, relative to the newest: multiplied by `recency` for every track liked
 * since, as in training.
 */
function recenciesOf(history: readonly Reaction[], recency: number): number[] {
  let factor = 1;
  return history.slice(0, HISTORY_TERMS).map(({ strength }) => {
    const own = factor;
    if (strength > 0) factor *= recency;
    return own;
  });
}

/**
 * The newest positive reaction, whose track the next one may follow. Of several at the same time the first track of the
 * catalogue counts, so that the result does not depend on the order of arrival ([REC11]).
 */
function newestLiked(history: readonly Reaction[], { indexOf }: Snapshot): Reaction | undefined {
  const from = history.findIndex(({ strength }) => strength > 0);
  let newest = history[from];
  for (let i = from + 1; newest && i < HISTORY_TERMS && history[i]?.at === newest.at; i++) {
    const other = history[i];
    if (!other || other.strength <= 0) continue;
    if ((indexOf.get(other.trackId) ?? Infinity) < (indexOf.get(newest.trackId) ?? Infinity)) newest = other;
  }
  return newest;
}

const popularityTerms = new WeakMap<Snapshot, Term>();

/** The difference of a track's popularity from the mean. The mean itself is the baseline. */
function popularityTerm(snapshot: Snapshot): Term {
  const known = popularityTerms.get(snapshot);
  if (known) return known;
  const values = Float64Array.from(snapshot.tracks, ({ popularity }) => popularity - snapshot.meanPopularity);
  const vector = { indices: Int32Array.from(values.keys()), values };
  const term: Term = { source: { kind: 'popularity' }, factor: TERM_WEIGHTS.popularity, vector };
  popularityTerms.set(snapshot, term);
  return term;
}

const newnessVectors = new WeakMap<Snapshot, SparseVector>();

/** Number of years after which a track counts half as new. */
const HALF_LIFE = 3;

/** 1 for the year of the newest track, halved for every three years before it; 0 if the year is unknown. */
function newness(snapshot: Snapshot): SparseVector {
  const known = newnessVectors.get(snapshot);
  if (known) return known;
  const newest = snapshot.tracks.reduce((year, { releaseYear }) => Math.max(year, releaseYear ?? 0), 0);
  const dated = snapshot.tracks.flatMap(({ releaseYear }, index) =>
    releaseYear === null ? [] : [[index, releaseYear] as const],
  );
  const vector = sparseVector(dated.map(([index, year]) => [index, 2 ** ((year - newest) / HALF_LIFE)] as const));
  newnessVectors.set(snapshot, vector);
  return vector;
}

/** For each track, the share of the words that describe it, weighted by how well each does. */
function matches(text: string, { byWord }: Snapshot): SparseVector {
  const found = wantedWords(text).flatMap(({ word }) => byWord.get(word) ?? []);
  const sums = new Counter<number>();
  for (const { indices, values } of found) {
    indices.forEach((index, i) => sums.add(index, f64(values, i) / found.length));
  }
  return sparseVector(sums);
}
