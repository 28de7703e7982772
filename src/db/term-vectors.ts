import type { TermQuery } from '../lib/text/search-terms.ts';

/** Where a term occurs, as the weights of a `tsvector`. */
export const termWeights = { name: 'A', partOfName: 'B', about: 'C' } as const;

/** PostgreSQL's limit is 1 MiB, and each term takes a few bytes besides its own. */
const LONGEST_VECTOR = 800_000;

/** A `tsvector` of terms with weights; a term's first weight counts. Terms that exceed its maximum size are left out. */
export function vectorOf(terms: Iterable<readonly [Iterable<string>, string]>): string {
  const weights = new Map<string, string>();
  let bytes = 0;
  for (const [some, weight] of terms) {
    for (const term of some) {
      if (weights.has(term)) continue;
      bytes += Buffer.byteLength(term) + 12;
      if (bytes > LONGEST_VECTOR) break;
      weights.set(term, weight);
    }
  }
  return [...weights].map(([term, weight]) => `${quoted(term)}:1${weight}`).join(' ');
}

/** @param weights where the terms must occur; anywhere if empty */
export function tsquery(query: TermQuery, weights = ''): string {
  const term = ({ text, whole }: { text: string; whole: boolean }): string => {
    const suffix = `${whole ? '' : '*'}${weights}`;
    return suffix === '' ? quoted(text) : `${quoted(text)}:${suffix}`;
  };
  return query
    .map((spellings) => spellings.map((terms) => terms.map(term).join(' & ')).map((all) => `(${all})`))
    .map((spellings) => `(${spellings.join(' | ')})`)
    .join(' & ');
}

/** A lexeme as written in `tsvector` and `tsquery`. */
const quoted = (term: string): string => `'${term.replace(/['\\]/g, '$&$&')}'`;
