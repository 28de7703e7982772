import { and, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { groupBy } from '../../lib/collections.ts';
import { keyPart } from '../../lib/page.ts';
import { parseStored } from '../../lib/stored-data.ts';
import type { TermQuery } from '../../lib/text/search-terms.ts';
import type { Queryable } from '../client.ts';
import { onlyRow } from '../only-row.ts';
import { termWeights, tsquery } from '../term-vectors.ts';
import { type AlbumRow, artistsOfAlbum, artistsShape, coversShape } from './detail-queries.ts';
import { afterKey, directed, type SortKey } from './sort-keys.ts';

export type NamedKind = 'artist' | 'tag' | 'album';

/** Which artists, tags or albums: those with tracks that are not withdrawn. */
export interface NamesAsked {
  /** The words of the search, for comparison with whole names, and its terms. Null: all. */
  search: { text: string; terms: TermQuery } | null;
}

export interface NamePageQuery extends NamesAsked {
  order: readonly SortKey[];
  after: readonly (string | number | null)[] | null;
  limit: number;
}

/** The table, its columns for a page, and the condition that a row has tracks to offer. */
const kinds: Record<NamedKind, { from: SQL; columns: SQL; isOffered: SQL }> = {
  artist: {
    from: sql`artists x`,
    columns: sql`x.name as name`,
    isOffered: sql`exists (select from track_artists l join tracks t on t.id = l.track_id
      where l.artist_id = x.id and t.withdrawn_at is null)`,
  },
  tag: {
    from: sql`tags x`,
    columns: sql`x.name as name`,
    isOffered: sql`exists (select from track_tags l join tracks t on t.id = l.track_id
      where l.tag_id = x.id and t.withdrawn_at is null)`,
  },
  album: {
    from: sql`albums x`,
    columns: sql`x.title as title, x.external_id as "externalId", x.release_date as "releaseDate", x.covers as covers,
      ${artistsOfAlbum(sql`x.id`)} as artists`,
    isOffered: sql`exists (select from tracks t where t.album_id = x.id and t.withdrawn_at is null)`,
  },
};

const keyShape = z.array(z.union([z.string(), z.number(), z.null()]));
const nameShape = z.object({ id: z.number(), name: z.string(), key: keyShape });
const albumShape = z.object({
  ...{ id: z.number(), title: z.string(), externalId: z.string().nullable(), releaseDate: z.string().nullable() },
  ...{ covers: coversShape, artists: artistsShape, key: keyShape },
});

type Keyed<Row> = Row & { key: (string | number | null)[] };

export async function selectNamePage(
  db: Queryable,
  kind: 'artist' | 'tag',
  page: NamePageQuery,
): Promise<Keyed<{ id: number; name: string }>[]> {
  return parseStored(z.array(nameShape), await selectRows(db, kind, page), `a page of ${kind}s`);
}

export async function selectAlbumPage(db: Queryable, page: NamePageQuery): Promise<Keyed<AlbumRow>[]> {
  return parseStored(z.array(albumShape), await selectRows(db, 'album', page), 'a page of albums');
}

/** For each artist the first albums after a key, the newest first. */
export async function selectAlbumsOfArtists(
  db: Queryable,
  artistIds: readonly number[],
  { after, limit }: Pick<NamePageQuery, 'after' | 'limit'>,
): Promise<Map<number, AlbumRow[]>> {
  const order = sql.join(byReleaseDate.map(directed), sql`, `);
  const condition = and(kinds.album.isOffered, after ? afterKey(byReleaseDate, after) : undefined);
  const rows = await db.execute(sql`select o.id::float8 as owner, page.* from artists o cross join lateral (
      select x.id::float8 as id, ${kinds.album.columns}, jsonb_build_array() as key, row_number() over (order by ${order}) as place
      from albums x join album_artists credit on credit.album_id = x.id where credit.artist_id = o.id and ${condition}
      order by ${order} limit ${limit}
    ) page where o.id in ${[...artistIds]} order by place`);
  const shape = z.array(z.looseObject({ owner: z.number(), ...albumShape.shape }));
  return groupBy(parseStored(shape, rows, 'albums of artists'), ({ owner }) => owner);
}

/** Artists without albums are absent. */
export async function countAlbumsOfArtists(db: Queryable, artistIds: readonly number[]): Promise<Map<number, number>> {
  const rows = await db.execute<{ owner: number; total: number }>(sql`
    select credit.artist_id::float8 as owner, count(*)::int as total from albums x join album_artists credit on credit.album_id = x.id
    where credit.artist_id in ${[...artistIds]} and ${kinds.album.isOffered} group by credit.artist_id`);
  return new Map([...rows].map(({ owner, total }) => [owner, total]));
}

async function selectRows(db: Queryable, kind: NamedKind, page: NamePageQuery): Promise<unknown[]> {
  const { order, after, limit } = page;
  const keys = sql.join(
    order.map(({ expression }) => expression),
    sql`, `,
  );
  const condition = and(whereOf(kind, page), after ? afterKey(order, after) : undefined);
  return db.execute(sql`select x.id::float8 as id, ${kinds[kind].columns}, jsonb_build_array(${keys}) as key
    from ${kinds[kind].from} where ${condition}
    order by ${sql.join(order.map(directed), sql`, `)} limit ${limit}`);
}

export async function countNames(db: Queryable, kind: NamedKind, asked: NamesAsked): Promise<number> {
  const rows = await db.execute<{ total: number }>(
    sql`select count(*)::int as total from ${kinds[kind].from} where ${whereOf(kind, asked)}`,
  );
  return onlyRow([...rows]).total;
}

function whereOf(kind: NamedKind, { search }: NamesAsked): SQL | undefined {
  return and(
    sql`x.name_text is not null`,
    kinds[kind].isOffered,
    search ? sql`x.search @@ ${tsquery(search.terms)}::tsquery` : undefined,
  );
}

const id: SortKey = { expression: sql<number>`x.id`, descending: false, part: keyPart.id };
const name: SortKey = { expression: sql<string>`x.name_text`, descending: false, part: keyPart.text };
const releaseDate: SortKey = {
  expression: sql<string | null>`x.release_date`,
  descending: true,
  part: keyPart.textOrNull,
};

export const byName: readonly SortKey[] = [name, id];
export const byReleaseDate: readonly SortKey[] = [releaseDate, id];

/** How well a search matches a name, as of tracks; equal matches by name. */
export const byMatch = ({ text, terms }: NonNullable<NamesAsked['search']>): readonly SortKey[] => [
  {
    expression: sql<number>`(case when x.name_text = ${text} then 6 when starts_with(x.name_text, ${text}) then 5
      when strpos(' ' || x.name_text, ${` ${text}`}) > 0 then 4
      when x.search @@ ${tsquery(terms, termWeights.name)}::tsquery then 3 else 2 end)`,
    descending: true,
    part: keyPart.integer,
  },
  ...byName,
];
