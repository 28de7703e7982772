import * as queries from '../db/catalogue/catalogue-queries.ts';
import { selectAlbums, selectCredits, selectDetails } from '../db/catalogue/detail-queries.ts';
import { selectMetadataKeys } from '../db/catalogue/metadata-queries.ts';
import { countTracksOfAlbums, countTracksOfArtists, countTracksOfTags } from '../db/catalogue/owned-tracks.ts';
import type { SortKey } from '../db/catalogue/sort-keys.ts';
import { mergeTracks } from '../db/catalogue/track-merge.ts';
import type { Database, Queryable } from '../db/client.ts';
import { takeChore } from '../db/nodes/chores.ts';
import { refreshPopularity } from '../db/recommend/popularity-queries.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, type Page, pageOf } from '../lib/page.ts';
import { checkName } from '../lib/text/check-text.ts';
import { RowCache } from './catalogue-cache.ts';
import type { Catalogue, CatalogueFilter, Track, TrackFilter, TrackInput, TrackSearch } from './contract.ts';
import { checkConditions, type DeclaredKeys, declaredKeys, declareKeys, removeKey } from './metadata.ts';
import { searchAlbums, searchNames } from './names.ts';
import { ownedLists } from './owned-lists.ts';
import { checkCatalogueFilter, checkKnownGenres, genresNamed, orderOf, parseSearch, whereOf } from './search.ts';
import { checkIsrc, cleanTracks } from './track-input.ts';
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
    albums: new RowCache(async (ids) => indexBy(await selectAlbums(db, ids), (album) => album.id)),
    credits: new RowCache(async (ids) => groupBy(await selectCredits(db, ids), (row) => row.owner)),
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
    albumsById: (ids) => get(rows.albums, ids),
    creditsOfTracks: (ids) => get(rows.credits, ids),
    detailsOfTracks: async (ids) => indexBy(await selectDetails(db, ids), ({ trackId }) => trackId),
    genresOfTracks: (ids) => get(rows.genres, ids),
    tagsOfTracks: (ids) => get(rows.tags, ids),
    genresOfArtists: async (ids) =>
      groupBy(ids.length ? await queries.selectGenresOfArtists(db, ids) : [], (row) => row.owner),
    genresBySlug: async (slugs) =>
      indexBy(slugs.length ? await queries.selectGenres(db, slugs) : [], (genre) => genre.slug),
    genres: () => queries.selectGenres(db),
    searchTracks: (search, signal) => searchTracks(database.under(signal), search),
    matchingTracks: (search, signal) => matchingTracks(database.under(signal), search),
    searchArtists: (search, signal) => searchNames(database.under(signal), 'artist', search),
    searchTags: (search, signal) => searchNames(database.under(signal), 'tag', search),
    searchAlbums: (search, signal) => searchAlbums(database.under(signal), search),
    ...ownedLists(db),
    trackCounts: (of, ids) => countTracks[of](db, ids),
    metadataKeys: () => selectMetadataKeys(db),
    declareMetadataKeys: (keys) => declareKeys(database, keys),
    removeMetadataKey: (name) => removeKey(database, name),
    upsertTracks: async (input) => changed(mergeTracks(sql, cleanTracks(input, await keysFor(db, input)))),
    withdrawTracks: async (input) => changed(withdraw(sql, input, new Date(clock.now()))),
    refreshPopularity: async (withinMs = 0) => {
      const count = await sql.begin(async (tx) =>
        (await takeChore(tx, 'popularity', withinMs)) ? refreshPopularity(tx, database, new Date(clock.now())) : 0,
      );
      if (count > 0) tell();
    },
  };
}

const countTracks = {
  artist: (db: Queryable, ids: readonly number[]) => countTracksOfArtists(db, ids, ['MAIN']),
  album: countTracksOfAlbums,
  tag: countTracksOfTags,
};

const entryOf = (externalId: string, track: Track | undefined): [string, Track][] =>
  track ? [[externalId, track]] : [];

async function searchTracks(db: Queryable, search: TrackSearch): Promise<Page<Track>> {
  const { first, after = null, orderBy, direction = null } = search;
  checkFirst(first);
  const parsed = parseSearch(search.search);
  const filter = search.filter ? await checkedFilter(db, search.filter) : null;
  const list = direction === null ? `tracks:${orderBy}` : `tracks:${orderBy}:${direction}`;
  const where = whereOf(db, parsed, filter);
  const order = orderOf(parsed, orderBy, direction);
  const key = after === null ? null : decodeCursor(after, list, partsOf(order));
  const rows = await queries.selectTrackPage(db, { where, order, after: key, limit: first + 1 });
  const total = () => queries.countTracks(db, where);
  const page = pageOf(rows, list, { first, after }, (row) => row.key, total);
  return { ...page, edges: page.edges.map(({ cursor, node }) => ({ cursor, node: node.track })) };
}

async function matchingTracks(
  db: Queryable,
  { search, filter }: Pick<TrackSearch, 'search' | 'filter'>,
): Promise<number[]> {
  const parsed = parseSearch(search);
  return queries.selectMatchingTracks(db, whereOf(db, parsed, filter ? await checkedFilter(db, filter) : null));
}

/** Keys are read only where there is something to check. */
async function keysFor(db: Queryable, input: readonly Pick<TrackInput, 'metadata'>[]): Promise<DeclaredKeys> {
  return input.some(({ metadata }) => metadata != null) ? declaredKeys(db) : new Map();
}

async function checkedFilter(db: Queryable, filter: CatalogueFilter) {
  const { metadata, isrcs, tags, ...others } = checkCatalogueFilter(filter);
  await checkGenres(db, others);
  return {
    ...others,
    isrcs: isrcs?.map((isrc, i) => checkIsrc(isrc, `filter.isrcs.${i}`)),
    tags: tags?.map((tag) => tag.trim().toLowerCase()),
    metadata: metadata && checkConditions(metadata, await declaredKeys(db)),
  };
}

async function checkGenres(db: Queryable, filter: TrackFilter): Promise<void> {
  const named = genresNamed(filter);
  const known = new Set(named.length > 0 ? await queries.selectSlugs(db, named) : []);
  checkKnownGenres(filter, (slug) => known.has(slug));
}

const partsOf = (order: readonly SortKey[]) => order.map(({ part }) => part);
