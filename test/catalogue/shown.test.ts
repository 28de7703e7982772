import { beforeEach, describe, expect, it } from 'vitest';
import { type Catalogue, coverAddress, createCatalogue, type TrackInput } from '../../src/catalogue/catalogue.ts';
import type { Database } from '../../src/db/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Page } from '../../src/lib/page.ts';
import { testDatabase } from '../support/postgres/database.ts';

let database: Database;
let catalogue: Catalogue;
beforeEach(async () => {
  database = await testDatabase();
  catalogue = createCatalogue({ database, clock: systemClock });
});

const pressure: TrackInput = {
  externalId: 'pressure',
  title: 'Under Pressure',
  artists: [
    { name: 'Queen' },
    { name: 'David Bowie', role: 'MAIN' },
    { name: 'Reinhold Mack', role: 'PRODUCER' },
    { name: 'queen', role: 'COMPOSER' },
  ],
  album: {
    title: 'Hot Space',
    releaseDate: '1982-05-21',
    covers: [{ url: 'https://img.example/hot-space/{size}.jpg' }],
  },
  discNumber: 1,
  trackNumber: 11,
  isrc: 'gb-um7-1102955',
  previewUrl: 'https://audio.example/pressure.mp3',
  externalUrls: [{ service: 'Spotify', url: 'https://open.spotify.com/track/1' }],
  genres: ['Rock'],
};

const namesOf = ({ edges }: Page<{ name: string } | { title: string }>): string[] =>
  edges.map(({ node }) => ('name' in node ? node.name : node.title));

async function idOf(externalId: string): Promise<number> {
  return (await catalogue.tracksByExternalId([externalId])).get(externalId)!.id;
}

async function artistsOf(id: number): Promise<string[]> {
  const credits = (await catalogue.creditsOfTracks([id])).get(id) ?? [];
  return credits.map(({ artist, role }) => `${role} ${artist.name}`);
}

async function found(filter: object): Promise<string[]> {
  const page = await catalogue.searchTracks({ filter, orderBy: 'TITLE', first: 10 });
  return page.edges.map(({ node }) => node.externalId);
}

describe('[CAT8] a track has what an app shows', () => {
  it('artists with roles, an album, and details; the same again changes nothing', async () => {
    expect(await catalogue.upsertTracks([pressure])).toEqual({ created: 1, updated: 0, unchanged: 0 });
    expect(await catalogue.upsertTracks([pressure])).toEqual({ created: 0, updated: 0, unchanged: 1 });
    const id = await idOf('pressure');
    expect(await artistsOf(id)).toEqual(['MAIN Queen', 'MAIN David Bowie', 'PRODUCER Reinhold Mack', 'COMPOSER Queen']);
    expect((await catalogue.detailsOfTracks([id])).get(id)).toMatchObject({
      isrc: 'GBUM71102955',
      previewUrl: 'https://audio.example/pressure.mp3',
      externalUrls: [{ service: 'spotify', url: 'https://open.spotify.com/track/1' }],
    });
    const track = (await catalogue.tracksById([id])).get(id)!;
    const album = (await catalogue.albumsById([track.albumId!])).get(track.albumId!)!;
    expect(album).toMatchObject({
      title: 'Hot Space',
      releaseDate: '1982-05-21',
      artists: [{ id: track.artistId, name: 'Queen' }],
    });
    expect(track).toMatchObject({ discNumber: 1, trackNumber: 11 });
  });

  it.each<[string, Partial<TrackInput>]>([
    ['the order of artists', { artists: [{ name: 'David Bowie' }, { name: 'Queen' }] }],
    ['an isrc', { isrc: null }],
    ['a cover', { covers: [{ url: 'https://img.example/1.jpg', size: 300 }] }],
    ['an address', { externalUrls: [] }],
    ['a number', { trackNumber: 12 }],
    ['an album', { album: { title: 'Greatest Hits II' } }],
    ["an album's date", { album: { title: 'Hot Space', releaseDate: '1982' } }],
  ])('a change of %s is a change', async (_, change) => {
    await catalogue.upsertTracks([pressure]);
    const changed = { ...pressure, ...change };
    expect(await catalogue.upsertTracks([changed])).toEqual({ created: 0, updated: 1, unchanged: 0 });
    expect(await catalogue.upsertTracks([changed])).toEqual({ created: 0, updated: 0, unchanged: 1 });
  });

  it('what a track no longer states is gone, and no row is kept of nothing', async () => {
    await catalogue.upsertTracks([pressure]);
    await catalogue.upsertTracks([{ externalId: 'pressure', title: 'Under Pressure', artist: 'Queen' }]);
    const id = await idOf('pressure');
    expect(await catalogue.detailsOfTracks([id])).toEqual(new Map());
    expect(await artistsOf(id)).toEqual(['MAIN Queen']);
    expect((await catalogue.tracksById([id])).get(id)!.albumId).toBeNull();
  });

  it('an artist needs a role that is MAIN, and artist is a short form of it', async () => {
    const only = { ...pressure, artists: [{ name: 'Queen', role: 'COMPOSER' as const }] };
    await expect(catalogue.upsertTracks([only])).rejects.toMatchObject({ field: 'input.0.artists' });
    await expect(catalogue.upsertTracks([{ ...pressure, artist: 'Queen' }])).rejects.toMatchObject({
      field: 'input.0.artist',
    });
    await expect(catalogue.upsertTracks([{ externalId: 'a', title: 'A' }])).rejects.toMatchObject({
      field: 'input.0.artist',
    });
  });
});

describe('[CAT11] pictures', () => {
  const sized = [64, 300, 640].map((size) => ({ url: `https://img.example/${size}.jpg`, size }));

  it.each<[string, { url: string; size?: number }[], number, string | null]>([
    ['the smallest that is as large', sized, 65, 'https://img.example/300.jpg'],
    ['one of that size', sized.toReversed(), 300, 'https://img.example/300.jpg'],
    ['otherwise the largest', sized, 2_000, 'https://img.example/640.jpg'],
    [
      'the size in the address',
      [{ url: 'https://img.example/{size}/{size}.jpg' }],
      96,
      'https://img.example/96/96.jpg',
    ],
    ['the only one', [{ url: 'https://img.example/1.jpg' }], 96, 'https://img.example/1.jpg'],
    ['none', [], 96, null],
  ])('%s', async (_, covers, size, expected) => {
    await catalogue.upsertTracks([
      { externalId: 'a', title: 'A', artist: 'A', covers, previewUrl: 'https://a.example/' },
    ]);
    const details = await catalogue.detailsOfTracks([await idOf('a')]);
    expect(coverAddress([...details.values()][0]!.covers, size)).toBe(expected);
  });

  it.each(['javascript:alert(1)', 'http://a.example/', 'https://ann:pw@a.example/', 'https://a.example/"onerror="x'])(
    'an address like %s is refused',
    async (url) => {
      for (const bad of [{ covers: [{ url }] }, { previewUrl: url }, { externalUrls: [{ service: 's', url }] }]) {
        await expect(catalogue.upsertTracks([{ ...pressure, ...bad }])).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        });
      }
    },
  );
});

describe('[CAT9] albums', () => {
  it('are one by title and first artist, or by external id, and keep what later tracks do not state', async () => {
    const onAlbum = (n: number, album: TrackInput['album']): TrackInput => ({
      ...{ externalId: `t${n}`, title: `Track ${n}`, artist: n === 3 ? 'Weezer ' : 'Weezer', album: album ?? null },
      trackNumber: 10 - n,
    });
    await catalogue.upsertTracks([
      onAlbum(1, { title: 'Weezer', externalId: 'blue', releaseDate: '1994' }),
      onAlbum(2, { title: 'Weezer', externalId: 'green', releaseDate: '2001-05-15' }),
      onAlbum(3, { title: 'Pinkerton', releaseDate: '1996-09' }),
    ]);
    expect(await catalogue.upsertTracks([onAlbum(4, { title: 'PINKERTON' })])).toMatchObject({ created: 1 });
    const page = await catalogue.searchAlbums({ orderBy: 'RELEASE_DATE', first: 10 });
    expect(page.edges.map(({ node }) => [node.title, node.externalId, node.releaseDate])).toEqual([
      ['Weezer', 'green', '2001-05-15'],
      ['PINKERTON', null, '1996-09'],
      ['Weezer', 'blue', '1994'],
    ]);
    const pinkerton = page.edges[1]!.node.id;
    const tracks = await catalogue.tracksOfAlbum(pinkerton, { first: 1 });
    expect(tracks.edges.map(({ node }) => node.title)).toEqual(['Track 4']);
    const rest = await catalogue.tracksOfAlbum(pinkerton, { first: 5, after: tracks.edges[0]!.cursor });
    expect(rest.edges.map(({ node }) => node.title)).toEqual(['Track 3']);
    expect([await rest.total(), (await catalogue.trackCounts('album', [pinkerton])).get(pinkerton)]).toEqual([2, 2]);
  });
});

describe('[FIND8] artists, tags and albums', () => {
  beforeEach(async () => {
    const tracks = ['Björk', 'Björn Again', 'Bjarne Bø', 'Aphex Twin'].map((artist, i): TrackInput => ({
      ...{ externalId: `t${i}`, title: `Title ${i}`, artist, tags: [`tag ${i % 2}`, 'calm'] },
      album: { title: `Début ${i}`, releaseDate: `199${i}` },
    }));
    await catalogue.upsertTracks(tracks);
  });

  it.each<[string, string[]]>([
    ['bjork', ['Björk']],
    ['bjor', ['Björk', 'Björn Again']],
    ['again bjorn', ['Björn Again']],
    ['twin', ['Aphex Twin']],
    ['bo', ['Bjarne Bø']],
    ['nobody', []],
  ])('are found by the beginnings of their words: %s', async (search, expected) => {
    expect(namesOf(await catalogue.searchArtists({ search, orderBy: 'RELEVANCE', first: 5 }))).toEqual(expected);
  });

  it('are in order and in pages, with a total, in either direction', async () => {
    const all = ['Aphex Twin', 'Bjarne Bø', 'Björk', 'Björn Again'];
    const first = await catalogue.searchArtists({ orderBy: 'NAME', first: 3 });
    expect([namesOf(first), await first.total(), first.hasNextPage]).toEqual([all.slice(0, 3), 4, true]);
    const rest = await catalogue.searchArtists({ orderBy: 'NAME', first: 3, after: first.edges.at(-1)!.cursor });
    expect([namesOf(rest), rest.hasNextPage]).toEqual([all.slice(3), false]);
    const back = await catalogue.searchArtists({ orderBy: 'NAME', direction: 'DESC', first: 4 });
    expect(namesOf(back)).toEqual(all.toReversed());
    expect(namesOf(await catalogue.searchTags({ orderBy: 'NAME', first: 5 }))).toEqual(['calm', 'tag 0', 'tag 1']);
    const albums = await catalogue.searchAlbums({ search: 'debut bjork', orderBy: 'RELEVANCE', first: 5 });
    expect(namesOf(albums)).toEqual(['Début 0']);
  });

  it('are those with tracks that are not withdrawn', async () => {
    await catalogue.withdrawTracks({ externalIds: ['t3'] });
    const { edges } = await catalogue.searchArtists({ orderBy: 'NAME', first: 5 });
    expect(edges.map(({ node }) => node.name)).not.toContain('Aphex Twin');
    const albums = await catalogue.searchAlbums({ orderBy: 'TITLE', first: 5 });
    expect([await albums.total(), edges.length]).toEqual([3, 3]);
  });
});

describe('[CAT10] metadata', () => {
  const described = (metadata: unknown): TrackInput => ({ externalId: 'a', title: 'A', artist: 'A', metadata });
  const declare = () =>
    catalogue.declareMetadataKeys([
      { name: 'bpm', type: 'NUMBER' },
      { name: 'moods', type: 'STRINGS' },
      { name: 'key', type: 'STRING' },
      { name: 'live', type: 'BOOLEAN' },
    ]);

  it('has declared keys only, each with its type', async () => {
    await expect(catalogue.upsertTracks([described({ bpm: 120 })])).rejects.toMatchObject({
      field: 'input.0.metadata.bpm',
    });
    await declare();
    await expect(catalogue.upsertTracks([described({ bmp: 120 })])).rejects.toThrow('did you mean "bpm"?');
    await expect(catalogue.upsertTracks([described({ bpm: '120' })])).rejects.toThrow('must be a number');
    const metadata = { bpm: 120.5, moods: ['calm', 'late'], key: 'D minor', live: false };
    await catalogue.upsertTracks([described(metadata)]);
    expect(await catalogue.upsertTracks([described({ ...metadata, key: metadata.key })])).toMatchObject({
      unchanged: 1,
    });
    const id = await idOf('a');
    expect((await catalogue.detailsOfTracks([id])).get(id)!.metadata).toEqual(metadata);
  });

  it('filters tracks', async () => {
    await declare();
    await catalogue.upsertTracks([
      described({ bpm: 120.5, moods: ['calm', 'late'], key: 'D minor', live: false }),
      { externalId: 'b', title: 'B', artist: 'B', metadata: { bpm: 60, moods: ['loud'] }, isrc: 'USRC17607839' },
      { externalId: 'c', title: 'C', artist: 'C', tags: ['Rainy'] },
    ]);
    const having = (...metadata: object[]) => found({ metadata });
    expect(await having({ key: 'bpm' })).toEqual(['a', 'b']);
    expect(await having({ key: 'bpm', min: 100 })).toEqual(['a']);
    expect(await having({ key: 'bpm', min: 60, max: 60 })).toEqual(['b']);
    expect(await having({ key: 'moods', in: ['loud', 'late'] })).toEqual(['a', 'b']);
    expect(await having({ key: 'moods', in: ['late'] }, { key: 'live', in: [false] })).toEqual(['a']);
    expect(await having({ key: 'key', in: ["D minor' or true --"] })).toEqual([]);
    expect(await having({ key: 'key', in: [] })).toEqual([]);
    expect(await found({ isrcs: ['us-rc1-76-07839'] })).toEqual(['b']);
    expect(await found({ tags: ['RAINY'] })).toEqual(['c']);
    await expect(having({ key: 'nope' })).rejects.toMatchObject({ field: 'filter.metadata.0.key' });
    await expect(having({ key: 'key', min: 1 })).rejects.toMatchObject({ field: 'filter.metadata.0.min' });
  });

  it('keys keep their types, and go when nothing has a value of them', async () => {
    await declare();
    expect(await declare()).toHaveLength(4);
    await expect(catalogue.declareMetadataKeys([{ name: 'bpm', type: 'STRING' }])).rejects.toMatchObject({
      field: 'input.0.type',
    });
    await catalogue.upsertTracks([described({ bpm: 1 })]);
    await expect(catalogue.removeMetadataKey('bpm')).rejects.toThrow('1 tracks have values');
    await expect(catalogue.removeMetadataKey('nope')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await catalogue.upsertTracks([described({})]);
    expect((await catalogue.removeMetadataKey('bpm')).map(({ name }) => name)).toEqual(['key', 'live', 'moods']);
  });
});
