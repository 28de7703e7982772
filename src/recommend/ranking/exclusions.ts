import type { TrackFilter } from '../../catalogue/catalogue.ts';
import { slugOf } from '../../lib/text/folded-text.ts';
import { u8 } from '../../lib/typed-arrays.ts';
import type { FeedbackKind } from '../../listeners/listeners.ts';
import type { Exclusion } from '../contract.ts';
import type { Snapshot, SnapshotTrack } from '../model/snapshot.ts';
import { recordingsOf } from '../model/songs.ts';
import { sessionOf, type Taste } from '../taste/taste.ts';

/** A genre with this weight or lower is excluded. Above it, a negative weight only lowers the score. */
const AVOIDED_WEIGHT = -0.8;

const BITS: Readonly<Record<Exclusion, number>> = {
  ...{ HEARD: 1, HIDDEN: 2, EXPLICIT: 4, FILTERED: 8, AVOIDED_GENRE: 16 },
  ...{ WITHDRAWN: 32, OTHER_VERSION: 64 },
};

/** The bit of all recordings of a song except the one in the list. */
export const otherVersionBit = BITS.OTHER_VERSION;

/** The parts of a taste that exclude tracks. */
export type Rules = Pick<Taste, 'history' | 'genres' | 'allowExplicit' | 'unlikeTrackIds' | 'session'>;

export interface ExclusionOptions {
  taste: Taste;
  filter: TrackFilter | null;
  includeHeard: boolean;
  /** The rules to apply; the taste's own by default. */
  rules?: Rules;
  /** Tracks of earlier lists to exclude. */
  servedBefore?: readonly number[];
}

/** Writes for each track the reasons for its exclusion as bits, or 0 if it may be in the list ([REC4]). */
export function markExclusions(
  mask: Uint8Array,
  snapshot: Snapshot,
  { taste, filter, includeHeard, rules = taste, servedBefore = [] }: ExclusionOptions,
): void {
  mask.set(ruledOut(snapshot, filter, rules.allowExplicit));
  const exclude = (index: number | undefined, why: Exclusion): void => {
    if (index !== undefined) mask[index] = u8(mask, index) | BITS[why];
  };
  const excludeSong = (index: number | undefined, why: Exclusion, but?: (recording: number) => boolean): void => {
    exclude(index, why);
    if (index === undefined) return;
    for (const recording of recordingsOf(snapshot.songs, index)) if (!but?.(recording)) exclude(recording, why);
  };
  const isLiked = likedIn(rules.history, snapshot);
  for (const { trackId, kind } of rules.history) {
    const index = snapshot.indexOf.get(trackId);
    if (isAgainst(kind)) excludeSong(index, 'HIDDEN', isLiked);
    else if (!includeHeard) excludeSong(index, 'HEARD');
  }
  if (!includeHeard) for (const trackId of sessionOf(rules)) excludeSong(snapshot.indexOf.get(trackId), 'HEARD');
  for (const { slug, weight } of rules.genres) {
    if (weight <= AVOIDED_WEIGHT)
      snapshot.byGenre.get(slug)?.indices.forEach((index) => exclude(index, 'AVOIDED_GENRE'));
  }
  for (const trackId of [...servedBefore, ...(rules.unlikeTrackIds ?? [])])
    excludeSong(snapshot.indexOf.get(trackId), 'FILTERED');
}

export const isAgainst = (kind: FeedbackKind): boolean => kind === 'HIDE' || kind === 'DISLIKE';

/** Whoever rejects one recording may like another. Computed on first use, which is rare. */
function likedIn(history: Rules['history'], { indexOf }: Snapshot): (index: number) => boolean {
  let liked: Set<number | undefined> | null = null;
  return (index) => {
    liked ??= new Set(history.filter(({ strength }) => strength > 0).map(({ trackId }) => indexOf.get(trackId)));
    return liked.has(index);
  };
}

/** Bitmaps of what filters exclude, for any listener, because a few filters are requested again and again. */
const bitmaps = new WeakMap<Snapshot, Map<string, Uint8Array>>();
const MOST_BITMAPS = 100;

function ruledOut(snapshot: Snapshot, filter: TrackFilter | null, allowExplicit: boolean): Uint8Array {
  const known = bitmaps.get(snapshot) ?? new Map<string, Uint8Array>();
  bitmaps.set(snapshot, known);
  const key = JSON.stringify([filter, allowExplicit]);
  const bitmap = known.get(key) ?? makeBitmap(snapshot, filter, allowExplicit);
  known.delete(key);
  known.set(key, bitmap);
  const [oldest] = known.keys();
  if (known.size > MOST_BITMAPS && oldest !== undefined) known.delete(oldest);
  return bitmap;
}

function makeBitmap(snapshot: Snapshot, filter: TrackFilter | null, allowExplicit: boolean): Uint8Array {
  const bitmap = new Uint8Array(snapshot.tracks.length);
  const passes = filter ? filterOf(filter) : () => true;
  snapshot.tracks.forEach((track, index) => {
    const explicit = !allowExplicit && track.explicit ? BITS.EXPLICIT : 0;
    bitmap[index] = explicit | (passes(track) ? 0 : BITS.FILTERED) | (track.withdrawn ? BITS.WITHDRAWN : 0);
  });
  return bitmap;
}

export function exclusionNames(bits: number): Exclusion[] {
  return (Object.keys(BITS) as Exclusion[]).filter((name) => (bits & BITS[name]) !== 0);
}

function filterOf(filter: TrackFilter): (track: SnapshotTrack) => boolean {
  const genres = setOf(filter.genres?.map(slugOf));
  const excludedGenres = setOf(filter.excludeGenres?.map(slugOf));
  const artists = setOf(filter.artistIds);
  const excludedArtists = setOf(filter.excludeArtistIds);
  const excludedTracks = setOf(filter.excludeTrackIds);
  return (track) =>
    (genres === null || track.genreSlugs.some((slug) => genres.has(slug))) &&
    !track.genreSlugs.some((slug) => excludedGenres?.has(slug)) &&
    (artists === null || track.artistIds.some((id) => artists.has(id))) &&
    !(excludedArtists && track.artistIds.some((id) => excludedArtists.has(id))) &&
    !excludedTracks?.has(track.id) &&
    isWithin(track.releaseYear, filter.releaseYear) &&
    isWithin(track.durationMs, filter.durationMs) &&
    (filter.explicit == null || track.explicit === filter.explicit || filter.explicit);
}

const setOf = <Value>(values: readonly Value[] | null | undefined): ReadonlySet<Value> | null =>
  values ? new Set(values) : null;

/** A track with an unknown value does not satisfy a bound on it. */
function isWithin(
  value: number | null,
  range: { min?: number | null; max?: number | null } | null | undefined,
): boolean {
  if (range?.min == null && range?.max == null) return true;
  return value !== null && value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity);
}
