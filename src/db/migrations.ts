import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { PgDialect } from 'drizzle-orm/pg-core';
import { PostgresJsSession } from 'drizzle-orm/postgres-js';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { openDriver } from './connection/driver.ts';
import { placeOf } from './connection/servers.ts';
import type { Sql } from './connection/transaction.ts';
import { bringToNormalForm } from './texts/normal-forms.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** An arbitrary constant that nothing else in the database uses: "cadenza" in ASCII, truncated to 32 bits. */
const MIGRATION_LOCK = 0x63616465;
/** The schema for which migrations are generated. */
export const USUAL_SCHEMA = 'public';

/**
 * Migrates the tables. Several processes may start at once: the first that gets the advisory lock migrates, the others
 * wait and then have nothing to do ([DB1]).
 * @param schema where the tables are; stated only where it is not the first of the server's search_path
 * @throws StartupError if a newer build has migrated it ([DB9])
 */
export async function migrateToLatest(url: string, log?: Logger, schema: string | null = null): Promise<void> {
  const sql = openDriver(placeOf(url, schema), { max: 1 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    // Where there is nothing to do, a role that may create nothing is enough ([DB10]).
    const [before] = await sql<
      [{ schema: string }]
    >`select coalesce(current_schema(), ${schema ?? USUAL_SCHEMA}) as schema`;
    if (!(await isMigrated(sql, before.schema))) await migrate(sql, before.schema);
    await bringToNormalForm(sql, log);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function migrate(sql: Sql, schema: string): Promise<void> {
  if (schema !== USUAL_SCHEMA) await sql`create schema if not exists ${sql(schema)}`;
  const dialect = new PgDialect({ casing: 'snake_case' });
  const session = new PostgresJsSession<Sql, Record<string, never>, Record<string, never>>(sql, dialect, undefined);
  await dialect.migrate(migrationsFor(schema), session, { migrationsFolder, migrationsSchema: notesOf(schema) });
}

/** Where it is noted which migrations have run: of several installations in one database, each has notes of its own. */
const notesOf = (schema: string): string => (schema === USUAL_SCHEMA ? 'drizzle' : schema);

function migrationsFor(schema: string): MigrationMeta[] {
  const name = `"${schema.replaceAll('"', '""')}".`;
  return readMigrationFiles({ migrationsFolder }).map((migration) => {
    return { ...migration, sql: migration.sql.map((statement) => statement.replaceAll(`"${USUAL_SCHEMA}".`, name)) };
  });
}

/** When the newest migration of this build was made. */
export const newestMigration = (): number =>
  Math.max(...readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis));

/** @throws StartupError when a newer build has: its tables this one would read wrongly, and write worse */
export async function isMigrated(sql: Sql, schema: string): Promise<boolean> {
  const notes = sql`${sql(notesOf(schema))}.__drizzle_migrations`;
  const [found] = await sql<{ isThere: boolean }[]>`
    select exists (select from pg_catalog.pg_tables
      where schemaname = ${notesOf(schema)} and tablename = '__drizzle_migrations') as "isThere"`;
  if (!found?.isThere) return false;
  const [applied] = await sql<{ newest: number | null }[]>`select max(created_at)::float8 as newest from ${notes}`;
  const known = newestMigration();
  const newest = applied?.newest ?? 0;
  if (newest <= known) return newest === known;
  throw new StartupError(
    'The database was migrated by a newer build of Cadenza, and this one does not know its tables. ' +
      'Start that build, or restore a backup made before it.',
  );
}
