import { wordsText } from '../../lib/text/search-terms.ts';
import type { Transaction } from '../connection/transaction.ts';
import { cut, nameVector } from './search-vectors.ts';

/** What has a name by which it is found. */
const named = ['artists', 'tags', 'albums'] as const;
type NamedTable = (typeof named)[number];

/** Number of rows whose texts are created in one statement. */
const BATCH = 2_000;

/** Creates the texts of all artists, tags and albums that have none. */
export async function fillAllNameTexts(tx: Transaction): Promise<void> {
  for (const table of named) while (await fillNameTexts(tx, table)) continue;
}

/** Creates the texts of the next rows that have none. @returns whether there may be more */
async function fillNameTexts(tx: Transaction, table: NamedTable): Promise<boolean> {
  const rows = await namesWithoutTexts(tx, table);
  const texts = rows.map(({ id, names: [name = '', ...others] }) => ({
    id,
    name_text: cut(wordsText(name)),
    search: nameVector(name, ...others),
  }));
  await tx`update ${tx(table)} x set name_text = r.name_text, search = r.search::tsvector
    from jsonb_to_recordset(${JSON.stringify(texts)}::text::jsonb) as r (id bigint, name_text text, search text) where x.id = r.id`;
  return rows.length === BATCH;
}

/** An album is found by its artists too. */
function namesWithoutTexts(tx: Transaction, table: NamedTable): Promise<{ id: number; names: string[] }[]> {
  const names =
    table === 'albums'
      ? tx`jsonb_build_array(title) || (select coalesce(jsonb_agg(a.name order by l.position), '[]')
          from album_artists l join artists a on a.id = l.artist_id where l.album_id = x.id)`
      : tx`jsonb_build_array(name)`;
  return tx<{ id: number; names: string[] }[]>`
    select id::float8 as id, ${names} as names from ${tx(table)} x where search is null order by id limit ${BATCH}`;
}

/** Number of artists, tags and albums that have no texts yet. */
export async function countWithoutNameTexts(tx: Transaction): Promise<number> {
  const [waiting] = await tx<{ n: number }[]>`
    select (select count(*) from artists where search is null)::int + (select count(*) from tags where search is null)::int
      + (select count(*) from albums where search is null)::int as n`;
  return waiting?.n ?? 0;
}
