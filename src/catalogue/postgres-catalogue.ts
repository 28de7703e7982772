import type { Database } from '../db/client.ts';
import * as queries from '../db/catalogue-queries.ts';
import { mergeTracks, refreshPopularity } from '../db/track-merge.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, pageOf, type Page, type PageArgs } from '../lib/page.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { RowCache } from './catalogue-cache.ts';
import type { Catalogue, Track, TrackSearch } from './catalogue.ts';
import { catalogueWakeup } from './wakeup-key.ts';
import { orderOf, parseSearch, whereOf } from './search.ts';
import { cleanTracks } from './track-input.ts';

export interface CatalogueOptions {
  database: Database;
  /** Woken by each change; absent where nobody else has a copy of the catalogue. */
  wakeups?: Wakeups;
  clock: Clock;
}

export function createCatalogue({ database: { db, sql }, wakeups, clock }: CatalogueOptions): Catalogue {
  const rows = {
    tracks: new RowCache(async (ids) => indexBy(await queries.selectTracks(db, ids), (track) => track.id)),
    artists: new RowCache(async (ids) => indexBy(await queries.selectArtists(db, ids), (artist) => artist.id)),
    genres: new RowCache(async (ids) => groupBy(await queries.selectGenresOfTracks(db, ids), (row) => row.owner)),
    tags: new RowCache(async (ids) => groupBy(await queries.selectTagsOfTracks(db, ids), (row) => row.owner)),
  };
  const clear = (): void => {
    for (const cache of Object.values(rows)) cache.clear();
  };
  // Without wake-ups nobody tells of changes that others make, and nothing may be remembered.
  const get = <Row>(cache: RowCache<Row>, ids: readonly number[]): Promise<Map<number, Row>> => {
    if (!wakeups) cache.clear();
    return cache.get(ids);
  };
  if (wakeups) void onEach(wakeups.watch(catalogueWakeup), clear);
  const changed = async <Result>(change: Promise<Result>): Promise<Result> => {
    const result = await change;
    clear();
    wakeups?.wake(catalogueWakeup);
    return result;
  };
  return {
    tracksById: (ids) => get(rows.tracks, ids),
    artistsById: (ids) => get(rows.artists, ids),
    genresOfTracks: (ids) => get(rows.genres, ids),
    tagsOfTracks: (ids) => get(rows.tags, ids),
    genresOfArtists: async (ids) =>
      groupBy(ids.length ? await queries.selectGenresOfArtists(db, ids) : [], (row) => row.owner),
    genresBySlug: async (slugs) =>
      indexBy(slugs.length ? await queries.selectGenres(db, slugs) : [], (genre) => genre.slug),
    genres: () => queries.selectGenres(db),
    searchTracks: (search) => searchTracks(db, search),
    tracksOfArtist: (artistId, page) => tracksOfArtist(db, artistId, page),
    upsertTracks: async (input) => changed(mergeTracks(sql, cleanTracks(input))),
    refreshPopularity: () => changed(sql.begin((tx) => refreshPopularity(tx, new Date(clock.now())))),
  };
}

async function onEach(changes: AsyncIterable<void>, act: () => void): Promise<void> {
  for await (const _ of changes) act();
}

async function searchTracks(db: Database['db'], search: TrackSearch): Promise<Page<Track>> {
  checkFirst(search.first);
  const parsed = parseSearch(search.search);
  const list = { name: `tracks:${search.orderBy}`, where: whereOf(db, parsed, search.filter) };
  return pageOfTracks(db, { ...list, order: orderOf(parsed, search.orderBy) }, search);
}

function tracksOfArtist(db: Database['db'], artistId: number, page: PageArgs): Promise<Page<Track>> {
  const order = [queries.sortKeys.popularity, queries.sortKeys.id];
  return pageOfTracks(db, { name: `artist:${artistId}`, where: queries.ofArtist(artistId), order }, page);
}

interface TrackList {
  /** What its cursors say that they are of. */
  name: string;
  where: ReturnType<typeof whereOf>;
  order: readonly queries.SortKey[];
}

async function pageOfTracks(
  db: Database['db'],
  { name, where, order }: TrackList,
  { first, after }: PageArgs,
): Promise<Page<Track>> {
  checkFirst(first);
  const parts = order.map(({ part }) => part);
  const key = after == null ? null : decodeCursor(after, name, parts);
  const rows = await queries.selectTrackPage(db, { where, order, after: key, limit: first + 1 });
  const page = pageOf(
    rows,
    name,
    { first, after: after ?? null },
    (row) => row.key,
    () => queries.countTracks(db, where),
  );
  return { ...page, edges: page.edges.map(({ cursor, node }) => ({ cursor, node: queries.pickTrack(node) })) };
}
