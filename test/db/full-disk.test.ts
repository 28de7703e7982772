import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { explainFailure } from '../../src/db/failures.ts';
import { createDrafts, type Draft } from '../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { DiskFullError } from '../../src/lib/errors.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { startImport } from '../support/catalogue/import-process.ts';
import { contentsOf, fileWith } from '../support/catalogue/importing.ts';
import { ask, startListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { canMount, smallDisk } from '../support/postgres/small-disk.ts';

/** A database whose table lies on a disk of its own, with room for a few hundred rows. */
async function databaseWithLittleRoom(table: 'tracks' | 'feedback' | 'draft_events'): Promise<Database> {
  const folder = join(smallDisk(128), 'tablespace');
  await mkdir(folder);
  const server = new URL('/postgres', inject('postgres'));
  const admin = connect(server.href, { connections: 1 });
  const name = `small_${process.pid}_${table}`;
  onTestFinished(async () => {
    await admin.sql`drop tablespace if exists ${admin.sql(name)}`;
    await admin[Symbol.asyncDispose]();
  });
  const [row] = await admin.sql<{ data: string }[]>`select current_setting('data_directory') as data`;
  const { uid, gid } = await stat(row?.data ?? '');
  await chown(folder, uid, gid);
  await admin.sql.unsafe(`create tablespace ${name} location '${folder}'`);
  const database = await testDatabase();
  await database.sql.unsafe(`alter table ${table} set tablespace ${name}`);
  return database;
}

test.runIf(canMount)(
  '[DB7] [IMP1] an import that the disk has no room for says so, and nothing of it stays',
  async () => {
    const database = await databaseWithLittleRoom('tracks');
    const before = await contentsOf(database);
    const rows = Array.from({ length: 5000 }, (_, i) => `t${i},Title ${i},Artist ${i % 50}`);
    const file = await fileWith(['externalId,title,artist', ...rows]);
    const run = () => startImport(['tracks', file], { DATABASE_URL: database.url }).exited;
    expect(await run()).toMatchObject({
      code: 1,
      errors: 'The database’s disk is full. Nothing was changed. Free some space, then try again.\n',
    });
    expect(await contentsOf(database)).toEqual(before);
    await database.sql`alter table tracks set tablespace pg_default`;
    expect((await run()).output).toContain('tracks: 5,000 created');
  },
);

test.runIf(canMount)(
  '[DB7] feedback that the disk has no room for is refused whole; with room it is taken',
  async () => {
    const database = await databaseWithLittleRoom('feedback');
    await addTracks(database, someTracks(5));
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const { graphqlUrl } = await startListening({ database, log });
    const { data } = await ask(graphqlUrl, '{ tracks(first: 1) { nodes { id } } }');
    const [track] = (data as { tracks: { nodes: { id: string }[] } }).tracks.nodes;
    const input = Array.from({ length: 1000 }, () => ({ trackId: track?.id, kind: 'PLAY' }));
    const play = () =>
      ask(graphqlUrl, 'mutation ($input: [FeedbackInput!]!) { recordFeedbackBatch(input: $input) { __typename } }', {
        input,
      });
    const refusal = async () => {
      for (let kept = 0; ; kept += 1000) {
        const { errors } = await play();
        if (errors) return { kept, error: errors[0] };
      }
    };
    const { kept, error } = await refusal();
    expect(error?.extensions).toMatchObject({ code: 'DISK_FULL' });
    expect(lines.join('')).toContain('could not extend file');
    expect(await database.sql`select count(*)::int as kept from feedback`).toEqual([{ kept }]);
    await database.sql`alter table feedback set tablespace pg_default`;
    expect((await play()).data).toEqual({ recordFeedbackBatch: { __typename: 'RecordFeedbackBatchSuccess' } });
  },
);

test.runIf(canMount)(
  '[DB7] [LOG4] a draft that the disk has no room for waits, new ones are refused, and with room nothing is lost',
  async () => {
    const database = await databaseWithLittleRoom('draft_events');
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const wakeups = new LocalWakeups();
    const listener = await createListeners({ database, wakeups, clock: systemClock }).ensure('ann');
    const viewer = { listener, roles: new Set(['LISTENER'] as const) };
    const engine = new ScriptedEngine({ queue: 500 });
    const drafts = createDrafts({ database, engine, wakeups, clock: systemClock, log });
    onTestFinished(() => drafts[Symbol.asyncDispose]());
    const start = (maxTokens: number) =>
      drafts.start(viewer, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens, seed: 5 } });
    const started: Draft[] = [await start(4_000)];
    while (!lines.some((line) => line.includes('could not extend file'))) await new Promise(setImmediate);
    const refusal = async (): Promise<unknown> => {
      for (;;) {
        try {
          started.push(await start(3));
        } catch (error) {
          return explainFailure(error);
        }
      }
    };
    expect(await refusal()).toBeInstanceOf(DiskFullError);
    expect(await database.sql`select count(*)::int as n from drafts`).toEqual([{ n: started.length }]);
    await database.sql`alter table draft_events set tablespace pg_default`;
    for (const draft of started) {
      for await (const _ of drafts.follow(viewer, draft.id, null));
      const end = (await drafts.byIds(viewer, [draft.id])).get(draft.id);
      const { messages } = engine.requests[0] ?? { messages: [] };
      expect(end).toMatchObject({ status: 'COMPLETED', text: scriptedText({ messages, sampling: draft.sampling }) });
    }
  },
);
