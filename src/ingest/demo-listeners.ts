import type { DemoEvent } from '../db/imports/import-demo.ts';
import { randomStream } from '../lib/random.ts';
import { f64 } from '../lib/typed-arrays.ts';

export interface SimulatedTrack {
  externalId: string;
  /** Genre slugs, the main genre first. */
  genres: readonly string[];
  tags: readonly string[];
}

export interface SimulatedListening {
  listeners: { externalId: string; displayName: string }[];
  events: DemoEvent[];
}

type Random = () => number;
type Kind = DemoEvent['kind'];

const LISTENERS = 300;
const SEED = 20_26;
const DAY_MS = 86_400_000;
const DAYS = 60;
/** Minimum and maximum number of tracks that a listener hears. */
const HEARD = { least: 15, most: 45 } as const;
/** A taste has this many genres, each half as strong as the one before, and this many tags. */
const TASTE = { genres: 3, tags: 3 } as const;
const SIDE_GENRE = 0.5;
const TAG_SHARE = 0.25;
/** Weight of a track's own appeal, which is the same for everybody, and of chance. */
const APPEAL = 0.5;
const CHANCE = 0.35;

/**
 * Simulates listening by the model of docs/demo.md: each listener has a few favourite genres and tags, each track an
 * appeal of its own. A listener hears the tracks with the greatest sum of fit, appeal and chance, and reacts by fit.
 * The result is always the same for the same tracks and `now`, which only shifts the times.
 */
export function simulateListening(tracks: readonly SimulatedTrack[], now: number): SimulatedListening {
  const random = randomStream(SEED);
  const genres = [...new Set(tracks.flatMap((track) => track.genres))].sort();
  const tags = [...new Set(tracks.flatMap((track) => track.tags))].sort();
  // A few tracks are known to nearly everybody: the square of a uniform random number tends to 0.
  const appeal = Float64Array.from(tracks, () => APPEAL * random() ** 2);
  const listeners = Array.from({ length: LISTENERS }, (_, i) => {
    const number = String(i + 1).padStart(3, '0');
    return { externalId: `simulated-${number}`, displayName: `Simulated listener ${number}` };
  });
  const events = listeners.flatMap(({ externalId }) => {
    const taste = { genres: choose(genres, TASTE.genres, random), tags: choose(tags, TASTE.tags, random) };
    return hear(tracks, taste, appeal, random).map(({ track, fit }): DemoEvent => {
      const at = new Date(now - Math.floor(DAYS * DAY_MS * random() ** 1.5));
      return { listener: externalId, track: track.externalId, kind: react(fit, random), at };
    });
  });
  return { listeners, events };
}

interface Taste {
  genres: readonly string[];
  tags: readonly string[];
}

function hear(tracks: readonly SimulatedTrack[], taste: Taste, appeal: Float64Array, random: Random) {
  const count = HEARD.least + Math.floor((HEARD.most - HEARD.least + 1) * random());
  const scored = tracks.map((track, i) => {
    const fit = fitOf(track, taste);
    return { track, fit, score: fit + f64(appeal, i) + CHANCE * random() };
  });
  return scored.sort((a, b) => b.score - a.score).slice(0, count);
}

/** In [0, 1]. */
function fitOf(track: SimulatedTrack, taste: Taste): number {
  const genre = track.genres.reduce((sum, slug, i) => {
    const rank = taste.genres.indexOf(slug);
    return rank < 0 ? sum : sum + 0.5 ** rank * (i === 0 ? 1 : SIDE_GENRE);
  }, 0);
  const tags = track.tags.filter((tag) => taste.tags.includes(tag)).length;
  return Math.min(1, (1 - TAG_SHARE) * Math.min(1, genre) + TAG_SHARE * tags);
}

/**
 * A track that fits is liked, saved or heard to the end; one that does not is skipped now and then, and rarely disliked
 * or hidden.
 */
function react(fit: number, random: Random): Kind {
  const draw = random();
  const table: readonly (readonly [Kind, number])[] =
    fit > 0.4
      ? [
          ['LIKE', 0.25],
          ['SAVE', 0.1],
          ['COMPLETE', 0.3],
          ['PLAY', 0.33],
          ['SKIP', 0.02],
        ]
      : [
          ['LIKE', 0.04],
          ['COMPLETE', 0.2],
          ['PLAY', 0.5],
          ['SKIP', 0.2],
          ['DISLIKE', 0.05],
          ['HIDE', 0.01],
        ];
  let sum = 0;
  return table.find(([, share]) => (sum += share) > draw)?.[0] ?? 'PLAY';
}

function choose(from: readonly string[], count: number, random: Random): string[] {
  const rest = [...from];
  return Array.from({ length: count }, () => rest.splice(Math.floor(rest.length * random()), 1)[0] ?? '');
}
