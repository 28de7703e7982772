import {
  allOf,
  byPopularity,
  type FilterColumns,
  filterCondition,
  relevance,
  searchCondition,
  sortKeys,
} from '../db/catalogue/catalogue-queries.ts';
import { reversed, type SortKey } from '../db/catalogue/sort-keys.ts';
import type { Database } from '../db/client.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { keyPart } from '../lib/page.ts';
import { checkLength, checkRange, checkText } from '../lib/text/check-text.ts';
import { slugOf } from '../lib/text/folded-text.ts';
import { type TermQuery, termQuery, wordsText } from '../lib/text/search-terms.ts';
import type { CatalogueFilter, Direction, Range, TrackFilter, TrackOrder } from './contract.ts';

export interface Search {
  /** The words of the search, for comparison with whole names. */
  text: string;
  terms: TermQuery;
}

/** An empty search counts as none. */
export function parseSearch(search: string | null | undefined): Search | null {
  const asked = checkText(search ?? '', 'search', { min: 0, max: 200 });
  const terms = termQuery(asked);
  return terms.length === 0 ? null : { text: wordsText(asked), terms };
}

export function whereOf(db: Database['db'], search: Search | null, filter: FilterColumns | null) {
  return allOf(
    search ? searchCondition(db, search.terms) : undefined,
    filter ? filterCondition(db, inNormalForm(filter)) : undefined,
  );
}

/** Every order ends with the id, so that no two rows share a key. Without a search, RELEVANCE is popularity. */
export function orderOf(search: Search | null, order: TrackOrder, direction: Direction | null): readonly SortKey[] {
  const keys = keysOf(search, order);
  const isUsual = direction === null || (direction === 'DESC') === keys[0]?.descending;
  return isUsual ? keys : reversed(keys);
}

function keysOf(search: Search | null, order: TrackOrder): readonly SortKey[] {
  switch (order) {
    case 'POPULARITY':
      return byPopularity;
    case 'RELEASE_YEAR':
      return [sortKeys.releaseYear, sortKeys.id];
    case 'TITLE':
      return [sortKeys.title, sortKeys.id];
    case 'ADDED':
      return [sortKeys.added];
    case 'RELEVANCE':
      if (!search) return byPopularity;
      return [relevanceKey(search), ...byPopularity];
  }
}

const relevanceKey = ({ text, terms }: Search): SortKey => ({
  expression: relevance(text, terms),
  descending: true,
  part: keyPart.integer,
});

const MAX_ENTRIES = 100;
const MAX_INT = 2 ** 31 - 1;

/** Genres may also be given by name. */
function inNormalForm({ genres, excludeGenres, ...filter }: FilterColumns): FilterColumns {
  return { ...filter, genres: genres?.map(slugOf) ?? null, excludeGenres: excludeGenres?.map(slugOf) ?? null };
}

/** @throws InvalidInputError naming the filter's field, for example `filter.releaseYear` */
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

/** The same of what only `tracks` can be asked for. */
export function checkCatalogueFilter(filter: CatalogueFilter): CatalogueFilter {
  checkFilter(filter);
  for (const field of ['albumIds', 'isrcs', 'tags'] as const)
    checkLength(filter[field] ?? [], `filter.${field}`, MAX_ENTRIES);
  filter.tags?.forEach((tag, i) => checkText(tag, `filter.tags.${i}`, { max: 100 }));
  return filter;
}

/** @throws InvalidInputError naming e.g. `filter.genres.0` */
export function checkKnownGenres(filter: TrackFilter, isKnown: (slug: string) => boolean): void {
  for (const list of ['genres', 'excludeGenres'] as const) {
    filter[list]?.forEach((genre, i) => {
      const field = `filter.${list}.${i}`;
      if (!isKnown(slugOf(genre))) throw new InvalidInputError(`${field}: there is no genre "${genre.trim()}"`, field);
    });
  }
}

/** The slugs of the genres that a filter names. */
export const genresNamed = ({ genres, excludeGenres }: TrackFilter): string[] =>
  [...(genres ?? []), ...(excludeGenres ?? [])].map(slugOf);

function checkInterval(range: Range | null | undefined, field: string): void {
  if (range?.min != null) checkRange(range.min, `${field}.min`, 0, MAX_INT);
  if (range?.max != null) checkRange(range.max, `${field}.max`, 0, MAX_INT);
  if (range?.min == null || range.max == null || range.min <= range.max) return;
  throw new InvalidInputError(`${field}.min (${range.min}) must not be above ${field}.max (${range.max})`, field);
}
