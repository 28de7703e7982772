import type { Database } from '../db/client.ts';
import {
  allOf,
  byPopularity,
  filterCondition,
  relevance,
  searchCondition,
  sortKeys,
  type SortKey,
} from '../db/catalogue-queries.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { keyPart } from '../lib/page.ts';
import { checkLength, checkRange, checkText } from '../lib/text.ts';
import type { Range, TrackFilter, TrackOrder } from './catalogue.ts';

interface Search {
  /** Lower case, white space folded. */
  text: string;
  words: string[];
}

/** An empty search is no search. */
export function parseSearch(search: string | null | undefined): Search | null {
  const text = checkText(search ?? '', 'search', { min: 0, max: 200 })
    .toLowerCase()
    .replace(/\s+/g, ' ');
  return text === '' ? null : { text, words: [...new Set(text.split(' '))] };
}

export function whereOf(db: Database['db'], search: Search | null, filter: TrackFilter | null | undefined) {
  return allOf(
    search ? searchCondition(search.words) : undefined,
    filter ? filterCondition(db, checkFilter(filter)) : undefined,
  );
}

/** Every order ends with the id, so that no two rows share a key. Without a search, relevance is popularity. */
export function orderOf(search: Search | null, order: TrackOrder): readonly SortKey[] {
  switch (order) {
    case 'POPULARITY':
      return byPopularity;
    case 'RELEASE_YEAR':
      return [sortKeys.releaseYear, sortKeys.id];
    case 'TITLE':
      return [sortKeys.title, sortKeys.id];
    case 'RELEVANCE':
      if (!search) return byPopularity;
      return [relevanceKey(search), ...byPopularity];
  }
}

const relevanceKey = ({ text, words }: Search): SortKey => ({
  expression: relevance(text, words),
  descending: true,
  part: keyPart.integer,
});

const MAX_ENTRIES = 100;
const MAX_INT = 2 ** 31 - 1;

/** @throws InvalidInputError naming the filter's field, e.g. `filter.releaseYear` */
export function checkFilter(filter: TrackFilter): TrackFilter {
  for (const field of ['genres', 'excludeGenres', 'artistIds', 'excludeArtistIds', 'excludeTrackIds'] as const) {
    checkLength(filter[field] ?? [], `filter.${field}`, MAX_ENTRIES);
  }
  for (const field of ['genres', 'excludeGenres'] as const) {
    filter[field]?.forEach((slug, i) => checkText(slug, `filter.${field}.${i}`, { max: 100 }));
  }
  checkInterval(filter.releaseYear, 'filter.releaseYear');
  checkInterval(filter.durationMs, 'filter.durationMs');
  return filter;
}

function checkInterval(range: Range | null | undefined, field: string): void {
  if (range?.min != null) checkRange(range.min, `${field}.min`, 0, MAX_INT);
  if (range?.max != null) checkRange(range.max, `${field}.max`, 0, MAX_INT);
  if (range?.min == null || range.max == null || range.min <= range.max) return;
  throw new InvalidInputError(`${field}.min (${range.min}) must not be above ${field}.max (${range.max})`, field);
}
