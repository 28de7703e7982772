import * as queries from '../db/catalogue/name-queries.ts';
import { reversed, type SortKey } from '../db/catalogue/sort-keys.ts';
import type { Database, Queryable } from '../db/client.ts';
import { checkFirst, decodeCursor, type Page, pageOf } from '../lib/page.ts';
import type { Album, AlbumOrder, Artist, CatalogueTag, Direction, NameOrder, NameSearch } from './contract.ts';
import { parseSearch, type Search } from './search.ts';

/** A list of artists or of tags, by name or by how well they match. */
export function searchNames(
  db: Queryable,
  kind: 'artist' | 'tag',
  asked: NameSearch<NameOrder>,
): Promise<Page<Artist & CatalogueTag>> {
  return searchNamed(db, kind, asked, (page) => queries.selectNamePage(db, kind, page));
}

export function searchAlbums(db: Database['db'], asked: NameSearch<AlbumOrder>): Promise<Page<Album>> {
  return searchNamed(db, 'album', asked, (page) => queries.selectAlbumPage(db, page));
}

interface Keyed {
  key: (string | number | null)[];
}

async function searchNamed<Row>(
  db: Queryable,
  kind: queries.NamedKind,
  { first, after = null, orderBy, direction = null, ...asked }: NameSearch<NameOrder | AlbumOrder>,
  select: (page: queries.NamePageQuery) => Promise<(Row & Keyed)[]>,
): Promise<Page<Row>> {
  const limit = checkFirst(first) + 1;
  const search = parseSearch(asked.search);
  const order = orderOf(search, orderBy, direction);
  const list = `${kind}s:${orderBy}:${direction ?? ''}`;
  const key = after === null ? null : decodeCursor(after, list, partsOf(order));
  const rows = await select({ search, order, after: key, limit });
  return pageOf(
    rows,
    list,
    { first, after },
    (row) => row.key,
    () => queries.countNames(db, kind, { search }),
  );
}

const partsOf = (order: readonly SortKey[]) => order.map(({ part }) => part);

/** Without a search, relevance is the name. */
function orderOf(
  search: Search | null,
  orderBy: NameOrder | AlbumOrder,
  direction: Direction | null,
): readonly SortKey[] {
  const keys = keysOf(search, orderBy);
  const isUsual = direction === null || (direction === 'DESC') === keys[0]?.descending;
  return isUsual ? keys : reversed(keys);
}

function keysOf(search: Search | null, orderBy: NameOrder | AlbumOrder): readonly SortKey[] {
  switch (orderBy) {
    case 'NAME':
    case 'TITLE':
      return queries.byName;
    case 'RELEASE_DATE':
      return queries.byReleaseDate;
    case 'RELEVANCE':
      return search ? queries.byMatch(search) : queries.byName;
  }
}
