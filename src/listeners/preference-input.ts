import type { Queryable } from '../db/client.ts';
import { existingIds, genreIdsBySlug, type PreferenceChange } from '../db/queries/listener-queries.ts';
import { InvalidInputError, NotFoundError } from '../lib/errors.ts';
import { checkLength, checkName, checkRange, checkText } from '../lib/text/check-text.ts';
import { slugOf } from '../lib/text/folded-text.ts';
import type { PreferencesInput } from './contract.ts';

/**
 * The changed parts of the preferences. An absent or null field keeps its value; an empty list or text clears it.
 * @throws InvalidInputError, NotFoundError
 */
export async function checkPreferences(db: Queryable, input: PreferencesInput): Promise<Omit<PreferenceChange, 'at'>> {
  return {
    ...(input.genres && { genres: await checkGenres(db, input.genres) }),
    ...(input.artistIds && { artistIds: await checkArtists(db, input.artistIds) }),
    ...(input.tags && { tags: checkTags(input.tags) }),
    ...(input.text != null && { text: checkText(input.text, 'input.text', { min: 0, max: 1_000 }) || null }),
    ...(input.allowExplicit != null && { allowExplicit: input.allowExplicit }),
  };
}

async function checkGenres(
  db: Queryable,
  genres: NonNullable<PreferencesInput['genres']>,
): Promise<NonNullable<PreferenceChange['genres']>> {
  checkLength(genres, 'input.genres', 100);
  const slugs = genres.map(({ genre }, i) => slugOf(checkText(genre, `input.genres.${i}.genre`, { max: 100 })));
  const ids = await genreIdsBySlug(db, slugs);
  return genres.map(({ genre, weight }, i) => {
    const slug = slugs[i] ?? '';
    const field = `input.genres.${i}.genre`;
    const genreId = ids.get(slug);
    if (genreId === undefined) throw new InvalidInputError(`${field}: there is no genre "${genre.trim()}"`, field);
    if (slugs.indexOf(slug) !== i) throw new InvalidInputError(`${field} repeats "${genre.trim()}"`, field);
    return { genreId, weight: checkRange(weight, `input.genres.${i}.weight`, -1, 1) };
  });
}

async function checkArtists(db: Queryable, ids: readonly number[]): Promise<number[]> {
  checkLength(ids, 'input.artistIds', 100);
  const unique = [...new Set(ids)];
  const found = await existingIds(db, 'artists', unique);
  const missing = ids.findIndex((id) => !found.has(id));
  const field = `input.artistIds.${missing}`;
  if (missing >= 0) throw new NotFoundError(`${field}: there is no such artist`, null, field);
  return unique;
}

function checkTags(tags: readonly string[]): string[] {
  checkLength(tags, 'input.tags', 50);
  return [...new Set(tags.map((tag, i) => checkName(tag, `input.tags.${i}`, { max: 100 }).toLowerCase()))];
}
