import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fileOf, readManifest } from '../../src/db/backup/manifest.ts';
import { checkFits, restoreBackup } from '../../src/db/backup/read-backup.ts';
import { writeBackup } from '../../src/db/backup/write-backup.ts';
import type { Database } from '../../src/db/client.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { createDrafts, type DraftEvent } from '../../src/drafts/drafts.ts';
import { Disposal } from '../../src/lib/async/disposal.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../src/listeners/listeners.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { TEST_MASTER_KEY, testDatabase, testMasterKeys } from '../support/postgres/database.ts';
import { eventually } from '../support/time/eventually.ts';

const LENGTH = 24;
const signal = new AbortController().signal;

/** A node on a database, until it is disposed of. */
async function nodeOn(database: Database, granted: number) {
  const disposal = new Disposal();
  const wakeups = disposal.use(await openWakeups(database, silentLogger));
  const engine = new ScriptedEngine({ granted });
  const parts = { database, wakeups, clock: systemClock, log: silentLogger };
  const drafts = disposal.use(createDrafts({ ...parts, engine }));
  const listener = await createListeners(parts).ensure('ann');
  const ann: Viewer = { listener, roles: new Set(['LISTENER']) };
  drafts.recover();
  const written = async (id: string) => (await drafts.byIds(ann, [id])).get(id)?.usage.completionTokens;
  return {
    ...{ drafts, engine, ann },
    untilWritten: (id: string, tokens: number) => eventually(async () => expect(await written(id)).toBe(tokens)),
    dispose: () => disposal[Symbol.asyncDispose](),
  };
}

/** What a reader shows after these events. */
async function follow(events: AsyncIterable<DraftEvent>, from: { text: string }, until: (text: string) => boolean) {
  const screen = { text: from.text, cursor: '', reasons: new Array<string>() };
  for await (const event of events) {
    screen.cursor = event.cursor;
    if (event.type === 'tokens') screen.text += event.text;
    if (event.type === 'snapshot') {
      screen.text = event.draft.text;
      screen.reasons.push(event.reason);
    }
    if (until(screen.text)) break;
  }
  return screen;
}

test('[OPS6] after a backup was restored, a draft goes on, a reader of that time by its cursor, and a later one is told', async () => {
  const [served, other] = [await testDatabase(), await testDatabase()];
  const folder = join(await temporaryFolder(), 'backup');
  const node = await nodeOn(served, 8);
  const draft = await node.drafts.start(node.ann, {
    ...{ kind: 'POEM', prompt: 'Snow on the canary', sampling: { maxTokens: LENGTH, seed: 5 } },
  });
  const textAt = (tokens: number) =>
    scriptedText({
      messages: node.engine.requests[0]?.messages ?? [],
      sampling: { ...draft.sampling, maxTokens: tokens },
    });
  await node.untilWritten(draft.id, 8);
  const nothing = { text: '' };
  const early = await follow(node.drafts.follow(node.ann, draft.id, null), nothing, (text) => text === textAt(8));
  const manifest = await writeBackup(served, folder, signal);
  node.engine.grant(6);
  const late = await follow(node.drafts.follow(node.ann, draft.id, early.cursor), early, (text) => text === textAt(14));
  await node.dispose();
  // Texts are encrypted in it, and the master key is not there.
  const bytes = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  expect(Buffer.concat(bytes).includes(TEST_MASTER_KEY)).toBe(false);
  expect(manifest.masters).toHaveLength(1);

  await restoreBackup(other, { folder, manifest: await readManifest(folder) }, signal);
  const again = await nodeOn(other, Infinity);
  await again.untilWritten(draft.id, LENGTH);
  const whole = (text: string) => text === textAt(LENGTH);
  const kept = await follow(again.drafts.follow(again.ann, draft.id, early.cursor), early, whole);
  const lost = await follow(again.drafts.follow(again.ann, draft.id, late.cursor), late, whole);
  expect([kept.text, lost.text]).toEqual([textAt(LENGTH), textAt(LENGTH)]);
  expect([kept.reasons, lost.reasons]).toEqual([[], ['DIVERGED']]);
  // Ids go on, and nothing of the other database is taken for this one's.
  const next = await again.drafts.start(again.ann, { kind: 'POEM', prompt: 'Rain', sampling: { maxTokens: 2 } });
  await again.untilWritten(next.id, 2);
  await again.dispose();
});

test('[OPS6] a backup that is damaged, of another build or encrypted with another key changes nothing', async () => {
  const [served, other] = [await testDatabase(), await testDatabase()];
  const folder = join(await temporaryFolder(), 'backup');
  const parts = { database: served, wakeups: await openWakeups(served, silentLogger), clock: systemClock };
  await createListeners(parts).ensure('ann');
  await parts.wakeups[Symbol.asyncDispose]();
  const manifest = await writeBackup(served, folder, signal);
  await expect(writeBackup(served, folder, signal)).rejects.toThrow('is there already');
  await expect(restoreBackup(served, { folder, manifest }, signal)).rejects.toThrow('The database is not empty');
  expect(() => checkFits({ ...manifest, masters: ['0123456789abcdef'] }, testMasterKeys())).toThrow('0123456789abcdef');
  expect(() => checkFits({ ...manifest, migration: 1 }, null)).toThrow('an older build');
  expect(() => checkFits({ ...manifest, migration: 1e15 }, null)).toThrow('a newer build');

  const torn = manifest.tables.map((table) => (table.name === 'nodes' ? { ...table, rows: 7 } : table));
  await expect(restoreBackup(other, { folder, manifest: { ...manifest, tables: torn } }, signal)).rejects.toThrow(
    'nodes got 0 rows of 7',
  );
  const [left] = await other.sql`select count(*)::int as listeners from listeners`;
  expect(left).toEqual({ listeners: 0 });
  await writeFile(fileOf(folder, 'listeners'), 'nothing');
  await expect(readManifest(folder)).rejects.toThrow('listeners.copy.gz is another');
  await writeFile(join(folder, 'manifest.json'), '{}');
  await expect(readManifest(folder)).rejects.toThrow('There is no backup in');
});

test('[OPS6] npm run backup and npm run restore say what they did and what is not in it', async () => {
  const [served, other] = [await testDatabase(), await testDatabase()];
  await served.sql`insert into genres (slug, name) values ('polka', 'Polka')`;
  const folder = join(await temporaryFolder(), 'backup');
  const run = (script: string, url: string, ...args: string[]) => {
    const path = fileURLToPath(new URL(`../../src/cli/database/${script}.ts`, import.meta.url));
    const env = { PATH: process.env.PATH, DATABASE_URL: url, CADENZA_MASTER_KEY: TEST_MASTER_KEY };
    return promisify(execFile)(process.execPath, ['--import', 'tsx', path, ...args], { env });
  };
  expect((await run('backup', served.url, '--to', folder)).stdout).toMatch(/^\d+ rows of \d+ tables are in /);
  expect((await run('restore', other.url, '--from', folder)).stdout).toContain('are restored. Start the nodes.');
  const [row] = await other.sql`select name from genres where slug = 'polka'`;
  expect(row).toEqual({ name: 'Polka' });
  await expect(run('restore', other.url, '--from', folder)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not empty') as string,
  });
  await expect(run('backup', served.url)).rejects.toMatchObject({ code: 2 });
});
