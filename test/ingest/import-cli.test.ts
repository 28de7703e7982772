import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { importFormats } from '../../src/ingest/ingest.ts';
import { startImport } from '../support/catalogue/import-process.ts';
import { fileWith, rowsIn, sharedDatabase } from '../support/catalogue/importing.ts';
import { temporaryFolder } from '../support/folder.ts';
import { dataFolder, startServer } from '../support/server.ts';
import { eventually } from '../support/time/eventually.ts';

const theDatabase = sharedDatabase();
const TRACKS = ['externalId,title,artist', 't1,One,A', 't2,Two,B'];

const run = (...args: string[]) => startImport(args, { DATABASE_URL: theDatabase().url }).exited;

test('[IMP4] it reports its progress and the result, and that a repetition changes nothing', async () => {
  const file = await fileWith(TRACKS, 'tracks.csv');
  const first = await run('tracks', file);
  expect(first).toMatchObject({ code: 0, errors: '' });
  expect(first.output).toMatch(
    /^100 % \(0\.0 MB of 0\.0 MB, 2 rows\)\nmerging tracks …\nrefreshing popularity …\n2 rows read in [\d.]+ s, [\d,]+ rows\/s\ntracks: 2 created, 0 updated, 0 unchanged\n$/,
  );
  expect((await run('tracks', file)).output).toContain('tracks: 0 created, 0 updated, 2 unchanged');
  const listening = await run('feedback', await fileWith(['listener,track,kind', 'ann,t1,PLAY'], 'listening.csv'));
  expect(listening.output).toMatch(
    /\nfeedback: 1 created, 0 updated, 0 unchanged\nlisteners: 1 created\nnote: 1 rows came without a time: .*\n$/,
  );
});

test('[IMP2] [IMP3] bad rows go to standard error with file and line, the first fifty of them, and the status is 1', async () => {
  const bad = Array.from({ length: 60 }, (_, i) => `x${i},,A`);
  const file = await fileWith([...TRACKS, 'esc,"\u001b[2J",\u001b[31m"', ...bad], 'tracks.csv');
  const refused = await run('tracks', file);
  const told = refused.errors.split('\n');
  expect(refused.code).toBe(1);
  expect(told[0]).toBe('tracks.csv:5: title is missing');
  expect(told.slice(50)).toEqual([
    '… and 10 more bad rows',
    '60 rows are bad of 63, so nothing was imported. --skip-bad imports the other rows',
    '',
  ]);
  expect(await rowsIn(theDatabase())).toBe(0);
  const taken = await run('tracks', file, '--skip-bad');
  expect(taken.code).toBe(0);
  expect(taken.output).toContain('; 60 bad ones skipped\ntracks: 3 created');
});

test('[IMP2] a file’s contents do not control the terminal', async () => {
  const { errors } = await run('feedback', await fileWith(['listener,track,kind', 'ann,\u001b[2J,PLAY'], 'evil.csv'));
  expect(errors).toContain('evil.csv:2: track "\uFFFD[2J" is not in the catalogue');
  expect(errors).not.toContain('\u001b');
});

test('[IMP6] [IMP14] an unreadable path is reported with status 1 and without a stack', async () => {
  const file = await fileWith(TRACKS, 'tracks.csv');
  const folder = dirname(file);
  const cases: [string[], string][] = [
    [['tracks', join(folder, 'none.csv')], `${folder}/none.csv does not exist\n`],
    [['tracks', folder], `${folder} is a folder; this format is read from a file\n`],
    [['tracks', join(file, 'below')], `a part of ${file}/below is a file, not a folder\n`],
    [['sequences', '/dev/null'], '/dev/null is neither a file nor a folder\n'],
    [['lastfm-2k', file], `${file} is a file; lastfm-2k is a folder of files; for a personal export use lastfm-csv\n`],
  ];
  for (const [args, errors] of cases) expect(await run(...args)).toEqual({ code: 1, output: '', errors });
});

test('[IMP6] a mistyped path creates no data folder', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const { exited } = startImport(['tracks', join(folder, 'none.csv'), '--data-dir', folder]);
  expect(await exited).toMatchObject({ code: 1, errors: `${folder}/none.csv does not exist\n` });
  await expect(readdir(folder)).rejects.toThrow('ENOENT');
});

test('an invalid command line prints the usage and exits with status 2, before anything is opened', async () => {
  const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const cases: [string[], string][] = [
    [[], 'FORMAT and PATH are needed\n\nUsage: '],
    [['tracks'], 'FORMAT and PATH are needed\n\nUsage: '],
    [['trakcs', 'x'], 'there is no format trakcs; did you mean tracks?\n\nUsage: '],
    [['tracks', 'x', 'y'], 'y is an unexpected argument\n\nUsage: '],
    [['tracks', 'x', '--skipbad'], "Unknown option '--skipbad'"],
    [['tracks', 'x', '--database-url', 'mysql://x'], '--database-url '],
    [['spotify', 'x'], 'spotify needs --listener ID: the listener whose history it is\n\nUsage: '],
    [['tracks', 'x', '--listener', 'ann'], '--listener does not apply to tracks\n\nUsage: '],
    [['sequences', 'x', '--map', 'a=b'], '--map does not apply to sequences\n\nUsage: '],
    [['tracks', 'x', '--map', 'title'], '--map title does not have the form theirs=ours\n\nUsage: '],
    [
      ['tracks', 'x', '--map', 'name=titel'],
      '--map name=titel: tracks has no column titel; did you mean title?\n\nUsage: ',
    ],
    [['tracks', 'x', '--map', 'a=title', '--map', 'a=artist'], '--map names a twice\n\nUsage: '],
  ];
  for (const [args, start] of cases) {
    const { code, output, errors } = await startImport(args, nowhere).exited;
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(errors.slice(0, start.length)).toBe(start);
  }
});

test('--help describes all formats, FORMAT --help one, and the manual covers everything they mention', async () => {
  const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const helpOf = async (...args: string[]) => {
    const { code, output, errors } = await startImport([...args, '--help'], nowhere).exited;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    return output;
  };
  const manual = await readFile(new URL('../../docs/import.md', import.meta.url), 'utf8');
  const named = (await helpOf()).match(/--[a-z][a-z-]+|^ {2}[\w-]+(?= PATH)/gm)?.map((word) => word.trim()) ?? [];
  expect(named).toEqual(expect.arrayContaining([...importFormats, '--listener', '--map', '--skip-bad']));
  for (const word of named.filter((word) => word !== '--help')) expect(manual).toContain(`\`${word}\``);
  for (const format of importFormats) expect(await helpOf(format)).toContain(`npm run import -- ${format} PATH`);
});

/** Holds the turn that an import takes before it merges, so that it stops in its middle. */
async function holdMerges(database: Database): Promise<() => Promise<void>> {
  const holder = connect(database.url, { connections: 1 });
  onTestFinished(() => holder[Symbol.asyncDispose]());
  await holder.sql`select pg_advisory_lock(hashtext('cadenza:merge-tracks'))`;
  return async () => {
    await holder[Symbol.asyncDispose]();
  };
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '[IMP1] %s during an import leaves nothing, with status 130',
  async (signal) => {
    const database = theDatabase();
    await holdMerges(database);
    const child = startImport(['tracks', await fileWith(TRACKS)], { DATABASE_URL: database.url });
    await child.said('merging tracks …');
    child.process.kill(signal);
    // As a terminal and npm do between them.
    child.process.kill(signal);
    expect(await child.exited).toMatchObject({ code: 130, errors: 'interrupted: nothing was imported\n' });
    expect(await rowsIn(database)).toBe(0);
  },
);

test('[IMP1] kill -9 during an import leaves nothing, and the next import works', async () => {
  const database = theDatabase();
  const release = await holdMerges(database);
  const file = await fileWith(TRACKS);
  const child = startImport(['tracks', file], { DATABASE_URL: database.url });
  await child.said('merging tracks …');
  child.process.kill('SIGKILL');
  await child.exited;
  expect(await rowsIn(database)).toBe(0);
  await release();
  expect((await run('tracks', file)).output).toContain('tracks: 2 created');
});

test('[IMP7] it creates the database of a data folder without a server, and shuts it down cleanly', async () => {
  const folder = await temporaryFolder();
  const file = await fileWith(TRACKS);
  expect((await startImport(['tracks', file, '--data-dir', folder]).exited).output).toContain('tracks: 2 created');
  expect((await startImport(['tracks', file], { CADENZA_DATA_DIR: folder }).exited).output).toContain('2 unchanged');
  await expect(readFile(join(folder, 'postgres', 'data', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});

test('[IMP7] beside a running server on the same data folder: the server shows the data at once and keeps serving', async () => {
  const env = { DATABASE_URL: '', CADENZA_DATA_DIR: await dataFolder() };
  const server = await startServer(env);
  const importing = async (lines: readonly string[]) =>
    (await startImport(['tracks', await fileWith(lines)], { CADENZA_DATA_DIR: env.CADENZA_DATA_DIR }).exited).output;
  const titles = async () => {
    const query = '{ tracks(first: 10, orderBy: TITLE) { nodes { title } } }';
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const { data } = (await response.json()) as { data: { tracks: { nodes: { title: string }[] } } };
    return data.tracks.nodes.map(({ title }) => title);
  };
  expect(await titles()).toEqual([]);
  expect(await importing(TRACKS)).toContain('tracks: 2 created');
  expect(await titles()).toEqual(['One', 'Two']);
  expect(await importing(['externalId,title,artist', 't1,Uno,A'])).toContain('1 updated');
  await eventually(async () => expect(await titles()).toEqual(['Two', 'Uno']));
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test('[IMP1] [IMP7] a server that stops during an import ends it, and nothing is kept', async () => {
  const env = { DATABASE_URL: '', CADENZA_DATA_DIR: await dataFolder() };
  const server = await startServer(env);
  const data = join(env.CADENZA_DATA_DIR, 'postgres', 'data');
  const password = await readFile(join(data, 'cadenza.password'), 'utf8');
  const [, , , port] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
  await using database = connect(`postgres://cadenza:${password}@127.0.0.1:${port}/cadenza`);
  await holdMerges(database);
  const child = startImport(['tracks', await fileWith(TRACKS)], { CADENZA_DATA_DIR: env.CADENZA_DATA_DIR });
  await child.said('merging tracks …');
  expect(await server.stop()).toMatchObject({ code: 0 });
  const { code, errors } = await child.exited;
  expect(errors).toBe('The database is unavailable at the moment. Try again shortly.\n');
  expect(code).toBe(1);
  const again = await startImport(['tracks', await fileWith(TRACKS)], { CADENZA_DATA_DIR: env.CADENZA_DATA_DIR })
    .exited;
  expect(again.output).toContain('tracks: 2 created');
});
