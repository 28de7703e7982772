import type { DemoEvent } from '../db/imports/import-demo.ts';
import { randomStream } from '../lib/random.ts';

export interface SimulatedTrack {
  externalId: string;
  /** Slugs, the main one first. */
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
/** Tracks that a listener hears, at least and at most. */
const HEARD = { least: 15, most: 45 } as const;
/** What a taste is made of: so many genres, each half as strong as the one before, and so many tags. */
const TASTE = { genres: 3, tags: 3 } as const;
const SIDE_GENRE = 0.5;
const TAG_SHARE = 0.25;
/** Spread of the track's own appeal (the same for everybody) and of chance. */
const APPEAL = 0.5;
const CHANCE = 0.35;

/**
 * Listening that was never heard, by the model of docs/demo.md: everybody has a few favourite genres and tags, every track
 * an appeal of its own; a listener hears the tracks with the greatest sum of fit, appeal and chance, and reacts by fit.
 * The same for the same tracks and `now`, which only shifts the times.
 */
export function simulateListening(tracks: readonly SimulatedTrack[], now: number): SimulatedListening {
  const random = randomStream(SEED);
  const genres = [...new Set(tracks.flatMap((track) => track.genres))].sort();
  const tags = [...new Set(tracks.flatMap((track) => track.tags))].sort();
  // A few tracks are known to nearly everybody: the square of a uniform number leans to 0.
  const appeal = tracks.map(() => APPEAL * random() ** 2);
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

function hear(tracks: readonly SimulatedTrack[], taste: Taste, appeal: readonly number[], random: Random) {
  const count = HEARD.least + Math.floor((HEARD.most - HEARD.least + 1) * random());
  const scored = tracks.map((track, i) => {
    const fit = fitOf(track, taste);
    return { track, fit, score: fit + (appeal[i] ?? 0) + CHANCE * random() };
  });
  return scored.sort((a, b) => b.score - a.score).slice(0, count);
}

/** In [0, 1], as good as always. */
function fitOf(track: SimulatedTrack, taste: Taste): number {
  const genre = track.genres.reduce((sum, slug, i) => {
    const place = taste.genres.indexOf(slug);
    return place < 0 ? sum : sum + 0.5 ** place * (i === 0 ? 1 : SIDE_GENRE);
  }, 0);
  const tags = track.tags.filter((tag) => taste.tags.includes(tag)).length;
  return Math.min(1, (1 - TAG_SHARE) * Math.min(1, genre) + TAG_SHARE * tags);
}

/** What suits is liked, saved or heard to the end; what does not is skipped now and then, and disliked or hidden rarely. */
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
