import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import {
  contentsOf,
  feedbackIn,
  fileWith,
  importContent,
  importPath,
  rowsIn,
  sharedDatabase,
  tracksOf,
} from '../../support/catalogue/importing.ts';
import { type SpotifyExport, spotifyExport } from '../../support/catalogue/spotify-export.ts';
import { zipOf } from '../../support/catalogue/zip.ts';
import { temporaryFolder } from '../../support/folder.ts';

const theDatabase = sharedDatabase();
const ann = { listener: 'ann' };

const ROW = {
  ...{ ts: '2024-03-01T10:01:37Z', ms_played: 180_001, reason_end: 'trackdone', skipped: false, incognito_mode: false },
  ...{ master_metadata_track_name: 'So What', master_metadata_album_artist_name: 'Miles Davis' },
  ...{ master_metadata_album_album_name: 'Kind of Blue', spotify_track_uri: 'spotify:track:1', episode_name: null },
};
const ACCOUNT_ROW = { endTime: '2024-03-01 10:01', artistName: 'Miles Davis', trackName: 'So What', msPlayed: 180_001 };

const RECORDINGS = Array.from({ length: 40 }, (_, i) => ({ artist: `Artist ${i % 12}`, title: `Song ${i}` }));
const EXPORT = spotifyExport(RECORDINGS, 60);

/** What a report says of an export that came in whole. */
function expected({ rows, podcasts, videos, privateSessions, short, plays, recordings }: SpotifyExport) {
  const leftOut = [
    { rule: 'of podcasts, audiobooks or videos', rows: podcasts + videos },
    { rule: 'of private sessions', rows: privateSessions },
    { rule: 'shorter than 30 seconds', rows: short },
  ].sort((a, b) => b.rows - a.rows);
  const repeated = rows - plays - leftOut.reduce((sum, { rows: n }) => sum + n, 0);
  return {
    ...{ rows, bad: 0, leftOut, newListeners: 1, tracks: { created: recordings, updated: 0, unchanged: 0 } },
    feedback: { created: plays, updated: 0, unchanged: repeated },
    heard: { listener: 'ann', plays, tracks: recordings, artists: 12 },
  };
}

test('[IMP8] [IMP4] [IMP10] the zip as delivered is imported completely: overlaps once, one track per recording; a repetition changes nothing', async () => {
  const database = theDatabase();
  const zip = await fileWith(await zipOf(EXPORT.files), 'my_spotify_data.zip');
  const { report, bad } = await importPath(database, 'spotify', zip, ann);
  expect(bad).toEqual([]);
  expect(report).toMatchObject(expected(EXPORT));
  expect(report?.notes).toEqual([
    expect.stringMatching(/^1 other files contain no plays and were not read: .*\.pdf\.$/),
  ]);
  expect(await tracksOf(database)).toHaveLength(EXPORT.recordings);
  const before = await contentsOf(database);
  const again = await importPath(database, 'spotify', zip, ann);
  expect(again.report).toMatchObject({
    ...{ tracks: { created: 0, updated: 0 }, feedback: { created: 0, updated: 0 }, newListeners: 0 },
    heard: expected(EXPORT).heard,
  });
  expect(await contentsOf(database)).toEqual(before);
});

test('[IMP8] a folder, its files one by one, and its files at once give the same result', async () => {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(EXPORT.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const database = theDatabase();
  expect((await importPath(database, 'spotify', folder, ann)).report).toMatchObject(expected(EXPORT));
  const whole = await feedbackIn(database);
  await database.sql`truncate tracks, artists, listeners cascade`;
  const paths = Object.keys(EXPORT.files)
    .filter((path) => path.endsWith('.json'))
    .map((path) => join(folder, path));
  for (const path of paths) await importPath(database, 'spotify', path, ann);
  expect(await feedbackIn(database)).toEqual(whole);
  await database.sql`truncate tracks, artists, listeners cascade`;
  expect((await importPath(database, 'spotify', paths.reverse(), ann)).report).toMatchObject(expected(EXPORT));
  expect(await feedbackIn(database)).toEqual(whole);
});

test.each<[string, object, string | null]>([
  ['heard to the end', {}, 'COMPLETE'],
  ['heard, but not to the end', { reason_end: 'endplay' }, 'PLAY'],
  ['skipped after 30 seconds', { ms_played: 30_000, reason_end: 'fwdbtn', skipped: true }, 'PLAY'],
  ['skipped before', { ms_played: 29_999, reason_end: 'fwdbtn', skipped: true }, 'SKIP'],
  ['skipped, as old exports say it', { ms_played: 5_000, reason_end: 'clickrow', skipped: 1 }, 'SKIP'],
  ['left with the button, as older ones say it', { ms_played: 5_000, reason_end: 'fwdbtn', skipped: null }, 'SKIP'],
  ['short', { ms_played: 5_000, reason_end: 'logout', skipped: null }, null],
  ['not heard at all', { ms_played: 0, reason_end: 'trackerror' }, null],
  ['of a private session', { incognito_mode: true }, null],
  [
    'of a podcast',
    { master_metadata_track_name: null, episode_name: 'E', master_metadata_album_artist_name: null },
    null,
  ],
  ['of an audiobook', { master_metadata_track_name: null, audiobook_title: 'B' }, null],
  ['without a name', { master_metadata_track_name: null }, null],
  [
    'of a song named None by NA',
    { master_metadata_track_name: 'None', master_metadata_album_artist_name: 'NA' },
    'COMPLETE',
  ],
])('[IMP8] a row %s becomes what docs/import.md says, and is counted', async (_, change, kind) => {
  const { report } = await importContent(theDatabase(), 'spotify', JSON.stringify([{ ...ROW, ...change }]), ann);
  expect((await feedbackIn(theDatabase())).map((row) => row.kind)).toEqual(kind === null ? [] : [kind]);
  expect(report?.leftOut.reduce((sum, { rows }) => sum + rows, 0)).toBe(kind === null ? 1 : 0);
});

test('[IMP12] the account data is imported too; the same play in both exports is one, with the more precise time', async () => {
  const database = theDatabase();
  const files = [
    [ROW],
    [ACCOUNT_ROW, { ...ACCOUNT_ROW, trackName: 'Blue in Green' }, { ...ACCOUNT_ROW, msPlayed: 29_999 }],
  ];
  const [extended = '', account = ''] = await Promise.all(files.map((rows) => fileWith(JSON.stringify(rows))));
  const exact = { who: 'ann', kind: 'COMPLETE', ms: 180_001, at: '2024-03-01T10:01:37.000Z' };
  for (const paths of [[account], [extended], [account], [extended, account], [account, extended]]) {
    expect((await importPath(database, 'spotify', paths, ann)).error).toBeNull();
  }
  const rows = await feedbackIn(database);
  expect(rows).toHaveLength(2);
  expect(rows[1]).toMatchObject(exact);
  await database.sql`truncate tracks, artists, listeners cascade`;
  const { report } = await importPath(database, 'spotify', [extended, account], ann);
  expect(report).toMatchObject({ feedback: { created: 2, unchanged: 1 }, leftOut: [{ rows: 1 }] });
  expect((await feedbackIn(database))[1]).toMatchObject(exact);
});

test.each<[string, unknown, string]>([
  ['no time', { ...ROW, ts: null }, '1: ts is missing'],
  ['a time that is none', { ...ROW, ts: 'yesterday' }, '1: ts must be like'],
  ['a time to come', { ...ROW, ts: '2031-01-01T00:00:00Z' }, '1: ts (2031-01-01T00:00:00.000Z) is in the future'],
  ['no length', { ...ROW, ms_played: null }, '1: ms_played is missing'],
  ['a length below none', { ...ROW, ms_played: -1 }, '1: ms_played must be between 0 and 86400000, not -1'],
  [
    'a name that is no text',
    { ...ROW, master_metadata_track_name: ['x'] },
    '1: master_metadata_track_name must be text',
  ],
  [
    'a NUL in the name',
    { ...ROW, master_metadata_track_name: 'a\0b' },
    '1: the title must not contain the character U+0000',
  ],
  [
    'half of a character',
    { ...ROW, master_metadata_album_artist_name: '\ud800' },
    '1: the artist contains an unpaired surrogate',
  ],
])('[IMP2] a row with %s is bad', async (_, row, reason) => {
  const { bad, error } = await importContent(theDatabase(), 'spotify', JSON.stringify([row]), ann);
  expect(bad).toEqual([expect.stringContaining(reason)]);
  expect(error).toMatch(/^1 row is bad of 1, so nothing was imported/);
  expect(await rowsIn(theDatabase())).toBe(0);
});

test('[IMP10] tracks of the catalogue are matched by recording, whatever the edition, case and accents', async () => {
  const database = theDatabase();
  const catalogue = [
    'externalId,title,artist',
    'h,"Heroes - 2017 Remaster",David Bowie',
    'b,Jóga,Björk',
    'l,Creep (Live),Radiohead',
  ];
  await importContent(database, 'tracks', catalogue);
  const names = [
    ['HEROES', 'David Bowie'],
    ['Heroes (Remastered)', 'David Bowie'],
    ['Joga', 'Bjork'],
    ['Creep', 'Radiohead'],
  ];
  const rows = names.map(([title, artist], i) => ({
    ...{ ...ROW, ts: `2024-03-0${i + 1}T00:00:00Z` },
    ...{ master_metadata_track_name: title, master_metadata_album_artist_name: artist },
  }));
  const { report } = await importContent(database, 'spotify', JSON.stringify(rows), ann);
  expect(report?.tracks).toEqual({ created: 1, updated: 0, unchanged: 2 });
  const heard = (await feedbackIn(database)).map(({ track }) => track);
  expect(heard.slice(0, 3)).toEqual(['h', 'h', 'b']);
  expect(heard[3]).toMatch(/^song:[0-9a-f]{32}$/);
});

test('[IMP10] if the catalogue is imported later, the next import moves the plays to its tracks', async () => {
  const database = theDatabase();
  const content = JSON.stringify([ROW]);
  await importContent(database, 'spotify', content, ann);
  await importContent(database, 'tracks', ['externalId,title,artist', 'mine,So What,Miles Davis']);
  const { report } = await importContent(database, 'spotify', content, ann);
  expect(report?.feedback).toEqual({ created: 0, updated: 1, unchanged: 0 });
  expect((await feedbackIn(database)).map(({ track }) => track)).toEqual(['mine']);
});

test('[IMP1] an import of an export that is aborted at any point leaves nothing', async () => {
  const zip = await fileWith(await zipOf(EXPORT.files));
  for (const place of ['matching tracks', 'merging feedback', 'refreshing popularity']) {
    const controller = new AbortController();
    const onStep = (step: string) => {
      if (step === place) controller.abort(new Error('enough'));
    };
    const { error } = await importPath(theDatabase(), 'spotify', zip, { ...ann, onStep, signal: controller.signal });
    expect(error).toBe('enough');
    expect(await rowsIn(theDatabase())).toBe(0);
  }
});

test('[IMP6] [IMP14] an archive or folder without plays is named', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'Playlist1.json'), '{}');
  await writeFile(join(folder, 'Identity.json'), '{}');
  const zip = await fileWith(await zipOf({ 'a/Playlist1.json': '{}', 'a/Identity.json': '{}' }));
  for (const path of [folder, zip]) {
    const { error } = await importPath(theDatabase(), 'spotify', path, ann);
    expect(error).toBe(`${path} contains no file of a Spotify export with plays`);
  }
});
