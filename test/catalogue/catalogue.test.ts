import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Catalogue,
  createCatalogue,
  type Track,
  type TrackInput,
  type TrackOrder,
} from '../../src/catalogue/catalogue.ts';
import type { Database } from '../../src/db/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { InvalidInputError } from '../../src/lib/errors.ts';
import { randomStream } from '../../src/lib/random.ts';
import { testDatabase } from '../support/postgres/database.ts';

let database: Database;
let catalogue: Catalogue;
beforeEach(async () => {
  database = await testDatabase();
  catalogue = createCatalogue({ database, clock: systemClock });
});

const teardrop: TrackInput = {
  externalId: 'teardrop',
  title: 'Teardrop',
  artist: 'Massive Attack',
  album: { title: 'Mezzanine' },
  releaseYear: 1998,
  durationMs: 330_000,
  genres: ['Trip Hop', 'Electronic'],
  tags: ['mellow', 'Rainy Day'],
};

function track(i: number, extra: Partial<TrackInput> = {}): TrackInput {
  return { externalId: `t${i}`, title: `Title ${i}`, artist: `Artist ${i % 3}`, ...extra };
}

async function titles(orderBy: TrackOrder, search: string, first = 10): Promise<string[]> {
  const page = await catalogue.searchTracks({ search, orderBy, first });
  return page.edges.map((edge) => edge.node.title);
}

async function idOf(externalId: string): Promise<number> {
  const [row] = await database.sql<{ id: string }[]>`select id from tracks where external_id = ${externalId}`;
  return Number(row?.id);
}

describe('upsertTracks', () => {
  it('[CAT1] changes nothing if repeated, and only the difference otherwise', async () => {
    expect(await catalogue.upsertTracks([teardrop, track(1)])).toEqual({ created: 2, updated: 0, unchanged: 0 });
    expect(await catalogue.upsertTracks([teardrop, track(1)])).toEqual({ created: 0, updated: 0, unchanged: 2 });
    const retagged = { ...teardrop, tags: ['mellow'], genres: ['Electronic', 'Trip Hop'] };
    expect(await catalogue.upsertTracks([retagged, track(1)])).toEqual({ created: 0, updated: 1, unchanged: 1 });
    const id = await idOf('teardrop');
    expect((await catalogue.genresOfTracks([id])).get(id)?.map((genre) => genre.slug)).toEqual([
      'electronic',
      'trip-hop',
    ]);
    expect((await catalogue.tagsOfTracks([id])).get(id)).toMatchObject([{ name: 'mellow', weight: 1 }]);
  });

  it('[CAT2] stores all of the batch or none of it, and names the field', async () => {
    const attempt = (bad: Partial<TrackInput>) => catalogue.upsertTracks([teardrop, track(1, bad)]);
    await expect(attempt({ title: ' ' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'input.1.title' });
    await expect(attempt({ title: 'x'.repeat(501) })).rejects.toMatchObject({ field: 'input.1.title' });
    await expect(attempt({ artist: 'a\0b' })).rejects.toMatchObject({ field: 'input.1.artist' });
    await expect(attempt({ artist: '\ud800' })).rejects.toMatchObject({ field: 'input.1.artist' });
    await expect(attempt({ releaseYear: 999 })).rejects.toMatchObject({ field: 'input.1.releaseYear' });
    await expect(attempt({ durationMs: -1 })).rejects.toMatchObject({ field: 'input.1.durationMs' });
    await expect(attempt({ genres: ['!!'] })).rejects.toMatchObject({ field: 'input.1.genres.0' });
    await expect(attempt({ externalId: 'teardrop' })).rejects.toThrow(/repeats "teardrop" of input\.0/);
    expect(await (await catalogue.searchTracks({ orderBy: 'TITLE', first: 5 })).total()).toBe(0);
  });

  it('merges two concurrent batches with the same new artists, genres and tags', async () => {
    const batch = (k: number) =>
      Array.from({ length: 50 }, (_, i) => ({ ...teardrop, externalId: `${(i * k) % 53}`, artist: `A${i % 7}` }));
    await Promise.all([
      catalogue.upsertTracks(batch(1)),
      catalogue.upsertTracks(batch(2)),
      catalogue.upsertTracks(batch(3)),
    ]);
    const [row] = await database.sql<{ n: number }[]>`select count(*)::int as n from artists`;
    expect(row?.n).toBe(7);
  });
});

describe('searchTracks', () => {
  it('finds words in title, artist, genre and tag, the closest first', async () => {
    await catalogue.upsertTracks([
      teardrop,
      track(1, { title: 'A Teardrop Falls' }),
      track(2, { title: 'Angel', artist: 'Massive Attack', tags: ['teardrop'] }),
      track(3, { title: 'Teardrops' }),
    ]);
    expect(await titles('RELEVANCE', 'TEARDROP')).toEqual(['Teardrop', 'Teardrops', 'A Teardrop Falls', 'Angel']);
    expect(await titles('RELEVANCE', 'massive trip')).toEqual(['Teardrop']);
    expect(await titles('RELEVANCE', '100%')).toEqual([]);
    expect(await titles('RELEVANCE', 'tear_')).toEqual(['Teardrops', 'Teardrop', 'A Teardrop Falls', 'Angel']);
  });

  it('filters by every field', async () => {
    await catalogue.upsertTracks([teardrop, track(1, { genres: ['Jazz'], releaseYear: 1959, explicit: true })]);
    const [teardropId, other] = [await idOf('teardrop'), await idOf('t1')];
    const artistOf = async (id: number) => (await catalogue.tracksById([id])).get(id)!.artistId;
    const found = async (filter: object) => {
      const page = await catalogue.searchTracks({ filter, orderBy: 'TITLE', first: 10 });
      return page.edges.map((edge) => edge.node.id);
    };
    expect(await found({ genres: ['jazz'] })).toEqual([other]);
    expect(await found({ genres: [] })).toEqual([]);
    expect(await found({ excludeGenres: ['jazz'] })).toEqual([teardropId]);
    expect(await found({ artistIds: [await artistOf(other)] })).toEqual([other]);
    expect(await found({ excludeArtistIds: [await artistOf(other)] })).toEqual([teardropId]);
    expect(await found({ excludeTrackIds: [teardropId] })).toEqual([other]);
    expect(await found({ releaseYear: { min: 1990 } })).toEqual([teardropId]);
    expect(await found({ releaseYear: { max: 1990 } })).toEqual([other]);
    expect(await found({ durationMs: { min: 1, max: 400_000 } })).toEqual([teardropId]);
    expect(await found({ explicit: false })).toEqual([teardropId]);
    await expect(found({ releaseYear: { min: 2, max: 1 } })).rejects.toMatchObject({ field: 'filter.releaseYear' });
    await expect(found({ artistIds: Array.from({ length: 101 }, () => 1) })).rejects.toBeInstanceOf(InvalidInputError);
  });

  it.each<TrackOrder>(['POPULARITY', 'RELEASE_YEAR', 'TITLE', 'RELEVANCE'])(
    '[PAGE2] %s pages neither repeat nor skip while rows are added',
    async (orderBy) => {
      const random = randomStream(7);
      const some = (from: number) =>
        Array.from({ length: 40 }, (_, i) =>
          track(from + i, { releaseYear: random() < 0.3 ? null : 1990 + Math.floor(random() * 5) }),
        );
      await catalogue.upsertTracks(some(0));
      await database.sql`update tracks set popularity = (id % 5) / 5.0`;
      const before = (await database.sql<{ id: string }[]>`select id from tracks`).map((row) => Number(row.id));
      const seen: number[] = [];
      let after: string | null = null;
      for (let page = 0; page < 40; page++) {
        const { edges, hasNextPage } = await catalogue.searchTracks({ search: 'title', orderBy, first: 7, after });
        seen.push(...edges.map((edge) => edge.node.id));
        after = edges.at(-1)?.cursor ?? null;
        if (!hasNextPage) break;
        if (page < 3) await catalogue.upsertTracks(some(100 * (page + 1)).slice(0, 10));
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(before.filter((id) => !seen.includes(id))).toEqual([]);
    },
  );

  it('refuses bad pages', async () => {
    await expect(catalogue.searchTracks({ orderBy: 'TITLE', first: 0 })).rejects.toMatchObject({ field: 'first' });
    await expect(catalogue.searchTracks({ orderBy: 'TITLE', first: 101 })).rejects.toMatchObject({ field: 'first' });
    await expect(catalogue.searchTracks({ orderBy: 'TITLE', first: 1, after: 'nonsense' })).rejects.toMatchObject({
      field: 'after',
    });
  });
});

it('[PAGE3] the tracks of several artists, requested at once, are those of each, page by page', async () => {
  await catalogue.upsertTracks(Array.from({ length: 20 }, (_, i) => track(i)));
  await database.sql`update tracks set popularity = (id % 5) / 5.0`;
  const rows = await database.sql<{ id: string }[]>`select id from artists`;
  const ids = [...rows.map(({ id }) => Number(id)), 999_999];
  const pagesOf = async (artistId: number) => {
    const found: number[] = [];
    for (let after: string | null = null; ;) {
      const page = await catalogue.tracksOfArtist(artistId, { first: 3, after });
      found.push(...page.edges.map(({ node }) => node.id));
      after = page.edges.at(-1)?.cursor ?? null;
      if (!page.hasNextPage) return { found, total: await page.total() };
    }
  };
  const together = await Promise.all(ids.map(pagesOf));
  for (const [i, artistId] of ids.entries()) {
    const own = await database.sql<{ id: string }[]>`
      select id from tracks where artist_id = ${artistId} order by popularity desc, id`;
    expect(together[i]).toEqual({ found: own.map(({ id }) => Number(id)), total: own.length });
  }
  expect(together.map(({ total }) => total)).toEqual([7, 7, 6, 0]);
});

it('[CAT3] [CAT5] popularity is the mid-rank percentile of listeners in the last 30 days', async () => {
  await catalogue.upsertTracks([track(1), track(2), track(3), track(4)]);
  const ids = await Promise.all(['t1', 't2', 't3', 't4'].map(idOf));
  const now = systemClock.now();
  const listen = async (listener: string, trackIndex: number, daysAgo: number) => {
    const at = new Date(now - daysAgo * 86_400_000);
    await database.sql`insert into listeners (external_id, display_name) values (${listener}, ${listener}) on conflict do nothing`;
    await database.sql`insert into feedback (listener_id, track_id, kind, at)
      select id, ${ids[trackIndex]!}, 'PLAY', ${at.toISOString()}::timestamptz from listeners where external_id = ${listener}`;
  };
  for (const [listener, index, days] of [
    ['a', 0, 1],
    ['a', 0, 2],
    ['b', 0, 3],
    ['a', 1, 1],
    ['b', 2, 1],
    ['c', 3, 31],
  ] as const) {
    await listen(listener, index, days);
  }
  await catalogue.refreshPopularity();
  const tracks = await catalogue.tracksById(ids);
  expect(ids.map((id) => tracks.get(id)?.popularity)).toEqual([0.875, 0.5, 0.5, 0]);
});

describe('what an app shows', () => {
  it('[CAT7] finds tracks by their external ids, in whatever form, and tells when they were added', async () => {
    await catalogue.upsertTracks([teardrop, track(1), track(2, { externalId: 'caf\u00e9' })]);
    const found = await catalogue.tracksByExternalId(['cafe\u0301', 'nothing', ' teardrop ']);
    expect([...found].map(([asked, { title }]) => [asked, title])).toEqual([
      ['cafe\u0301', 'Title 2'],
      [' teardrop ', 'Teardrop'],
    ]);
    const addedAt = [...found.values()][0]!.addedAt;
    await catalogue.upsertTracks([track(2, { externalId: 'caf\u00e9', title: 'Renamed' })]);
    expect([...(await catalogue.tracksByExternalId(['caf\u00e9'])).values()]).toMatchObject([
      { title: 'Renamed', addedAt },
    ]);
    await expect(catalogue.tracksByExternalId(['t1', ''])).rejects.toMatchObject({ field: 'externalIds.1' });
  });

  it.each<[TrackOrder, readonly (keyof Track)[]]>([
    ['TITLE', ['title']],
    ['RELEASE_YEAR', ['releaseYear']],
    ['ADDED', ['id']],
    ['POPULARITY', ['popularity']],
    ['RELEVANCE', []],
  ])('[FIND7] %s goes either way, page by page; what has no value comes last', async (orderBy, [field]) => {
    await catalogue.upsertTracks(
      Array.from({ length: 23 }, (_, i) => track(i, { releaseYear: i % 5 === 0 ? null : 1990 + (i % 7) })),
    );
    const pages = async (direction: 'ASC' | 'DESC') => {
      const nodes: Track[] = [];
      let after: string | null = null;
      do {
        const page = await catalogue.searchTracks({ search: 'title', orderBy, direction, first: 4, after });
        nodes.push(...page.edges.map(({ node }) => node));
        after = page.hasNextPage ? page.edges.at(-1)!.cursor : null;
      } while (after !== null);
      return nodes;
    };
    const [up, down] = [await pages('ASC'), await pages('DESC')];
    expect(new Set(up.map(({ id }) => id)).size).toBe(23);
    const known = (nodes: readonly Track[]) => nodes.filter((node) => field === undefined || node[field] !== null);
    expect(known(up).map(({ id }) => id)).toEqual(
      known(down)
        .map(({ id }) => id)
        .reverse(),
    );
    if (field === undefined) return;
    const values = up.map((node) => node[field]);
    const numbers = known(up).map((node) => node[field] as number | string);
    expect(values.slice(0, numbers.length)).toEqual(numbers);
    expect(numbers).toEqual(
      numbers.toSorted((a, b) => (typeof a === 'string' ? a.localeCompare(String(b)) : a - Number(b))),
    );
    const usual = await catalogue.searchTracks({ search: 'title', orderBy, first: 4 });
    const first = (orderBy === 'TITLE' ? up : down).slice(0, 4).map(({ id }) => id);
    expect(usual.edges.map(({ node }) => node.id)).toEqual(first);
  });
});
