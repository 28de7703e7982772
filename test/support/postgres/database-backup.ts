import { onTestFinished } from 'vitest';
import { connect, type Database } from '../../../src/db/client.ts';

/**
 * Copies a database as it is, as a backup or a standby that is behind has it. Clients lose their connections, and
 * connect again.
 * @returns what puts the copy in the place of the database, under the same URL
 */
export async function backUp({ url }: Pick<Database, 'url'>): Promise<() => Promise<void>> {
  const name = new URL(url).pathname.slice(1);
  const adminUrl = new URL(url);
  adminUrl.pathname = '/postgres';
  const admin = connect(adminUrl.href, { connections: 1 });
  const { sql } = admin;
  onTestFinished(async () => {
    for (const other of ['copy', 'lost']) await sql`drop database if exists ${sql(`${name}_${other}`)} with (force)`;
    await admin[Symbol.asyncDispose]();
  });
  const withoutClients = async (work: () => Promise<unknown>): Promise<void> => {
    await sql`alter database ${sql(name)} allow_connections false`;
    await sql`select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = ${name}`;
    await work();
    await sql`alter database ${sql(name)} allow_connections true`;
  };
  await withoutClients(() => sql`create database ${sql(`${name}_copy`)} template ${sql(name)}`);
  return () =>
    withoutClients(async () => {
      await sql`alter database ${sql(name)} rename to ${sql(`${name}_lost`)}`;
      await sql`alter database ${sql(`${name}_copy`)} rename to ${sql(name)}`;
    });
}
