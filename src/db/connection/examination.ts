import { maskPassword } from '../../lib/database-url.ts';
import { runningUrl } from '../embedded/running-url.ts';
import { isMigrated, USUAL_SCHEMA } from '../migrations.ts';
import { DATABASE, type DatabaseConfig } from '../open.ts';
import { selectServerFacts } from '../queries/server-queries.ts';
import type { MasterKeys } from '../sealing/master-keys.ts';
import { Vault } from '../sealing/vault.ts';
import { openDriver } from './driver.ts';
import { placeOf } from './servers.ts';
import { keepsSessions } from './sessions.ts';
import { POOLED, startupError, throwIfUnusable } from './startup-errors.ts';
import type { Sql } from './transaction.ts';

/** What a database is like that a server could use. */
export interface Examination {
  version: string;
  /** Whether its tables are those of this build. Null if there are none yet. */
  isCurrent: boolean | null;
  /** How far its clock is ahead of this machine's in milliseconds, within half of the time of an answer. */
  clockAheadMs: number;
  connections: { most: number; open: number };
  /** @throws StartupError if a master key is missing that encrypts something */
  checkMasters(masters: MasterKeys | null): Promise<void>;
}

/**
 * Looks at the configured database, and changes nothing in it.
 * @param look what else is to be looked at while it is open
 * @returns null if it is the embedded one and does not run
 * @throws StartupError that tells an operator what to do
 */
export async function examineDatabase<Result>(
  config: DatabaseConfig,
  look: (examination: Examination) => Promise<Result>,
): Promise<Result | null> {
  const url = config.databaseUrl ?? (await runningUrl(config.dataDir, DATABASE));
  if (url === null) return null;
  const name = config.databaseUrl ? `The database ${maskPassword(url)}` : 'The embedded PostgreSQL';
  const schema = config.databaseSchema ?? USUAL_SCHEMA;
  const place = placeOf(url, schema);
  const sql = openDriver(place, { max: 1, prepare: false, connect_timeout: 5 });
  try {
    const facts = await selectServerFacts(sql);
    throwIfUnusable(facts, name);
    if (config.databaseUrl && !(await keepsSessions(place))) throw new Error(`${name} ${POOLED}`);
    const hasTables = await isThere(sql, schema);
    const isCurrent = hasTables ? await isMigrated(sql, schema) : null;
    return await look({
      version: facts.text,
      isCurrent,
      clockAheadMs: await clockAhead(sql),
      connections: await connectionsOf(sql),
      checkMasters: async (masters) => {
        if (isCurrent) await new Vault(sql, masters).checkMasters();
      },
    });
  } catch (error) {
    throw startupError(error, name, schema);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function isThere(sql: Sql, schema: string): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (select from pg_catalog.pg_tables where schemaname = ${schema} and tablename = 'installation') as found`;
  return row?.found ?? false;
}

async function clockAhead(sql: Sql): Promise<number> {
  const asked = Date.now();
  const [row] = await sql<[{ now: number }]>`select extract(epoch from clock_timestamp())::float8 * 1000 as now`;
  return row.now - (asked + Date.now()) / 2;
}

async function connectionsOf(sql: Sql): Promise<Examination['connections']> {
  const [row] = await sql<[Examination['connections']]>`
    select current_setting('max_connections')::int as most,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as open`;
  return row;
}
