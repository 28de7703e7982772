import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { expect, it, onTestFinished } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import { connect, type Database } from '../../src/db/client.ts';
import { migrateToLatest } from '../../src/db/migrations.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { testDatabase } from '../support/postgres/database.ts';

const drizzleFolder = new URL('../../drizzle', import.meta.url).pathname;
/** The last migration before there were normal forms. */
const NO_NORMAL_FORMS = '0006_what-listeners-think';
/** The last before tracks had several artists and albums had rows. */
const ALBUMS_AS_TEXT = '0013_orders-both-ways';

/** A database as the version with this as its last migration left it. */
async function databaseOf(lastMigration: string): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-drizzle-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(drizzleFolder, folder, { recursive: true });
  const file = join(folder, 'meta', '_journal.json');
  const journal = JSON.parse(await readFile(file, 'utf8')) as { entries: { tag: string }[] };
  const last = journal.entries.findIndex(({ tag }) => tag === lastMigration);
  await writeFile(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, last + 1) }));
  // A name of its own on the tests' server, and no migration in it yet.
  const { url, sql } = await testDatabase();
  await sql`drop schema public cascade`;
  await sql`drop schema drizzle cascade`;
  await sql`create schema public`;
  const database = connect(url, { connections: 2 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  await migrate(database.db, { migrationsFolder: folder });
  return database;
}

it('[FIND5] [DB1] existing data is brought into normal form by one of the starting nodes, and nothing is lost', async () => {
  const database = await databaseOf(NO_NORMAL_FORMS);
  const { sql } = database;
  await sql`insert into artists (name, name_key) values ('Björk', 'björk'), ('Guns N’ Roses', 'guns n’ roses'),
    ('Guns N'' Roses', 'guns n'' roses'), ('ＡＢＢＡ', 'ａｂｂａ')`;
  await sql`insert into genres (slug, name) values ('トラム', 'ドラム'), ('rock-n-roll', 'Rock ’n’ Roll'), ('großes', 'Großes')`;
  await sql`insert into tracks (external_id, title, artist_id)
    select 't' || n, 'Jóga ' || n, 1 from generate_series(1, 4500) n`;
  await sql`insert into tracks (external_id, title, artist_id) values
    (${'id-e\u0301'}, 'Estranged', 2), ('patience', 'Patience', 3), (${'two-e\u0301'}, 'Two', 4), (${'two-\u00e9'}, 'Two', 4)`;
  await sql`insert into track_genres (track_id, genre_id) select id, 1 from tracks where title = 'Patience'`;
  await sql`insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
  await sql`insert into listener_artists (listener_id, artist_id, position) values (1, 2, 0), (1, 3, 1)`;

  await Promise.all([1, 2, 3].map(() => migrateToLatest(database.url)));

  const catalogue = createCatalogue({ database, clock: systemClock });
  const search = async (text: string) => {
    const page = await catalogue.searchTracks({ search: text, orderBy: 'RELEVANCE', first: 5 });
    return { total: await page.total(), titles: page.edges.map(({ node }) => node.title) };
  };
  expect((await search('bjork joga')).total).toBe(4500);
  expect((await search('guns n roses')).titles.sort()).toEqual(['Estranged', 'Patience']);
  expect((await search('abba')).total).toBe(2);
  expect(await sql`select name_key from artists order by name_key collate "C"`).toEqual([
    { name_key: 'abba' },
    { name_key: 'björk' },
    { name_key: "guns n' roses" },
  ]);
  expect(await sql`select slug from genres order by id`).toEqual([
    { slug: 'ドラム' },
    { slug: 'rock-n-roll' },
    { slug: 'grosses' },
  ]);
  expect(await sql`select count(*)::int as n from listener_artists`).toEqual([{ n: 1 }]);
  const ids = await sql<
    { id: string }[]
  >`select external_id as id from tracks where external_id !~ '^t[0-9]' order by id`;
  expect(ids.map(({ id }) => id)).toEqual(['id-\u00e9', 'patience', 'two-e\u0301', 'two-\u00e9']);

  const again = { externalId: 'id-e\u0301', title: 'Estranged', artist: "GUNS N' ROSES" };
  expect(await catalogue.upsertTracks([again])).toEqual({ created: 0, updated: 0, unchanged: 1 });
});

it('[FIND5] a killed start is continued where it was', async () => {
  const database = await databaseOf(NO_NORMAL_FORMS);
  const { sql, url } = database;
  await sql`insert into artists (name, name_key) values ('Björk', 'björk')`;
  await sql`insert into tracks (external_id, title, artist_id) select 't' || n, 'Jóga ' || n, 1 from generate_series(1, 10) n`;
  await migrateToLatest(url);
  // As a kill between two batches leaves it, and as a node of the version before adds to it.
  await sql`update track_texts set search = null where track_id > 5`;
  await sql`delete from track_texts where track_id = 10`;
  await migrateToLatest(url);
  const catalogue = createCatalogue({ database, clock: systemClock });
  const page = await catalogue.searchTracks({ search: 'joga', orderBy: 'TITLE', first: 20 });
  expect(page.edges).toHaveLength(10);
});

it('[CAT8] [CAT9] tracks of before keep their artist, and their album becomes one with the same of other tracks', async () => {
  const database = await databaseOf(ALBUMS_AS_TEXT);
  const { sql, url } = database;
  await sql`insert into artists (name, name_key) values ('Miles Davis', 'miles davis'), ('Björk', 'björk')`;
  await sql`insert into tags (name) values ('modal')`;
  await sql`insert into tracks (external_id, title, artist_id, album) values
    ('a', 'So What', 1, 'Kind of Blue'), ('b', 'Blue in Green', 1, 'KIND OF BLUE'), ('c', 'Jóga', 2, 'Kind of Blue'), ('d', 'Solo', 2, null)`;
  await sql`insert into track_texts (track_id, title, artist, recording_key, search)
    select id, lower(title), '', external_id, to_tsvector('simple', title) from tracks`;
  await sql`insert into track_tags (track_id, tag_id, weight) select id, 1, 1 from tracks`;
  await Promise.all([1, 2].map(() => migrateToLatest(url)));

  const catalogue = createCatalogue({ database, clock: systemClock });
  const albums = await catalogue.searchAlbums({ search: 'blue', orderBy: 'TITLE', first: 10 });
  const counts = await catalogue.trackCounts(
    'album',
    albums.edges.map(({ node }) => node.id),
  );
  expect(
    albums.edges.map(({ node }) => [
      node.title.toLowerCase(),
      node.artists.map(({ name }) => name),
      counts.get(node.id),
    ]),
  ).toEqual([
    ['kind of blue', ['Miles Davis'], 2],
    ['kind of blue', ['Björk'], 1],
  ]);
  const credits = await catalogue.creditsOfTracks([1, 2, 3, 4]);
  expect([...credits.values()].flat()).toMatchObject([1, 1, 2, 2].map((id) => ({ artist: { id }, role: 'MAIN' })));
  const [artists, tags] = [
    await catalogue.searchArtists({ search: 'bjork', orderBy: 'NAME', first: 5 }),
    await catalogue.searchTags({ orderBy: 'NAME', first: 5 }),
  ];
  expect([artists.edges.length, tags.edges.length]).toEqual([1, 1]);
  const again = { externalId: 'a', title: 'So What', artist: 'Miles Davis', album: { title: 'kind of blue' } };
  expect(await catalogue.upsertTracks([again])).toEqual({ created: 0, updated: 1, unchanged: 0 });
  expect((await catalogue.searchAlbums({ orderBy: 'TITLE', first: 5 })).edges).toHaveLength(2);
});
