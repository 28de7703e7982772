import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { seedDemo } from '../../src/ingest/ingest.ts';
import { Counter } from '../../src/lib/collections.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { idOf } from '../../src/resolvers/global-id.ts';
import {
  contentsOf,
  feedbackIn,
  fixedClock,
  NOW,
  rowsIn,
  sharedDatabase,
  tracksOf,
} from '../support/catalogue/importing.ts';
import { createDatabase } from '../support/postgres/database.ts';
import { dataFolder, startServer } from '../support/server.ts';

const theDatabase = sharedDatabase();
const seed = (database: Database) => seedDemo({ database, clock: fixedClock, log: silentLogger });

async function count({ sql }: Database, what: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from ${sql.unsafe(what)}`;
  return row!.n;
}

test('[DEMO1] an empty catalogue gets real recordings with genres, and feedback to recommend from', async () => {
  const database = theDatabase();
  expect(await seed(database)).toBe(true);
  const tracks = await tracksOf(database);
  expect(tracks.length).toBeGreaterThan(400);
  for (const { key, year, genres, tags } of tracks) {
    expect({ key, year: year !== null && year > 1880 && year <= 2026 }).toEqual({ key, year: true });
    expect({ key, genres: genres.length > 0, tags: tags.length > 0 }).toEqual({ key, genres: true, tags: true });
  }
  const perGenre = new Counter<string>();
  for (const { genres } of tracks) for (const genre of genres) perGenre.add(genre);
  expect([...perGenre.values()].filter((n) => n >= 5).length).toBeGreaterThanOrEqual(14);
  expect(await count(database, "feedback where kind in ('LIKE', 'SAVE', 'COMPLETE')")).toBeGreaterThan(1_000);
  expect(await count(database, "feedback where kind in ('SKIP', 'DISLIKE', 'HIDE')")).toBeGreaterThan(100);
  expect(await count(database, 'tracks where popularity > 0')).toBeGreaterThan(300);
});

test('[DEMO1] all listeners are marked as simulated except the viewer, who has no history', async () => {
  const database = theDatabase();
  await seed(database);
  expect(await count(database, 'listeners where simulated')).toBe(300);
  expect(await count(database, "listeners where simulated and display_name like 'Simulated listener %'")).toBe(300);
  const others = await database.sql`select external_id as id, display_name as name from listeners where not simulated`;
  expect([...others]).toEqual([{ id: 'demo', name: 'Demo listener' }]);
  const heard = await feedbackIn(database);
  const listeners = new Set(heard.map(({ who }) => who));
  expect(listeners.size).toBe(300);
  expect(listeners.has('demo')).toBe(false);
  for (const { at } of heard) expect(NOW - Date.parse(at)).toBeLessThanOrEqual(60 * 86_400_000);
  expect(heard.every(({ at }) => Date.parse(at) <= NOW)).toBe(true);
});

test('[DEMO1] it is always the same', async () => {
  const database = theDatabase();
  await seed(database);
  await using other = await createDatabase();
  await seed(other);
  expect(await tracksOf(other)).toEqual(await tracksOf(database));
  const inOrder = async (one: Database) => (await feedbackIn(one)).map((row) => JSON.stringify(row)).sort();
  expect(await inOrder(other)).toEqual(await inOrder(database));
});

test('[DEMO1] the track that the README likes has the id that it has there', async () => {
  await using database = await createDatabase();
  await seed(database);
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, id = ''] = /trackId: "(\w+)"/.exec(readme) ?? [];
  const [track] = await database.sql`
    select t.title, a.name as artist from tracks t join track_artists c on c.track_id = t.id join artists a on a.id = c.artist_id where t.id = ${idOf('Track', id, 'id')}`;
  expect(track).toEqual({ title: 'Creep', artist: 'Radiohead' });
});

test('[DEMO1] a catalogue with a track is not changed', async () => {
  const database = theDatabase();
  await database.sql`with a as (insert into artists (name, name_key) values ('A', 'a') returning id)
    insert into tracks (external_id, title, artist_id) select 't1', 'Mine', id from a`;
  const before = await contentsOf(database);
  expect(await seed(database)).toBe(false);
  expect(await contentsOf(database)).toEqual(before);
});

test('[DEMO1] of several concurrent starts one loads the demo, and the others find it loaded', async () => {
  const database = theDatabase();
  const seeded = await Promise.all([seed(database), seed(database), seed(database)]);
  expect(seeded.sort()).toEqual([false, false, true]);
  expect(await count(database, 'listeners')).toBe(301);
});

test('[DEMO1] two servers that start at once load one demo', async () => {
  const { url } = theDatabase();
  const start = async () =>
    startServer({ DATABASE_URL: url, CADENZA_DEMO: 'auto', CADENZA_DATA_DIR: await dataFolder() });
  const servers = await Promise.all([start(), start()]);
  const exits = await Promise.all(servers.map((server) => server.stop()));
  const seedings = exits.flatMap(({ output }) => output.match(/The demo was loaded into the empty catalogue/g) ?? []);
  expect(seedings).toHaveLength(1);
  expect(await count(theDatabase(), 'listeners')).toBe(301);
});

test('[DEMO1] with CADENZA_DEMO=off an empty database stays empty', async () => {
  const server = await startServer({ DATABASE_URL: theDatabase().url, CADENZA_DEMO: 'off' });
  await server.stop();
  expect(await rowsIn(theDatabase())).toBe(0);
});
