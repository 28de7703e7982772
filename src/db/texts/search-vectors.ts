import { termsIn } from '../../lib/text/search-terms.ts';
import { termWeights, vectorOf } from '../term-vectors.ts';

/** Truncates to the maximum length of names. Normal forms can be longer, and index entries have a limit. */
export const cut = (text: string): string => (text.length <= 500 ? text : Array.from(text).slice(0, 500).join(''));

/** The terms by which names are found. */
export const nameVector = (...names: readonly string[]): string => searchVector(names, '');

/** The terms of names, their parts, and what else is said. */
export function searchVector(names: readonly string[], about: string): string {
  const terms = names.map(termsIn);
  return vectorOf([
    ...terms.map(({ words }) => [words, termWeights.name] as const),
    ...terms.map(({ parts }) => [parts, termWeights.partOfName] as const),
    [termsIn(about).words, termWeights.about],
  ]);
}
