import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { contentsOf, importContent, rowsIn, sharedDatabase, tracksOf } from '../support/catalogue/importing.ts';

const theDatabase = sharedDatabase();

const CSV = [
  'externalId,title,artist,album,releaseYear,durationMs,explicit,genres,tags',
  't1,So What,Miles Davis,Kind of Blue,1959,545000,false,Jazz,trumpet;modal;Cool',
  't2,"Hello, ""Goodbye""",The Beatles,,1967,,yes,Rock; Pop,',
  't3,"Two',
  'lines",the  beatles,,,,,,',
];
const COUNTS = { created: 3, updated: 0, unchanged: 0 };

const EXPECTED = [
  {
    ...{ key: 't1', title: 'So What', artist: 'Miles Davis', album: 'Kind of Blue', year: 1959, ms: 545_000 },
    ...{ explicit: false, genres: ['Jazz'], tags: ['cool 1', 'modal 1', 'trumpet 1'] },
  },
  {
    ...{ key: 't2', title: 'Hello, "Goodbye"', artist: 'The Beatles', album: null, year: 1967, ms: null },
    ...{ explicit: true, genres: ['Rock', 'Pop'], tags: [] },
  },
  {
    ...{ key: 't3', title: 'Two\nlines', artist: 'The Beatles', album: null, year: null, ms: null },
    ...{ explicit: false, genres: [], tags: [] },
  },
];

const JSONL = [
  {
    ...{ externalId: 't1', title: 'So What', artist: 'Miles Davis', album: 'Kind of Blue', releaseYear: 1959 },
    ...{ durationMs: 545_000, explicit: false, genres: ['Jazz'], tags: ['trumpet', 'modal', 'Cool'] },
  },
  {
    explicit: true,
    genres: 'Rock; Pop',
    externalId: 't2',
    title: 'Hello, "Goodbye"',
    artist: 'The Beatles',
    album: null,
  },
  { externalId: 't3', title: 'Two\nlines', artist: 'the  beatles', tags: [] },
].map((row) => JSON.stringify(row));

test('[IMP6] a catalogue is imported from CSV, with quoted values over several lines', async () => {
  const database = theDatabase();
  const { report, bad } = await importContent(database, 'tracks', CSV);
  expect(bad).toEqual([]);
  expect(report).toMatchObject({ rows: 3, bad: 0, tracks: COUNTS, newListeners: 0, notes: [] });
  expect(await tracksOf(database)).toEqual(EXPECTED);
});

test('[IMP6] a catalogue is imported from JSONL, with lists as arrays or as text', async () => {
  const database = theDatabase();
  const { report } = await importContent(database, 'tracks', JSONL);
  expect(report).toMatchObject({ rows: 3, tracks: COUNTS });
  const [first, second, third] = EXPECTED;
  expect(await tracksOf(database)).toEqual([first, { ...second, year: null }, third]);
});

test.each<[string, Buffer]>([
  ['gzip', gzipSync(CSV.join('\n'))],
  ['gzip in several members', Buffer.concat(CSV.map((line) => gzipSync(`${line}\n`)))],
  ['a byte order mark', Buffer.from(`\uFEFF${CSV.join('\n')}`)],
  ['CRLF', Buffer.from(CSV.join('\r\n'))],
  ['CRLF, a byte order mark, blank lines and gzip', gzipSync(`\uFEFF\r\n${CSV.join('\r\n')}\r\n  \r\n\r\n`)],
  ['columns in another order', Buffer.from(reordered(CSV))],
])('[IMP6] the same rows are read from %s', async (_, content) => {
  const database = theDatabase();
  expect(await importContent(database, 'tracks', content)).toMatchObject({ bad: [], error: null });
  expect(await tracksOf(database)).toEqual(EXPECTED);
});

/** The columns the other way round; the table is read by hand where it is simple, and written out where it is not. */
function reordered([header = '', ...[first = '']]: readonly string[]): string {
  const backwards = (line: string) => line.split(',').reverse().join(',');
  const rest = [',"Rock; Pop",yes,,1967,,The Beatles,"Hello, ""Goodbye""",t2', ',,,,,,the  beatles,"Two\nlines",t3'];
  return [backwards(header), backwards(first), ...rest].join('\n');
}

test('[IMP4] repeating the same catalogue rewrites no row, whatever its format', async () => {
  const database = theDatabase();
  await importContent(database, 'tracks', CSV);
  const before = await contentsOf(database);
  const { report } = await importContent(database, 'tracks', gzipSync(CSV.join('\r\n')));
  expect(report?.tracks).toEqual({ created: 0, updated: 0, unchanged: 3 });
  expect(await contentsOf(database)).toEqual(before);
});

test('[IMP4] a later catalogue changes and counts what differs, and removes nothing', async () => {
  const database = theDatabase();
  await importContent(database, 'tracks', CSV);
  const { report } = await importContent(database, 'tracks', [
    'externalId,title,artist,genres,tags',
    't1,So What (live),Miles Davis,Jazz;Modal Jazz,',
    't4,New,Miles Davis,,',
  ]);
  expect(report?.tracks).toEqual({ created: 1, updated: 1, unchanged: 0 });
  const [first, ...rest] = await tracksOf(database);
  expect(first).toMatchObject({ title: 'So What (live)', album: null, genres: ['Jazz', 'Modal Jazz'], tags: [] });
  expect(rest.map(({ key }) => key)).toEqual(['t2', 't3', 't4']);
});

const GOOD = 'good,Title,Artist,,,,,,';
const header = CSV[0] ?? '';
const row = (...values: string[]) => values.join(',');
const badRows: [string, string | Buffer, string][] = [
  ['a missing value', row('', 'T', 'A', '', '', '', '', '', ''), 'externalId is missing'],
  ['a value of spaces', row('x', '   ', 'A', '', '', '', '', '', ''), 'title is missing'],
  ['a value too many', row('x', 'T', 'A', '', '', '', '', '', '', ''), 'the row has 10 values, the header 9 columns'],
  ['a row that is cut off', 'x,T', 'the row has 2 values, the header 9 columns'],
  [
    'a word for a number',
    row('x', 'T', 'A', '', 'soon', '', '', '', ''),
    'releaseYear must be a whole number, not "soon"',
  ],
  ['half a millisecond', row('x', 'T', 'A', '', '', '1.5', '', '', ''), 'durationMs must be a whole number, not "1.5"'],
  [
    'a year out of range',
    row('x', 'T', 'A', '', '9999', '', '', '', ''),
    'releaseYear must be between 1000 and 2100, not 9999',
  ],
  ['no length', row('x', 'T', 'A', '', '', '0', '', '', ''), 'durationMs must be between 1 and 86400000, not 0'],
  ['perhaps', row('x', 'T', 'A', '', '', '', 'maybe', '', ''), 'explicit must be true or false, not "maybe"'],
  ['a genre of signs', row('x', 'T', 'A', '', '', '', '', '!!', ''), 'genres.0 has no letter or digit: "!!"'],
  [
    'an id too long',
    row('x'.repeat(201), 'T', 'A', '', '', '', '', '', ''),
    'externalId must have 1 to 200 characters',
  ],
  ['text after a quote', 'x,"T"itle,A,,,,,,', 'there is text after the closing quote: itle,A'],
  ['an id for the second time', 'good,Other,Artist,,,,,,', 'externalId "good" is that of line 2 already'],
  ['bytes of another encoding', Buffer.from('x,Caf\xe9,A,,,,,,', 'latin1'), 'byte 6 of the line (0xe9) is not UTF-8'],
  ['a NUL', 'x,T\0,A,,,,,,', 'title must not contain the character U+0000'],
  ['a line that never ends', `x,${'y'.repeat(1_500_000)},A,,,,,,`, 'the line is longer than 1,048,576 bytes'],
  ['as many bytes, not characters', `x,${'音'.repeat(400_000)},A,,,,,,`, 'the line is longer than 1,048,576 bytes'],
];

test.each(badRows)('[IMP2] [IMP3] %s is a bad row, reported with line and reason', async (_, bad, reason) => {
  const database = theDatabase();
  const content = Buffer.concat([
    Buffer.from(`${header}\n${GOOD}\n`),
    Buffer.from(bad as string),
    Buffer.from('\nalso-good,Title,Artist,,,,,,\n'),
  ]);
  const refused = await importContent(database, 'tracks', content);
  expect(refused.bad).toEqual([expect.stringContaining(`3: ${reason}`)]);
  expect(refused.error).toBe('1 row is bad of 3, so nothing was imported. --skip-bad imports the other rows');
  expect(await rowsIn(database)).toBe(0);
  const taken = await importContent(database, 'tracks', content, { skipBad: true });
  expect(taken.report).toMatchObject({ rows: 3, bad: 1, tracks: { created: 2, updated: 0, unchanged: 0 } });
  expect((await tracksOf(database)).map(({ key }) => key)).toEqual(['also-good', 'good']);
});

test('[IMP2] an unclosed quote affects only its own line, wherever the next quote is', async () => {
  const database = theDatabase();
  const lines = [
    'externalId,title,artist',
    'a,"Open,A',
    'b,Plain,B',
    'c,"Quoted",C',
    'd,"Open again,D',
    'e,Plain,E',
    'f,"Over\ntwo lines",F',
    'g,"Open to the end,G',
    'h,Last,H',
  ];
  const { report, bad } = await importContent(database, 'tracks', lines, { skipBad: true });
  expect(bad.sort()).toEqual([2, 5, 9].map((line) => `${line}: a quote that opens here is not closed`));
  expect(report?.rows).toBe(8);
  const tracks = await tracksOf(database);
  expect(tracks.map(({ key, title }) => `${key} ${title}`)).toEqual([
    'b Plain',
    'c Quoted',
    'e Plain',
    'f Over\ntwo lines',
    'h Last',
  ]);
});

test('[IMP5] a quoted value of more than a mebibyte is abandoned', async () => {
  const database = theDatabase();
  const filler = Array.from({ length: 30_000 }, (_, i) => `t${i},${'x'.repeat(40)},A`);
  const lines = ['externalId,title,artist', 'open,"Open,A', ...filler];
  const { bad, report } = await importContent(database, 'tracks', lines, { skipBad: true });
  expect(bad).toEqual(['2: a quote that opens here is not closed']);
  expect(report?.tracks.created).toBe(filler.length);
});

test('[IMP2] every bad row of a JSONL file is reported', async () => {
  const database = theDatabase();
  const lines = [
    '{"externalId":"a","title":"T","artist":"A"}',
    '{"externalId":"b","title":"T"}',
    '{"externalId":"c","title":7.5,"artist":"A"}',
    '{"externalId":"d","title":"T","artist":"A","releaseYaer":1999}',
    '[1,2]',
    '{"externalId":"e","title":"T","artist":"A"',
    '{"externalId":"f","title":"T","artist":"A","tags":[1]}',
    '{"externalId":"g","title":"T","artist":"A","explicit":"perhaps"}',
    '{"externalId":"h","title":"\\ud800","artist":"A"}',
    '{"externalId":42,"title":"T","artist":"A"}',
  ];
  const { bad, error } = await importContent(database, 'tracks', lines);
  expect(bad).toEqual([
    '2: artist is missing',
    '3: title must be text, not 7.5',
    '4: unknown column "releaseYaer"; did you mean "releaseYear"?',
    '5: this is not a JSON object',
    expect.stringMatching(/^6: this is not JSON: /),
    '7: tags must be a list of texts, not [1]',
    '8: explicit must be true or false, not "perhaps"',
    '9: title contains an unpaired surrogate',
  ]);
  expect(error).toBe('8 rows are bad of 10, so nothing was imported. --skip-bad imports the other rows');
  expect(await rowsIn(database)).toBe(0);
  const { report } = await importContent(database, 'tracks', lines, { skipBad: true });
  expect(report?.tracks.created).toBe(2);
  expect((await tracksOf(database)).map(({ key }) => key)).toEqual(['42', 'a']);
});

test.each<[string, string | Buffer, RegExp]>([
  ['an unknown column', 'externalId,title,artist,colour\n', /header: unknown column "colour"; known are externalId, /],
  ['a misspelt column', 'externalId,titel,artist\n', /header: unknown column "titel"; did you mean "title"\?/],
  ['columns that are missing', 'externalId,album\n', /header: column "title", "artist" is missing/],
  ['a column twice', 'externalId,title,artist,title\n', /header: column "title" occurs twice/],
  ['a quote that is open', 'externalId,"title,artist\na,b,c\n', /header: a quote that opens here is not closed/],
  ['no bytes', '', /is empty/],
  ['blank lines alone', '\n\n \n', /contains no rows/],
  ['nothing, zipped', gzipSync(''), /contains no rows/],
  [
    'UTF-16 without a byte order mark',
    Buffer.from('externalId,title', 'utf16le'),
    /looks like UTF-16LE without a .*iconv/,
  ],
  ['half of a UTF-16 character', Buffer.from('\uFEFFexternalId\n\nx\uD800y', 'utf16le'), /:3: not UTF-16LE.*surrogate/],
  [
    'UTF-16 that is cut off',
    Buffer.from('\uFEFFexternalId', 'utf16le').subarray(0, -1),
    /:1: .* ends within a character/,
  ],
  ['lines that end with CR alone', 'externalId,title,artist\rt1,So What,Miles Davis\r', /end with CR only/],
  ['gzip that is cut off', gzipSync(CSV.join('\n')).subarray(0, -20), /is truncated: the gzip data ends too early/],
  ['gzip that is damaged', damaged(gzipSync(CSV.join('\n'))), /is damaged: its gzip data is not valid/],
])('[IMP6] [IMP14] a file with %s is refused, --skip-bad or not', async (_, content, message) => {
  const database = theDatabase();
  for (const skipBad of [false, true]) {
    const { error } = await importContent(database, 'tracks', content, { skipBad });
    expect(error).toMatch(message);
  }
  expect(await rowsIn(database)).toBe(0);
});

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, 40, 60);
  return copy;
}

test('[IMP6] a header without rows is an empty catalogue', async () => {
  const database = theDatabase();
  const { report } = await importContent(database, 'tracks', 'externalId,title,artist');
  expect(report).toMatchObject({ rows: 0, tracks: { created: 0, updated: 0, unchanged: 0 } });
});
