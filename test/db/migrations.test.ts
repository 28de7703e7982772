import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.ts';

it('migrates an empty database to the current tables', async () => {
  const { sql } = await testDatabase();
  const rows = await sql<
    { name: string }[]
  >`select table_name as name from information_schema.tables where table_schema = 'public'`;
  expect(rows.map((row) => row.name)).toEqual(expect.arrayContaining(['tracks', 'feedback', 'drafts', 'draft_events']));
});
