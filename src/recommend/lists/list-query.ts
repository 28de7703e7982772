import { checkFilter, type TrackFilter } from '../../catalogue/catalogue.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkRange, checkText } from '../../lib/text/check-text.ts';
import type { RecommendationQuery } from '../contract.ts';
import type { ServedList } from './served-lists.ts';

const LONGEST_CONTEXT = 500;
const MOST_PER_ARTIST = 100;
/** Thirty days. */
const LONGEST_HOURS = 720;

export function checkQuery(query: RecommendationQuery): void {
  const { context, filter, diversity, calibration, maxPerArtist, notServedForHours } = query;
  if (filter) checkFilter(filter);
  if (diversity !== undefined) checkRange(diversity, 'diversity', 0, 1);
  if (calibration !== undefined) checkRange(calibration, 'calibration', 0, 1);
  if (maxPerArtist != null) checkRange(maxPerArtist, 'maxPerArtist', 1, MOST_PER_ARTIST);
  if (notServedForHours !== undefined) checkRange(notServedForHours, 'notServedForHours', 0, LONGEST_HOURS);
  if (context?.freshness != null) checkRange(context.freshness, 'context.freshness', 0, 1);
  if (context?.text != null) checkText(context.text, 'context.text', { min: 0, max: LONGEST_CONTEXT });
}

/** A page of another query's list would be wrong, so it is an error. */
export function checkSameQuery(list: ServedList, query: RecommendationQuery): void {
  const { seedTrackIds, contextText, freshness = 0 } = list.taste;
  const begun = { ...list, context: { seedTrackIds, text: contextText, freshness } };
  if (keyOf(list.listenerId, query) === keyOf(list.listenerId, begun)) return;
  throw new InvalidInputError('after belongs to a list with another filter, context or diversity', 'after');
}

/** A key that lists with the same query share. */
export function keyOf(listenerId: number, query: RecommendationQuery): string {
  const { filter = null, context } = query;
  const steering = [context?.seedTrackIds ?? [], context?.text ?? null, context?.freshness ?? 0];
  return JSON.stringify([listenerId, ...steering, shapingOf(query), conditionsOf(filter)]);
}

/** The options of a list, with their defaults. */
export function shapingOf(query: RecommendationQuery) {
  const { diversity = 0, calibration = 0, maxPerArtist = null, notServedForHours = 0, includeHeard = false } = query;
  return { diversity, calibration, maxPerArtist, notServedForHours, includeHeard };
}

/** A filter's conditions in a fixed order, because neither clients nor jsonb keep the order of an object's fields. */
function conditionsOf(filter: TrackFilter | null): unknown[] {
  const { genres, excludeGenres, artistIds, excludeArtistIds, excludeTrackIds } = filter ?? {};
  const { releaseYear, durationMs, explicit } = filter ?? {};
  return [
    ...[genres, excludeGenres, artistIds, excludeArtistIds, excludeTrackIds, explicit].map((value) => value ?? null),
    ...[releaseYear, durationMs].map((range) => [range?.min ?? null, range?.max ?? null]),
  ];
}
