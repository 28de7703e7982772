import { checkFilter, type TrackFilter } from '../../catalogue/catalogue.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkLength, checkRange, checkText } from '../../lib/text/check-text.ts';
import type { GroupRequest, RecommendationQuery } from '../contract.ts';
import type { ServedList } from './stored-lists.ts';

const LONGEST_CONTEXT = 500;
const MOST_PER_ARTIST = 100;
/** Thirty days. */
const LONGEST_HOURS = 720;

const MOST_TRACKS = 100;

export function checkQuery(query: RecommendationQuery): void {
  const { context, filter, diversity, calibration, maxPerArtist, notServedForHours } = query;
  if (filter) checkFilter(filter);
  if (diversity !== undefined) checkRange(diversity, 'diversity', 0, 1);
  if (calibration !== undefined) checkRange(calibration, 'calibration', 0, 1);
  if (maxPerArtist != null) checkRange(maxPerArtist, 'maxPerArtist', 1, MOST_PER_ARTIST);
  if (notServedForHours !== undefined) checkRange(notServedForHours, 'notServedForHours', 0, LONGEST_HOURS);
  for (const name of ['seedTrackIds', 'unlikeTrackIds', 'session'] as const)
    checkLength(context?.[name] ?? [], `context.${name}`, MOST_TRACKS);
  checkAgreeing(context);
  if (context?.freshness != null) checkRange(context.freshness, 'context.freshness', 0, 1);
  if (context?.text != null) checkText(context.text, 'context.text', { min: 0, max: LONGEST_CONTEXT });
}

const MOST_MEMBERS = 20;

export function checkGroup({ listenerIds, filter }: GroupRequest): void {
  checkLength(listenerIds, 'listenerIds', MOST_MEMBERS);
  if (listenerIds.length === 0) throw new InvalidInputError('listenerIds must not be empty', 'listenerIds');
  const twice = listenerIds.findIndex((id, i) => listenerIds.indexOf(id) < i);
  if (twice >= 0) throw new InvalidInputError(`listenerIds.${twice} is there twice`, `listenerIds.${twice}`);
  if (filter) checkFilter(filter);
}

/** More and less like one track would cancel out, and the list would look as if neither had been asked for. */
function checkAgreeing(context: RecommendationQuery['context']): void {
  const wanted = new Set(context?.seedTrackIds);
  const at = (context?.unlikeTrackIds ?? []).findIndex((id) => wanted.has(id));
  if (at < 0) return;
  const field = `context.unlikeTrackIds.${at}`;
  throw new InvalidInputError(`${field} is in context.seedTrackIds too`, field);
}

/** A page of another query's list would be wrong, so it is an error. */
export function checkSameQuery(list: ServedList, query: RecommendationQuery): void {
  if (isOfQuery(list, query)) return;
  throw new InvalidInputError('after belongs to a list with another filter, context or diversity', 'after');
}

export function isOfQuery(list: ServedList, query: RecommendationQuery): boolean {
  const { seedTrackIds, unlikeTrackIds = null, session = null, contextText, freshness = 0, moodOf = null } = list.taste;
  const steered = { seedTrackIds, unlikeTrackIds, session, text: contextText, freshness, mood: moodOf };
  const begun = { ...list, context: steered };
  return keyOf(list.listenerId, query) === keyOf(list.listenerId, begun);
}

/** A key that lists with the same query share. */
export function keyOf(listenerId: number, query: RecommendationQuery): string {
  const { filter = null, context } = query;
  const steering = [
    context?.seedTrackIds ?? [],
    context?.text ?? null,
    context?.freshness ?? 0,
    context?.mood?.draftId ?? null,
    context?.unlikeTrackIds ?? [],
    context?.session ?? null,
  ];
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
