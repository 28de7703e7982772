import { randomUUID } from 'node:crypto';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { expect, it } from 'vitest';
import { type Database } from '../../src/db/client.ts';
import { migrateToLatest } from '../../src/db/migrations.ts';
import { selectServedList } from '../../src/db/recommend/served-list-queries.ts';
import { PostgresLog } from '../../src/drafts/log/postgres/postgres-log.ts';
import { StartupError } from '../../src/lib/errors.ts';
import { listFrom } from '../../src/recommend/lists/stored-lists.ts';
import { testDatabase } from '../support/postgres/database.ts';

it('migrates an empty database to the current tables', async () => {
  const { sql } = await testDatabase();
  const rows = await sql<
    { name: string }[]
  >`select table_name as name from information_schema.tables where table_schema = 'public'`;
  expect(rows.map((row) => row.name)).toEqual(expect.arrayContaining(['tracks', 'feedback', 'drafts', 'draft_events']));
});

it('[DB9] a build that is older than the database says so, and changes nothing', async () => {
  const { sql, url } = await testDatabase();
  await migrateToLatest(url);
  await sql`delete from drizzle.__drizzle_migrations where id > 1`;
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('of the future', ${8e15})`;
  const refused = migrateToLatest(url);
  await expect(refused).rejects.toBeInstanceOf(StartupError);
  await expect(refused).rejects.toThrow('migrated by a newer build');
  const migrations = await sql`select hash from drizzle.__drizzle_migrations`;
  expect(migrations).toHaveLength(2);
});

/** The database as it was after its first migrations. */
async function migrateOnly({ sql }: Database, count: number): Promise<void> {
  await sql`drop schema public cascade`;
  await sql`drop schema drizzle cascade`;
  await sql`create schema public`;
  await sql`create schema drizzle`;
  await sql`create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;
  for (const { sql: statements, hash, folderMillis } of readMigrationFiles({ migrationsFolder: 'drizzle' }).slice(
    0,
    count,
  )) {
    for (const statement of statements) await sql.unsafe(statement);
    await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`;
  }
}

it('[LOG15] [ATTR8] what was stored before the compact forms is read as it was', async () => {
  const database = await testDatabase();
  const { sql, url } = database;
  await migrateOnly(database, 22);
  const [draft, list, page] = [randomUUID(), randomUUID(), randomUUID()];
  const [ann] = await sql<[{ id: string }]>`
    insert into listeners (external_id, display_name) values ('ann', 'Ann') returning id`;
  await sql`
    insert into drafts (id, listener_id, kind, title, prompt, visibility, status, model_id, sampling, turns, usage, sequence)
    values (${draft}, ${ann.id}, 'POEM', 'Snow', 'snow', 'PRIVATE', 'COMPLETED', 'm', '{}', '[]', '{}', 2)`;
  const tokens = { type: 'tokens', text: 'snow', tokens: [[7, 'snow', -0.1, [['rain', null]]]] };
  const edit = { type: 'edit', start: 0, end: 4, text: 'rain', asked: null };
  for (const [i, event] of [tokens, edit].entries()) {
    await sql`insert into draft_events (draft_id, sequence, event) values (${draft}, ${i + 1}, ${JSON.stringify(event)}::text::jsonb)`;
  }
  const history = [{ trackId: 5, kind: 'LIKE', at: 1_000, plays: 1, strength: 1 }];
  const taste = {
    history,
    genres: [],
    artistIds: [],
    tags: [],
    text: null,
    allowExplicit: true,
    seedTrackIds: [],
    contextText: null,
  };
  const state = { taste, filter: null, includeHeard: false, diversity: 0.2, exploration: 0.1 };
  await sql`
    insert into recommendation_lists (id, listener_id, model_version, track_ids, propensities, reasons, state)
    values (${list}, ${ann.id}, 'v', '{3,4}', '{0.901,0.001}', '{HISTORY,NONE}', ${JSON.stringify(state)}::text::jsonb)`;
  await sql`
    insert into recommendation_lists (id, listener_id, surface, model_version, first_rank, track_ids, propensities, reasons)
    values (${page}, ${ann.id}, 'SIMILAR', 'v', 11, '{3}', '{1}', '{POPULARITY}')`;

  await migrateToLatest(url);
  const entries = await new PostgresLog(database).read(draft, 0, 10);
  expect(entries.map(({ event }) => event)).toEqual([
    { ...tokens, tokens: [[7, 'snow', -0.1, [['rain', -Infinity]]]] },
    edit,
  ]);
  expect(await listFrom((await selectServedList(database, list))!)).toEqual({
    ...{
      id: list,
      listenerId: Number(ann.id),
      modelVersion: 'v',
      isPreview: false,
      calibration: 0,
      maxPerArtist: null,
    },
    ...{ notServedForHours: 0, servedBefore: [], ...state },
    positions: [
      { trackId: 3, propensity: 0.901, reason: { kind: 'HISTORY', of: null } },
      { trackId: 4, propensity: 0.001, reason: { kind: 'NONE', of: null } },
    ],
  });
  const rows = await sql`select causes, propensities, state from recommendation_lists where id = ${page}`;
  expect(rows).toEqual([{ causes: 'o', propensities: null, state: null }]);
});
