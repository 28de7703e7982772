import { fileURLToPath } from 'node:url';
import type { DeclaredKeys } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { hasSimulated, hasTracks, insertDemoViewer, insertSimulated } from '../db/imports/import-demo.ts';
import { importTransaction } from '../db/imports/import-transaction.ts';
import { refreshPopularity } from '../db/recommend/popularity-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { type SimulatedTrack, simulateListening } from './demo-listeners.ts';
import { Row } from './formats/row.ts';
import { trackColumns, trackOf } from './formats/track-rows.ts';
import { importTracks } from './formats/tracks.ts';
import { startContext } from './import-context.ts';
import { Notices } from './notices.ts';
import { noRenames } from './reading/columns.ts';
import { readRecords } from './reading/records.ts';
import { openSource } from './reading/source.ts';

export interface SeedDemoOptions {
  database: Database;
  clock: Clock;
  log: Logger;
}

const demoTracks = fileURLToPath(new URL('../../assets/demo/tracks.csv', import.meta.url));
const noKeys: DeclaredKeys = new Map();
const VIEWER = { externalId: 'demo', displayName: 'Demo listener' };

/**
 * Fills an empty catalogue with real recordings and simulated listeners (docs/demo.md). It does nothing if the
 * catalogue is not empty. It loads everything or nothing, once, however many processes start at the same time
 * ([DEMO1]).
 * @returns whether it loaded the demo
 */
export async function seedDemo({ database, clock, log }: SeedDemoOptions): Promise<boolean> {
  const begun = clock.monotonic();
  const tracks = await readDemoTracks();
  const seeded = await importTransaction(database, undefined, async (tx) => {
    if (await hasTracks(tx)) return null;
    await importTracks(demoTracks, { ...startContext({ format: 'tracks', paths: [demoTracks], clock }), tx });
    const { listeners, events } = simulateListening(tracks, clock.now());
    await insertDemoViewer(tx, VIEWER.externalId, VIEWER.displayName);
    await insertSimulated(tx, listeners, events);
    await refreshPopularity(tx, database, new Date(clock.now()));
    return { tracks: tracks.length, simulatedListeners: listeners.length, events: events.length };
  });
  if (seeded)
    log.info({ ...seeded, ms: Math.round(clock.monotonic() - begun) }, 'The demo was loaded into the empty catalogue');
  return seeded !== null;
}

/** In production nobody is told what simulated listeners liked ([PROD1]). @throws StartupError */
export async function refuseDemo({ sql }: Database): Promise<void> {
  if (!(await hasSimulated(sql))) return;
  throw new StartupError(
    'The database holds the demo with its simulated listeners, and CADENZA_PRODUCTION=on. Use an empty database, and import your data into it (docs/import.md).',
  );
}

async function readDemoTracks(): Promise<SimulatedTrack[]> {
  const source = await openSource(demoTracks);
  const naming = { renames: noRenames, notices: new Notices() };
  const tracks: SimulatedTrack[] = [];
  for await (const records of readRecords(
    source.chunks(() => undefined),
    trackColumns(noKeys),
    source.name,
    naming,
  )) {
    for (const record of records) {
      if ('problem' in record) throw new Error(`${source.name}, line ${record.line}: ${record.problem}`);
      const { externalId, genres, tags } = trackOf(new Row(record, naming.notices), noKeys);
      tracks.push({ externalId, genres: genres.map(({ slug }) => slug), tags: tags.map(({ name }) => name) });
    }
  }
  return tracks;
}
