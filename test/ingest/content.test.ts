import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { ImportFormat } from '../../src/ingest/ingest.ts';
import {
  fileWith,
  importContent,
  importPath,
  sharedDatabase,
  type TrackRow,
  tracksOf,
} from '../support/catalogue/importing.ts';
import { zipOf } from '../support/catalogue/zip.ts';

const theDatabase = sharedDatabase();

const ROWS = [
  { externalId: 't1', title: 'So What', artist: 'Miles Davis', releaseYear: 1959 },
  { externalId: 't2', title: 'Hello, "Goodbye"; again', artist: 'The Beatles', releaseYear: 1967 },
  { externalId: 't3', title: 'Jóga', artist: 'Björk', releaseYear: 1997 },
];
const csvWith = (separator: string) =>
  [
    ['externalId', 'title', 'artist', 'releaseYear'].join(separator),
    ...ROWS.map((row) =>
      Object.values(row)
        .map((value) => `"${String(value).replaceAll('"', '""')}"`)
        .join(separator),
    ),
  ].join('\n');
const utf16be = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16();

test.each<[string, string | Buffer | Promise<Buffer>]>([
  ['CSV with commas', csvWith(',')],
  ['CSV with semicolons', csvWith(';')],
  ['CSV with tabs', csvWith('\t')],
  ['CSV with spaces around', csvWith(' , ')],
  ['a JSON array in one line', JSON.stringify(ROWS)],
  ['a JSON array over many lines', JSON.stringify(ROWS, null, 2)],
  ['a JSON array after blanks and a byte order mark', `\uFEFF\r\n \t${JSON.stringify(ROWS)}\n\n`],
  ['UTF-16LE', Buffer.from(`\uFEFF${csvWith('\t')}`, 'utf16le')],
  ['UTF-16BE', utf16be(csvWith(','))],
  ['a JSON array in UTF-16BE', utf16be(JSON.stringify(ROWS))],
  ['a JSON array, gzipped', gzipSync(JSON.stringify(ROWS))],
  ['a zip with one file', zipOf({ 'a folder/tracks.csv': csvWith(';') })],
  [
    'a zip with one file and what a Mac adds',
    zipOf({ 'tracks.csv': csvWith(','), '__MACOSX/._tracks.csv': 'x', '.DS_Store': 'y' }),
  ],
])('[IMP6] the same rows are read from %s', async (_, content) => {
  const { bad, error, report } = await importContent(theDatabase(), 'tracks', await content);
  expect({ bad, error, rows: report?.rows }).toEqual({ bad: [], error: null, rows: 3 });
  const shown = ({ key, title, artist, year }: TrackRow) => ({ externalId: key, title, artist, releaseYear: year });
  expect((await tracksOf(theDatabase())).map(shown)).toEqual(ROWS);
});

test('[IMP6] a separator within values does not change the header’s separator', async () => {
  const lines = ['externalId;title;artist', '"a,b,c,d,e";"T,\tU";A'];
  expect((await importContent(theDatabase(), 'tracks', lines)).error).toBeNull();
  expect(await tracksOf(theDatabase())).toMatchObject([{ key: 'a,b,c,d,e', title: 'T,\tU', artist: 'A' }]);
});

test('[IMP2] a bad element of a JSON array is reported with its line, and the others are imported', async () => {
  const text = `[\n{"externalId":"a","title":"A","artist":"X"},\n{"externalId":"b","title":"B}\n,{"externalId":"b2","title":"B","artist":"X"},\n7,\n[],\n, {"externalId":"c","title":"C","artist":"X"} {}\n,{"externalId":"d"\n,"title":"D",\n"artist":"X"}]`;
  const { bad, report } = await importContent(theDatabase(), 'tracks', text, { skipBad: true });
  expect(bad).toEqual([
    '3: a string on line 3 is not closed; everything up to the next object is skipped',
    '5: this is not a JSON object',
    '6: this is not a JSON object',
    '7: there is no element next to the comma',
    expect.stringMatching(/^7: this is not JSON: /),
  ]);
  expect(report).toMatchObject({ rows: 8, bad: 5, tracks: { created: 3 } });
  expect((await tracksOf(theDatabase())).map(({ key }) => key)).toEqual(['a', 'b2', 'd']);
});

const spotifyRow = '{"endTime":"2024-03-01 10:01","artistName":"A","trackName":"T","msPlayed":1000}';
test.each<[string, ImportFormat, string | Buffer | Promise<Buffer>, RegExp]>([
  [
    'an array that is cut off',
    'tracks',
    '[{"externalId":"a"},\n{"ext',
    /:2: the file is truncated here: its JSON array does not end$/,
  ],
  ['more after the array', 'tracks', '[]\n[]', /:2: there is data after the end of the JSON array/],
  [
    'a pretty-printed object',
    'tracks',
    '\n{\n  "externalId": "a"\n}',
    /:2: a JSON object spans several lines; use one/,
  ],
  [
    'Spotify’s rows',
    'feedback',
    `[${spotifyRow}]`,
    /This looks like a Spotify export: npm run import -- spotify PATH --listener ID/,
  ],
  ['Spotify’s rows', 'tracks', spotifyRow, /looks like a Spotify export/],
  ['ListenBrainz’ rows', 'tracks', '{"listened_at":1,"track_metadata":{}}', /import -- listenbrainz PATH --listener/],
  ['a Last.fm exporter’s header', 'feedback', 'uts,utc_time,artist,track\n', /import -- lastfm-csv PATH --listener/],
  ['a catalogue', 'feedback', 'externalId,title,artist\n', /looks like a catalogue: npm run import -- tracks PATH$/],
  ['a catalogue', 'spotify', 'externalId,title,artist\n', /is not a Spotify export.* import -- tracks PATH$/],
  ['a catalogue', 'listenbrainz', '[{"externalId":"a"}]', /:1 is not a ListenBrainz export.* import -- tracks PATH$/],
  ['a catalogue', 'lastfm-csv', 'externalId,title,artist\n', /is not a Last.fm export.* import -- tracks PATH$/],
  ['other columns', 'tracks', 'id,name\n', /unknown column "id"; known are .*; --map "id"=OURS renames it/],
  [
    'several files in a zip',
    'tracks',
    zipOf({ 'a.csv': 'x', 'b.csv': 'y' }),
    /holds 2 files \(a.csv, b.csv\); this format is read from one/,
  ],
  [
    'Spotify’s zip',
    'tracks',
    zipOf({ 'S/StreamingHistory0.json': '[]', 'S/Playlist1.json': '{}' }),
    /looks like a Spotify export/,
  ],
  ['no file in a zip', 'tracks', zipOf({}), /holds no file; /],
])('[IMP6] [IMP14] %s given to %s are named, with a remedy', async (_, format, content, message) => {
  for (const skipBad of [false, true]) {
    const { error } = await importContent(theDatabase(), format, await content, { skipBad, listener: 'ann' });
    expect(error).toMatch(message);
  }
  expect(await tracksOf(theDatabase())).toEqual([]);
});

test('[IMP6] [IMP14] Windows-1252 is reported with the line and a remedy', async () => {
  const content = Buffer.from('externalId,title,artist\na,Jóga,Björk\n', 'latin1');
  const { bad } = await importContent(theDatabase(), 'tracks', content);
  expect(bad).toEqual([expect.stringMatching(/^2: byte 4 .*0xf3.* iconv -f WINDOWS-1252 -t UTF-8/)]);
});

test('[IMP9] a column without a name, as pandas writes for its index, is ignored with a note', async () => {
  const { report, bad } = await importContent(theDatabase(), 'tracks', [
    ',externalId,title,artist',
    '0,t1,So What,Miles Davis',
  ]);
  expect(bad).toEqual([]);
  expect(await tracksOf(theDatabase())).toMatchObject([{ key: 't1', title: 'So What', artist: 'Miles Davis' }]);
  expect(report?.notes).toEqual(['A column without a name, as pandas writes for its index, was left out.']);
  expect((await importContent(theDatabase(), 'tracks', '{"":1,"externalId":"a"}')).bad).toHaveLength(1);
});

test('[IMP11] --map renames and ignores columns', async () => {
  const renames = new Map([
    ['id', 'externalId'],
    ['name', 'title'],
    ['popularity', null],
  ]);
  const csv = ['popularity,name,id,artist', '7,So What,t1,Miles Davis'];
  const rows = [{ id: 't1', name: 'So What', artist: 'Miles Davis', popularity: { a: 7 } }];
  for (const content of [csv, JSON.stringify(rows), JSON.stringify(rows[0])]) {
    expect((await importContent(theDatabase(), 'tracks', content, { renames })).error).toBeNull();
    expect(await tracksOf(theDatabase())).toMatchObject([{ key: 't1', title: 'So What', artist: 'Miles Davis' }]);
  }
});

test.each([
  ['a column that is not there', 'externalId,title,artist\n', /has no column "id", which --map names/],
  [
    'a column that is not there in JSON',
    '{"externalId":"a","title":"b","artist":"c"}',
    /has no column "id", which --map names/,
  ],
  ['two columns for one', 'id,externalId,title,artist\n', /column "externalId" occurs twice/],
])('[IMP11] --map with %s is refused', async (_, content, message) => {
  const renames = new Map([['id', 'externalId']]);
  expect((await importContent(theDatabase(), 'tracks', content, { renames })).error).toMatch(message);
});

test('[IMP6] [IMP14] encrypted, truncated and damaged zips are reported as such', async () => {
  const zip = await zipOf({ 'tracks.csv': csvWith(',') });
  const encrypted = Buffer.from(zip);
  // The flag of encryption, in the local header and in the directory.
  encrypted.writeUInt16LE(encrypted.readUInt16LE(6) | 1, 6);
  const directory = encrypted.indexOf('PK\x01\x02', 0, 'latin1');
  encrypted.writeUInt16LE(encrypted.readUInt16LE(directory + 8) | 1, directory + 8);
  const wrongSum = Buffer.from(zip);
  wrongSum.writeUInt32LE(1, directory + 16);
  const damaged = Buffer.from(zip).fill(0xff, 45, 60);
  const cases: [Buffer, RegExp][] = [
    [encrypted, /is encrypted; unzip it with its password first/],
    [wrongSum, /is damaged or truncated: its checksum differs/],
    [damaged, /is damaged or truncated: /],
    [zip.subarray(0, -8), /is damaged or truncated: /],
  ];
  for (const [content, message] of cases) {
    const { error } = await importPath(theDatabase(), 'tracks', await fileWith(content, 'x.zip'));
    expect(error).toMatch(message);
  }
});
