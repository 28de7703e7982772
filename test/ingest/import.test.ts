import { expect, test } from 'vitest';
import { takeMergeTurn } from '../../src/db/catalogue/track-merge.ts';
import { connect, type Database } from '../../src/db/client.ts';
import { importTransaction } from '../../src/db/imports/import-transaction.ts';
import { refreshPopularity } from '../../src/db/recommend/popularity-queries.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { contentsOf, importContent, rowsIn, sharedDatabase } from '../support/catalogue/importing.ts';
import { eventually } from '../support/time/eventually.ts';

const theDatabase = sharedDatabase();

/** Some chunks of a file. */
const manyTracks = [
  'externalId,title,artist,genres,tags',
  ...Array.from({ length: 4_000 }, (_, i) => `t${i},${'A long title '.repeat(32)}${i},Artist ${i % 100},Jazz,tag`),
];

test('[IMP1] an import that is aborted at any point leaves nothing, and ends with the reason', async () => {
  const database = theDatabase();
  const steps: string[] = [];
  const progress: number[] = [];
  await importContent(database, 'tracks', manyTracks, {
    onStep: (step) => steps.push(step),
    onProgress: ({ rows }) => progress.push(rows),
  });
  expect(steps).toEqual(['merging tracks', 'refreshing popularity']);
  expect(progress.length).toBeGreaterThan(3);
  await database.sql`truncate tracks, artists, genres, tags cascade`;
  const abortWhen = async (reached: (what: string | number) => boolean): Promise<void> => {
    const controller = new AbortController();
    const look = (what: string | number): void => {
      if (reached(what)) controller.abort(new Error('enough'));
    };
    const { error } = await importContent(database, 'tracks', manyTracks, {
      signal: controller.signal,
      onStep: look,
      onProgress: ({ rows }) => look(rows),
    });
    expect(error).toBe('enough');
    expect(await rowsIn(database)).toBe(0);
  };
  for (const place of [progress[0], progress[2], progress.at(-1), ...steps]) await abortWhen((what) => what === place);
  const { report } = await importContent(database, 'tracks', manyTracks);
  expect(report?.tracks.created).toBe(4_000);
});

test('[IMP1] an import that is aborted between two statements ends at the next, however long that would take', async () => {
  const database = theDatabase();
  const holder = connect(database.url, { connections: 1 });
  await holder.sql`select pg_advisory_lock(1)`;
  const controller = new AbortController();
  const stuck = importTransaction(database, controller.signal, async (tx) => {
    controller.abort(new Error('enough'));
    // Another connection has to be asked for the cancellation, so that it arrives while this one does nothing.
    for (let i = 0; i < 30; i++) await database.sql`select 1`;
    await tx`select pg_advisory_xact_lock(1)`;
  });
  await expect(stuck).rejects.toThrow('enough');
  await holder[Symbol.asyncDispose]();
});

test('[IMP1] an import that is aborted beforehand does not begin', async () => {
  const before = await contentsOf(theDatabase());
  const { error, bad } = await importContent(theDatabase(), 'tracks', ['nonsense'], { signal: AbortSignal.abort() });
  expect(error).toMatch(/aborted/);
  expect(bad).toEqual([]);
  expect(await contentsOf(theDatabase())).toEqual(before);
});

test('[IMP1] a database that becomes unavailable during an import is reported as such, and nothing is imported', async () => {
  const database = theDatabase();
  let isCut = false;
  const { error } = await importContent(database, 'tracks', manyTracks, {
    onProgress: () => {
      if (isCut) return;
      isCut = true;
      void database.sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`.catch(() => undefined);
    },
  });
  expect(error).toBe('The database is unavailable at the moment. Try again shortly.');
  // The driver may still fail the first statement on a connection that takes the place of a lost one.
  await eventually(async () => expect(await rowsIn(database)).toBe(0));
});

test('[IMP1] imports take turns, so that each compares with the result of the previous one', async () => {
  const database = theDatabase();
  const header = 'externalId,title,artist';
  const both = await Promise.all([
    importContent(database, 'tracks', [header, ...someTracks(500).map(({ externalId }) => `${externalId},T,A`)]),
    importContent(database, 'tracks', [header, ...someTracks(700).map(({ externalId }) => `${externalId},T,A`)]),
  ]);
  expect(both.map(({ error }) => error)).toEqual([null, null]);
  expect(both.reduce((sum, { report }) => sum + report!.tracks.created, 0)).toBe(700);
});

test('[CAT3] a concurrent import and refresh of popularity do not deadlock', async () => {
  const database = theDatabase();
  const { catalogue } = await addTracks(database, someTracks(200));
  await database.sql`insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
  await database.sql`insert into feedback (listener_id, track_id, kind, at)
    select l.id, t.id, 'PLAY', now() from listeners l, tracks t`;
  const refreshing = await importTransaction(database, undefined, async (tx) => {
    // As a merge: its turn, then rows that the refresh writes late, then those that it writes early.
    await takeMergeTurn(tx);
    await tx`update tracks set updated_at = now() where id = (select max(id) from tracks)`;
    const other = catalogue.refreshPopularity();
    await untilOneWaits(database);
    await refreshPopularity(tx, database, new Date());
    return [other];
  });
  await expect(Promise.all(refreshing)).resolves.toEqual([undefined]);
});

async function untilOneWaits({ sql }: Database): Promise<void> {
  await eventually(async () => {
    const waiting =
      await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    expect(waiting).toHaveLength(1);
  });
}
