import { Counter } from '../../lib/collections.ts';
import { foldText } from '../../lib/text/folded-text.ts';
import { f64 } from '../../lib/typed-arrays.ts';
import { emptyVector, type SparseVector, sparseVector } from '../math/sparse.ts';
import type { Meaning } from '../meaning/meanings.ts';
import type { Feel } from '../model/descriptions.ts';
import { type Neighbours, positiveOf, type ScalePart } from '../model/neighbours.ts';
import { wantedWords } from '../model/request-words.ts';
import { describedBy, type Snapshot } from '../model/snapshot.ts';
import { type Reaction, strengthOf } from '../taste/strengths.ts';
import { type MeaningOf, sessionOf, type Taste, type TermSource } from '../taste/taste.ts';

/** One additive part of every score: `factor · vector`, by track index, and what faster scales add to it. */
export interface Term {
  source: TermSource;
  factor: number;
  vector: SparseVector;
  faster?: Faster;
}

/** What a track speaks for because it was heard lately. */
interface Faster {
  parts: readonly ScalePart[];
  /** Number of tracks liked since. */
  age: number;
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
  meaning: 0.4,
  feel: 0.3,
  freshness: 0.3,
} as const;

/** Number of the newest reactions that become terms. Older ones still count as heard. */
const HISTORY_TERMS = 500;

/** The score of an average track without any reason: the mean of the popularity term. */
export const baselineOf = (snapshot: Snapshot): number => TERM_WEIGHTS.popularity * snapshot.meanPopularity;

/** The terms of a taste: `score = baseline + Σ factor · vector` ([REC1]). */
export function termsOf(taste: Taste, snapshot: Snapshot, neighbours: Neighbours): Term[] {
  const { genre, artist, tag, text, seed, context } = TERM_WEIGHTS;
  const rowOf = (trackId: number, strength = 1): SparseVector => {
    const index = snapshot.indexOf.get(trackId);
    if (index === undefined) return emptyVector;
    return strength < 0 ? neighbours.near(index) : neighbours.of(index);
  };
  const terms: Term[] = [
    ...heardTerms(taste.history, snapshot, neighbours),
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
    ...(taste.unlikeTrackIds ?? []).map((trackId): Term => {
      return { source: { kind: 'unlike', trackId }, factor: -seed, vector: rowOf(trackId, -1) };
    }),
    ...sessionTerms(taste, snapshot, neighbours),
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
  for (const of of ['context', 'text', 'mood'] as const) terms.push(...meaningTerm(of, taste, snapshot));
  const feel = taste.moodOf?.feel;
  if (feel) {
    const source = { kind: 'feel', ...feel } as const;
    terms.push({ source, factor: TERM_WEIGHTS.feel, vector: feltLike(feel, snapshot) });
  }
  return terms.filter(({ vector, factor }) => vector.indices.length > 0 && factor !== 0);
}

/**
 * What was heard in this session counts as if the listener had heard all of it to the end, in this order, each track in
 * every scale as in training.
 */
function sessionTerms(taste: Taste, snapshot: Snapshot, neighbours: Neighbours): Term[] {
  const strength = strengthOf('COMPLETE', 1);
  return sessionOf(taste).map((trackId, ago) =>
    heardTerm({ kind: 'session', trackId, ago }, { trackId, strength, age: ago }, snapshot, neighbours),
  );
}

/** The newest reactions, each as much older as tracks were liked since, as in training. */
function heardTerms(history: readonly Reaction[], snapshot: Snapshot, neighbours: Neighbours): Term[] {
  let age = 0;
  return inOrder(history.slice(0, HISTORY_TERMS), snapshot).map((reaction) => {
    const { trackId, kind, at, plays, strength } = reaction;
    const source = { kind: 'history', trackId, feedback: kind, plays, at } as const;
    const term = heardTerm(source, { trackId, strength, age }, snapshot, neighbours);
    if (strength > 0) age += 1;
    return term;
  });
}

function heardTerm(
  source: TermSource,
  { trackId, strength, age }: { trackId: number; strength: number; age: number },
  { indexOf }: Snapshot,
  neighbours: Neighbours,
): Term {
  const index = indexOf.get(trackId);
  const scale = TERM_WEIGHTS.history * strength;
  if (index === undefined) return { source, factor: scale * neighbours.recency ** age, vector: emptyVector };
  const said = neighbours.parts(index, age).map(({ factor, vector }) => {
    return { factor: scale * factor, vector: strength < 0 ? positiveOf(vector) : vector };
  });
  const [{ factor, vector } = { factor: scale, vector: emptyVector }, ...parts] = said;
  return { source, factor, vector, ...(parts.length > 0 && { faster: { parts, age } }) };
}

/**
 * Newest first. Of several at the same time the first track of the catalogue is the newest, so that ages do not depend
 * on the order of arrival ([REC11]).
 */
function inOrder(history: readonly Reaction[], { indexOf }: Snapshot): readonly Reaction[] {
  const place = ({ trackId }: Reaction): number => indexOf.get(trackId) ?? Infinity;
  return history.toSorted((a, b) => b.at - a.at || place(a) - place(b) || a.trackId - b.trackId);
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

/** A statement counts as much less than a request in its meaning as it does in its words. */
function meaningTerm(of: MeaningOf, taste: Taste, snapshot: Snapshot): Term[] {
  const meaning = taste[`${of}Meaning`];
  if (!meaning) return [];
  const share = of !== 'text' ? 1 : TERM_WEIGHTS.text / TERM_WEIGHTS.context;
  const source = { kind: 'meaning', of, ...meaning } as const;
  return [{ source, factor: TERM_WEIGHTS.meaning * share, vector: closeness(meaning, snapshot) }];
}

/** For each track, how close the closest of its genres and tags is, weighted by how well it describes the track. */
function closeness({ near }: Meaning, snapshot: Snapshot): SparseVector {
  const closest = new Map<number, number>();
  for (const { feature, closeness: close } of near) {
    const { indices, values } = describedBy(feature, snapshot);
    indices.forEach((index, i) => {
      closest.set(index, Math.max(closest.get(index) ?? 0, close * f64(values, i)));
    });
  }
  return sparseVector(closest);
}

/** How far apart two feels are that have nothing in common. */
const FELT_REACH = 0.5;

/** For each track of which it is known, how close its feel is to another: 1 for the same. */
function feltLike({ valence, energy }: Feel, { feels }: Snapshot): SparseVector {
  return sparseVector(
    feels.flatMap((feel, index) => {
      const close = feel ? 1 - Math.hypot(feel.valence - valence, feel.energy - energy) / FELT_REACH : 0;
      return close > 0 ? [[index, close] as const] : [];
    }),
  );
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
