import { expect, it } from 'vitest';
import { migrateToLatest } from '../../src/db/client.ts';
import { StartupError } from '../../src/lib/errors.ts';
import { testDatabase } from '../support/database.ts';

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
