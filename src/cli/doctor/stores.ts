import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { type Examination, examineDatabase } from '../../db/connection/examination.ts';
import { masterKeysOf } from '../../db/open.ts';
import { examineNats } from '../../nats/examination.ts';
import { findingsOf, note, type Observation, right, wrong } from './findings.ts';

/** Tokens end by this machine's clock, and lists by the database's. */
const MOST_SECONDS_APART = 5;

/** The database, its tables and clock, and the master key that it needs. */
export async function examineStores(config: Config): Promise<Observation[]> {
  const found = await findingsOf('database', async () => {
    const looked = await examineDatabase(config, async (examination) => [
      right('database', `PostgreSQL ${examination.version}, UTF8, takes writes`),
      tables(examination),
      connections(examination, config),
      clock(examination),
      ...(await findingsOf('master key', () => masterKey(config, examination))),
    ]);
    return looked ?? [right('database', EMBEDDED), ...(await findingsOf('master key', () => masterKey(config, null)))];
  });
  return [...found, ...(await findingsOf('nats', () => nats(config)))];
}

const EMBEDDED = 'the embedded PostgreSQL does not run now: the server starts it, and creates it if there is none';

function tables({ isCurrent }: Examination): Observation {
  if (isCurrent) return right('migrations', 'the tables are those of this build');
  if (isCurrent === null)
    return note('migrations', 'there are no tables yet: the first start, or npm run migrate, creates them');
  return note(
    'migrations',
    'the tables are older: the next start, or npm run migrate, brings them up to date; back up first',
  );
}

function connections({ connections: { most, open } }: Examination, { databaseConnections }: Config): Observation {
  const says = `${open} of ${most} connections are open, and a node needs ${databaseConnections}`;
  return most - open >= databaseConnections
    ? right('connections', says)
    : note(
        'connections',
        `${says}: unless that is this node itself, raise max_connections or lower CADENZA_DATABASE_CONNECTIONS`,
      );
}

function clock({ clockAheadMs }: Examination): Observation {
  const seconds = Math.abs(clockAheadMs) / 1_000;
  const says = `this machine and the database are ${seconds.toFixed(1)} s apart`;
  return seconds <= MOST_SECONDS_APART
    ? right('clock', says)
    : wrong('clock', `${says}: tokens would end at the wrong time; synchronise both clocks (NTP)`);
}

async function masterKey(config: Config, examination: Examination | null): Promise<Observation[]> {
  const isLocal = config.masterKey === null && config.databaseUrl === null;
  if (isLocal && !existsSync(join(config.dataDir, 'master.key'))) {
    const isNew = !existsSync(join(config.dataDir, 'postgres'));
    return isNew ? [right('master key', 'the first start makes one in the data folder')] : [wrong('master key', LOST)];
  }
  const masters = await masterKeysOf(config);
  await examination?.checkMasters(masters);
  if (!masters) return [note('master key', 'none is set, so what people write is stored as it is: docs/privacy.md')];
  return [right('master key', 'opens what is encrypted; keep a copy apart from the backups of the database')];
}

const LOST =
  'master.key is missing in the data folder: put it back from where you keep it, for without it texts are lost';

async function nats({ draftLog }: Config): Promise<Observation[]> {
  if (draftLog.kind !== 'nats') return [];
  const { version, streams } = await examineNats(draftLog.url);
  const says = `NATS ${version} with JetStream, ${streams} streams`;
  return draftLog.replicas > 1
    ? [right('nats', says)]
    : [
        note(
          'nats',
          `${says}; one copy of each log: set CADENZA_NATS_REPLICAS=3 with three servers, or sync_interval: always`,
        ),
      ];
}
