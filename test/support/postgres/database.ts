import { randomBytes } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { connect, type Database, type DatabaseOptions } from '../../../src/db/client.ts';
import { MasterKeys } from '../../../src/db/sealing/master-keys.ts';

/** What tests' databases are encrypted with. */
export const TEST_MASTER_KEY = Buffer.alloc(32, 'cadenza').toString('base64');
export const testMasterKeys = (): MasterKeys => MasterKeys.parse(TEST_MASTER_KEY, 'the tests');

/** One for each process, which ends with it. */
let admin: Database | undefined;

/** A fresh, migrated database, dropped when `dispose` runs. For a whole file: make it in `beforeAll`. */
export async function createDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const template = new URL(inject('postgres'));
  const name = `t_${randomBytes(8).toString('hex')}`;
  admin ??= connect(new URL('/postgres', template).href, { connections: 1 });
  const { sql } = admin;
  await sql`create database ${sql(name)} template ${sql(template.pathname.slice(1))}`;
  const url = new URL(template);
  url.pathname = `/${name}`;
  const database = connect(url.href, { masterKeys: testMasterKeys(), ...options });
  return {
    ...database,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await sql`drop database if exists ${sql(name)} with (force)`;
    },
  };
}

/** A fresh database for the running test alone. */
export async function testDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const database = await createDatabase(options);
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}
