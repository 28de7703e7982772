import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, createCatalogue, type TrackInput, type TrackOrder } from '../../src/catalogue/catalogue.ts';
import { connect, type Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { addTracks } from '../support/catalogue/catalogue.ts';
import { createDatabase } from '../support/postgres/database.ts';

const tracks: TrackInput[] = [
  { externalId: 'joga', title: 'Jóga', artist: 'Björk', genres: ['Art Pop'] },
  { externalId: 'hoppipolla', title: 'Hoppípolla', artist: 'Sigur Rós', genres: ['Post-Rock'], tags: ['Ísland'] },
  { externalId: 'ace', title: 'Ace of Spades', artist: 'Motörhead' },
  { externalId: 'thunder', title: 'Thunderstruck', artist: 'AC/DC' },
  { externalId: 'ue', title: '上を向いて歩こう', artist: '坂本九', genres: ['歌謡曲'] },
  { externalId: 'sakamoto', title: 'Energy Flow', artist: '坂本龍一', genres: ['ドラムンベース'] },
  { externalId: 'believin', title: 'Don’t Stop Believin’', artist: 'Journey' },
  { externalId: 'strasse', title: 'Straße der Träume', artist: 'Die Große' },
  { externalId: 'istanbul', title: 'İstanbul', artist: 'Dünyanın Işığı' },
  { externalId: 'halo', title: 'Halo', artist: 'Beyonce\u0301' },
  { externalId: 'crazy', title: 'Crazy', artist: 'Beyonc\u00e9' },
  { externalId: 'rock', title: 'Rock & Roll', artist: 'R.E.M.' },
  { externalId: 'signs', title: '???', artist: '!!!' },
  { externalId: 'remember', title: 'Remember', artist: 'Someone' },
];

let database: Database;
let catalogue: Catalogue;
beforeAll(async () => {
  database = await createDatabase();
  ({ catalogue } = await addTracks(database, tracks));
});
afterAll(() => database[Symbol.asyncDispose]());

async function found(search: string): Promise<string[]> {
  const { edges } = await catalogue.searchTracks({ search, orderBy: 'RELEVANCE', first: 20 });
  return edges.map(({ node }) => node.externalId);
}

describe('tracks(search:)', () => {
  it.each([
    ['bjork', ['joga']],
    ['Bjo\u0308rk', ['joga']],
    ['sigur ros', ['hoppipolla']],
    ['island', ['hoppipolla']],
    ['motorhead', ['ace']],
    ['MOTÖRHEAD SPADES', ['ace']],
    ['acdc', ['thunder']],
    ['struck', ['thunder']],
    ['坂本', ['sakamoto', 'ue']],
    ['龍一', ['sakamoto']],
    ['歩こう', ['ue']],
    ['ドラム', ['sakamoto']],
    ["don't stop", ['believin']],
    ['don’t stop', ['believin']],
    ['dont stop', ['believin']],
    ['STRASSE', ['strasse']],
    ['istanbul', ['istanbul']],
    ['ISTANBUL', ['istanbul']],
    ['isigi', ['istanbul']],
    ['Beyonce\u0301', ['crazy', 'halo']],
    ['Beyonc\u00e9', ['crazy', 'halo']],
    ['beyonce', ['crazy', 'halo']],
    ['rock and roll', ['rock']],
    ['rem', ['rock', 'remember']],
    ['???', ['signs']],
    ['%', []],
    ["'; drop table tracks --", []],
    ["\\' & | ! <-> ( :*", []],
  ])('[FIND3] %s finds %j', async (search, expected) => {
    expect(await found(search)).toEqual(expected);
  });

  it('[FIND1] titles are in the order of their normal forms, in a database of any collation', async () => {
    const { edges } = await catalogue.searchTracks({ orderBy: 'TITLE', first: 20 });
    const titles = edges.map(({ node }) => node.title);
    expect(titles.slice(0, 8)).toEqual([
      '???',
      'Ace of Spades',
      'Crazy',
      'Don’t Stop Believin’',
      'Energy Flow',
      'Halo',
      'Hoppípolla',
      'İstanbul',
    ]);
  });

  it('[CAT1] artists and track ids that differ only in composition are the same', async () => {
    const [row] = await database.sql<{ n: number }[]>`select count(*)::int as n from artists where name like 'Bey%'`;
    expect(row?.n).toBe(1);
    const cafe = { title: 'Café', artist: 'X' };
    await catalogue.upsertTracks([{ ...cafe, externalId: 'cafe\u0301' }]);
    expect(await catalogue.upsertTracks([{ ...cafe, externalId: 'caf\u00e9' }])).toMatchObject({ unchanged: 1 });
    await database.sql`delete from tracks where title = 'Café'`;
  });

  it('[FIND3] a changed track is found by its new names only', async () => {
    await catalogue.upsertTracks([{ externalId: 'moving', title: 'Früher', artist: 'Wer' }]);
    expect(await found('fruher')).toEqual(['moving']);
    await catalogue.upsertTracks([{ externalId: 'moving', title: 'Später', artist: 'Wer', tags: ['Mañana'] }]);
    expect(await found('fruher')).toEqual([]);
    expect(await found('spater manana')).toEqual(['moving']);
    await database.sql`delete from tracks where external_id = 'moving'`;
    expect(await found('spater')).toEqual([]);
  });
});

it('[FIND1] filters and preferences accept a genre’s name, and tags are stored composed', async () => {
  const { edges } = await catalogue.searchTracks({ filter: { genres: ['ART POP'] }, orderBy: 'TITLE', first: 5 });
  expect(edges.map(({ node }) => node.externalId)).toEqual(['joga']);
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const { id } = await listeners.ensure('somebody');
  const preferences = await listeners.setPreferences(id, {
    genres: [{ genre: 'Post rock', weight: 1 }],
    tags: ['I\u0301sland'],
  });
  expect(preferences.genres.map(({ slug }) => slug)).toEqual(['post-rock']);
  expect(preferences.tags).toEqual(['\u00edsland']);
  const twice = { genres: ['Post-Rock', 'post rock'].map((genre) => ({ genre, weight: 1 })) };
  await expect(listeners.setPreferences(id, twice)).rejects.toMatchObject({ field: 'input.genres.1.genre' });
});

describe('of 20,000 tracks', () => {
  let large: Database;
  beforeAll(async () => {
    large = await createDatabase({ connections: 1 });
    const { catalogue: filling } = await addTracks(large, []);
    for (let from = 0; from < 20_000; from += 1_000) {
      const moods = ['Løve', 'Hope', 'Rain', '坂本'];
      await filling.upsertTracks(
        Array.from({ length: 1_000 }, (_, i) => ({
          externalId: `t${from + i}`,
          title: `Søng ${from + i} of ${moods[i % 4] ?? ''}`,
          artist: `Artist ${(from + i) % 997}`,
        })),
      );
    }
    await large.sql`analyze`;
  }, 300_000);
  afterAll(() => large[Symbol.asyncDispose]());

  /** How often each index and each table as a whole has been read. */
  async function readings(): Promise<Map<string, number>> {
    await large.sql`select pg_stat_force_next_flush()`;
    const rows = await large.sql<{ name: string; scans: number }[]>`
      select indexrelname as name, idx_scan::int as scans from pg_stat_user_indexes
      union all select relname, seq_scan::int from pg_stat_user_tables`;
    return new Map(rows.map(({ name, scans }) => [name, scans]));
  }

  it.each<[string | null, TrackOrder, string]>([
    ['song 7712', 'RELEVANCE', 'track_texts_search_index'],
    ['artist 77 løve', 'RELEVANCE', 'track_texts_search_index'],
    ['坂本 1234', 'RELEVANCE', 'track_texts_search_index'],
    ['ong 777', 'TITLE', 'track_texts_search_index'],
    [null, 'TITLE', 'track_texts_title_track_id_index'],
  ])('[FIND5] %s by %s is read from an index, and no table as a whole', async (asked, orderBy, index) => {
    const before = await readings();
    {
      // The server tells what a connection has read at the latest when it ends.
      await using database = connect(large.url);
      const asking = createCatalogue({ database, clock: systemClock });
      const page = await asking.searchTracks({ search: asked, orderBy, first: 10 });
      expect(page.edges.length).toBeGreaterThan(0);
    }
    const readSince = async () =>
      [...(await readings())].filter(([name, scans]) => scans > (before.get(name) ?? 0)).map(([name]) => name);
    await expect.poll(readSince).toContain(index);
    const read = await readSince();
    expect(read).not.toContain('tracks');
    expect(read).not.toContain('track_texts');
  });
});
