import type { Database, Queryable } from '../db/client.ts';
import { takeChore } from '../db/nodes/chores.ts';
import * as queries from '../db/queries/catalogue-queries.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import { refreshPopularity } from '../db/queries/popularity-queries.ts';
import { mergeTracks } from '../db/queries/track-merge.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, type Page, pageOf } from '../lib/page.ts';
import { checkName } from '../lib/text/check-text.ts';
import { RowCache } from './catalogue-cache.ts';
import type { Catalogue, Track, TrackFilter, TrackSearch } from './contract.ts';
import { checkFilter, checkKnownGenres, genresNamed, orderOf, parseSearch, whereOf } from './search.ts';
import { cleanTracks } from './track-input.ts';
import { catalogueWakeup } from './wakeup-keys.ts';
import { withdraw } from './withdrawal.ts';

export interface CatalogueOptions {
  database: Database;
  /** Woken by each change. Absent if no other copy of the catalogue exists. */
  wakeups?: Wakeups;
  clock: Clock;
}

export function createCatalogue({ database, wakeups, clock }: CatalogueOptions): Catalogue {
  const { db, sql } = database;
  const rows = {
    tracks: new RowCache(async (ids) => indexBy(await queries.selectTracks(db, ids), (track) => track.id)),
    artists: new RowCache(async (ids) => indexBy(await queries.selectArtists(db, ids), (artist) => artist.id)),
    genres: new RowCache(async (ids) => groupBy(await queries.selectGenresOfTracks(db, ids), (row) => row.owner)),
    tags: new RowCache(async (ids) => groupBy(await queries.selectTagsOfTracks(db, ids), (row) => row.owner)),
  };
  const clear = (): void => {
    for (const cache of Object.values(rows)) cache.clear();
  };
  // Without wake-ups, changes by others would go unnoticed, so nothing may be cached.
  const get = <Row>(cache: RowCache<Row>, ids: readonly number[]): Promise<Map<number, Row>> => {
    if (!wakeups) cache.clear();
    return cache.get(ids);
  };
  if (wakeups) void onEach(wakeups.changes(catalogueWakeup), clear);
  const tell = (): void => {
    clear();
    wakeups?.wake(catalogueWakeup);
  };
  const changed = async <Result>(change: Promise<Result>): Promise<Result> => {
    const result = await change;
    tell();
    return result;
  };
  return {
    tracksById: (ids) => get(rows.tracks, ids),
    tracksByExternalId: async (externalIds) => {
      const ids = externalIds.map((one, i) => checkName(one, `externalIds.${i}`, { max: 200 }));
      const found = indexBy(await queries.selectTracksByExternalId(db, ids), (track) => track.externalId);
      return new Map(externalIds.flatMap((one, i) => entryOf(one, found.get(ids[i] ?? one))));
    },
    artistsById: (ids) => get(rows.artists, ids),
    genresOfTracks: (ids) => get(rows.genres, ids),
    tagsOfTracks: (ids) => get(rows.tags, ids),
    genresOfArtists: async (ids) =>
      groupBy(ids.length ? await queries.selectGenresOfArtists(db, ids) : [], (row) => row.owner),
    genresBySlug: async (slugs) =>
      indexBy(slugs.length ? await queries.selectGenres(db, slugs) : [], (genre) => genre.slug),
    genres: () => queries.selectGenres(db),
    searchTracks: (search, signal) => searchTracks(database.under(signal), search),
    tracksOfArtist: tracksOfArtist(db),
    upsertTracks: async (input) => changed(mergeTracks(sql, cleanTracks(input))),
    withdrawTracks: async (input) => changed(withdraw(sql, input, new Date(clock.now()))),
    refreshPopularity: async (withinMs = 0) => {
      const count = await sql.begin(async (tx) =>
        (await takeChore(tx, 'popularity', withinMs)) ? refreshPopularity(tx, new Date(clock.now())) : 0,
      );
      if (count > 0) tell();
    },
  };
}

const entryOf = (externalId: string, track: Track | undefined): [string, Track][] =>
  track ? [[externalId, track]] : [];

async function searchTracks(db: Queryable, search: TrackSearch): Promise<Page<Track>> {
  const { first, after = null, orderBy, direction = null } = search;
  checkFirst(first);
  const parsed = parseSearch(search.search);
  if (search.filter) await checkGenres(db, checkFilter(search.filter));
  const list = direction === null ? `tracks:${orderBy}` : `tracks:${orderBy}:${direction}`;
  const where = whereOf(db, parsed, search.filter);
  const order = orderOf(parsed, orderBy, direction);
  const key = after === null ? null : decodeCursor(after, list, partsOf(order));
  const rows = await queries.selectTrackPage(db, { where, order, after: key, limit: first + 1 });
  const total = () => queries.countTracks(db, where);
  const page = pageOf(rows, list, { first, after }, (row) => row.key, total);
  return { ...page, edges: page.edges.map(({ cursor, node }) => ({ cursor, node: node.track })) };
}

async function checkGenres(db: Queryable, filter: TrackFilter): Promise<void> {
  const named = genresNamed(filter);
  const known = new Set(named.length > 0 ? await queries.selectSlugs(db, named) : []);
  checkKnownGenres(filter, (slug) => known.has(slug));
}

const partsOf = (order: readonly queries.SortKey[]) => order.map(({ part }) => part);

function tracksOfArtist(db: Database['db']): Catalogue['tracksOfArtist'] {
  const select = perOwner<Pick<queries.TrackPageQuery, 'after' | 'limit'>, Track[]>(
    async (ids, page) => groupBy(await queries.selectTracksOfArtists(db, ids, page), (track) => track.artistId),
    [],
  );
  const count = perOwner((ids) => queries.countTracksOfArtists(db, ids), 0);
  return async (artistId, { first, after = null }) => {
    const list = `artist:${artistId}`;
    const key = after === null ? null : decodeCursor(after, list, partsOf(queries.byPopularity));
    const rows = await select(artistId, { after: key, limit: checkFirst(first) + 1 });
    const keyOf = ({ popularity, id }: Track) => [popularity, id];
    return pageOf(rows, list, { first, after }, keyOf, () => count(artistId, null));
  };
}
