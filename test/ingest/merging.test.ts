import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import type { Transaction } from '../../src/db/connection/transaction.ts';
import { copyFeedback, createFeedbackStaging, type StagedFeedback } from '../../src/db/imports/import-feedback.ts';
import { importTransaction } from '../../src/db/imports/import-transaction.ts';
import { type FeedbackMerge, mergeStagedFeedback } from '../../src/db/imports/merge-feedback.ts';
import { NameNumbers } from '../../src/db/imports/name-numbers.ts';
import { contentsOf, feedbackIn, importContent, sharedDatabase } from '../support/catalogue/importing.ts';

const theDatabase = sharedDatabase();

const LISTENERS = 7;
const TRACKS = 5;
const ROWS = 60;

/** Listeners in turn, some without a time, some with keys, some twice. */
const rows = Array.from({ length: ROWS }, (_, i): { line: number; row: StagedFeedback } => ({
  line: i + 1,
  row: {
    listener: `listener ${i % LISTENERS}`,
    track: `t${(i * 3) % TRACKS}`,
    kind: i % 4 === 0 ? 'SKIP' : 'PLAY',
    plays: 1 + (i % 2),
    listenedMs: null,
    at: new Date(Date.UTC(2026, 0, 1, i % 20)),
    timed: i % 5 !== 0,
    key: i % 11 === 0 ? `key:${i % 3}` : null,
  },
}));

async function* inBatches(size: number) {
  for (let at = 0; at < rows.length; at += size) yield await Promise.resolve(rows.slice(at, at + size));
}

const catalogue = async (database: Database): Promise<void> => {
  const lines = Array.from({ length: TRACKS }, (_, i) => `t${i},Title ${i},Artist`);
  await importContent(database, 'tracks', ['externalId,title,artist', ...lines]);
};

interface Sizes {
  names: number;
  partition: number;
  onMerged?: (merged: number, rows: number) => void;
}

async function mergeIn(tx: Transaction, { names, partition, onMerged }: Sizes): Promise<FeedbackMerge> {
  await createFeedbackStaging(tx);
  const numbers = { listeners: new NameNumbers(names), tracks: new NameNumbers(names) };
  await copyFeedback(tx, inBatches(7), numbers);
  return mergeStagedFeedback(tx, onMerged, partition);
}

const merge = (database: Database, sizes: Sizes) => importTransaction(database, undefined, (tx) => mergeIn(tx, sizes));

test('[IMP4] [IMP5] what is imported depends neither on how many names fit in memory nor on how many rows are merged at a time', async () => {
  const database = theDatabase();
  await catalogue(database);
  const whole = await merge(database, { names: 1_000, partition: 1_000 });
  const expected = await feedbackIn(database);
  expect(expected).toHaveLength(whole.created);
  const before = await contentsOf(database);
  const told: number[] = [];
  const again = await merge(database, { names: 2, partition: 10, onMerged: (merged) => void told.push(merged) });
  expect(again).toEqual({ ...whole, created: 0, unchanged: ROWS, newListeners: 0 });
  expect(await contentsOf(database)).toEqual(before);
  expect(told.length).toBeGreaterThan(4);
  expect(told.at(-1)).toBe(ROWS);
  await database.sql`truncate feedback, listeners cascade`;
  expect(await merge(database, { names: 2, partition: 10 })).toEqual(whole);
  expect(await feedbackIn(database)).toEqual(expected);
});

test('[IMP16] until an import ends, nothing can be deleted that its feedback refers to', async () => {
  const database = theDatabase();
  await catalogue(database);
  await importContent(database, 'feedback', ['listener,track,kind', 'listener 1,t1,LIKE']);
  await importTransaction(database, undefined, async (tx) => {
    await mergeIn(tx, { names: 100, partition: 10 });
    for (const [table, name] of [
      ['listeners', 'listener 1'],
      ['tracks', 't3'],
    ] as const) {
      const deletion = database.sql.begin(async (other) => {
        await other`set local lock_timeout = '50ms'`;
        await other`delete from ${other(table)} where external_id = ${name}`;
      });
      await expect(deletion).rejects.toMatchObject({ code: '55P03' });
    }
  });
  const { count } = await database.sql`
    select from feedback f where not exists (select from tracks where id = f.track_id)
      or not exists (select from listeners where id = f.listener_id)`;
  expect(count).toBe(0);
});

test('[IMP16] a user without rights to leave out the checks of references imports the same', async () => {
  const database = theDatabase();
  await catalogue(database);
  const whole = await merge(database, { names: 100, partition: 100 });
  const expected = await feedbackIn(database);
  await database.sql`truncate feedback, listeners cascade`;
  const role = `importer_${randomBytes(4).toString('hex')}`;
  const merged = await importTransaction(database, undefined, async (tx) => {
    await tx`create role ${tx(role)}`;
    await tx`grant all on all tables in schema public to ${tx(role)}`;
    await tx`grant all on all sequences in schema public to ${tx(role)}`;
    await tx`set local role ${tx(role)}`;
    const [row] = await tx<{ may: boolean }[]>`
      select has_parameter_privilege('session_replication_role', 'SET') as may`;
    expect(row?.may).toBe(false);
    const done = await mergeIn(tx, { names: 100, partition: 10 });
    await tx`reset role`;
    await tx`drop owned by ${tx(role)}`;
    await tx`drop role ${tx(role)}`;
    return done;
  });
  expect(merged).toEqual(whole);
  expect(await feedbackIn(database)).toEqual(expected);
});
