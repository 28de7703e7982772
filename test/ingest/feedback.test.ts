import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import { contentsOf, feedbackIn, importContent, rowsIn, sharedDatabase } from '../support/catalogue/importing.ts';

const theDatabase = sharedDatabase();
beforeEach(async () => {
  await importContent(theDatabase(), 'tracks', ['externalId,title,artist', 't1,One,A', 't2,Two,B']);
});

const NOON = '2026-06-15T12:00:00.000Z';
const CSV = [
  'listener,track,kind,at,plays,listenedMs,key',
  'ann,t1,PLAY,2026-01-02T03:04:05Z,3,,',
  'ann,t2, like ,2026-01-02T03:04:05.678+01:00,,,',
  '"Bob, the one",t1,COMPLETE,2026-01-03,,180000,row-1',
];
const EXPECTED = [
  { who: 'Bob, the one', track: 't1', kind: 'COMPLETE', plays: 1, ms: 180_000, at: '2026-01-03T00:00:00.000Z' },
  { who: 'ann', track: 't2', kind: 'LIKE', plays: 1, ms: null, at: '2026-01-02T02:04:05.678Z' },
  { who: 'ann', track: 't1', kind: 'PLAY', plays: 3, ms: null, at: '2026-01-02T03:04:05.000Z' },
];
const JSONL = [
  { listener: 'ann', track: 't1', kind: 'PLAY', at: '2026-01-02T03:04:05Z', plays: 3 },
  { listener: 'ann', track: 't2', kind: 'LIKE', at: '2026-01-02 02:04:05.678Z', key: null },
  { listener: 'Bob, the one', track: 't1', kind: 'COMPLETE', at: '2026-01-03', listenedMs: 180_000, key: 'row-1' },
].map((row) => JSON.stringify(row));

test.each<[string, string | Buffer]>([
  ['CSV', CSV.join('\n')],
  ['JSONL', JSONL.join('\n')],
  ['zipped CSV with CRLF and a byte order mark', gzipSync(`\uFEFF${CSV.join('\r\n')}\r\n`)],
  ['zipped JSONL with CRLF and a byte order mark', gzipSync(`\uFEFF${JSONL.join('\r\n')}\r\n`)],
])('[IMP6] feedback is imported from %s, and new listeners are created', async (_, content) => {
  const database = theDatabase();
  const { report, bad } = await importContent(database, 'feedback', content);
  expect(bad).toEqual([]);
  const feedback = { created: 3, updated: 0, unchanged: 0 };
  expect(report).toMatchObject({ rows: 3, bad: 0, feedback, newListeners: 2, notes: [] });
  expect(await feedbackIn(database)).toEqual(EXPECTED);
});

test('[IMP4] repeating the same feedback rewrites no row', async () => {
  const database = theDatabase();
  await importContent(database, 'feedback', CSV);
  const before = await contentsOf(database);
  const { report } = await importContent(database, 'feedback', JSONL);
  expect(report).toMatchObject({ feedback: { created: 0, updated: 0, unchanged: 3 }, newListeners: 0 });
  expect(await contentsOf(database)).toEqual(before);
});

test('[IMP4] [IMP13] a key identifies its row: a later import changes it, and of two in one file the last counts', async () => {
  const database = theDatabase();
  await importContent(database, 'feedback', CSV);
  const header = 'listener,track,kind,at,key';
  const again = [
    header,
    '"Bob, the one",t2,SKIP,2026-01-05T00:00:00Z,row-1',
    '"Bob, the one",t2,HIDE,2026-01-06T00:00:00Z,row-1',
  ];
  const { report } = await importContent(database, 'feedback', again);
  expect(report?.feedback).toEqual({ created: 0, updated: 1, unchanged: 1 });
  expect((await feedbackIn(database))[0]).toEqual({
    ...{ who: 'Bob, the one', track: 't2', kind: 'HIDE', plays: 1, ms: null, at: '2026-01-06T00:00:00.000Z' },
  });
  await importContent(database, 'feedback', [header, 'ann,t2,SKIP,2026-01-05T00:00:00Z,row-1']);
  expect(await feedbackIn(database)).toHaveLength(4);
});

test('[IMP4] [IMP13] rows without a time get that of their first import, and are distinguished by counting', async () => {
  const database = theDatabase();
  const lines = ['listener,track,kind,plays', 'ann,t1,PLAY,1', 'ann,t1,PLAY,2', 'ann,t1,LIKE,1'];
  const { report } = await importContent(database, 'feedback', lines);
  expect(report?.feedback.created).toBe(3);
  expect(report?.notes).toEqual([
    '3 rows came without a time: they got the time of the import, or keep that of an earlier one.',
  ]);
  const nextDay = { now: () => Date.parse('2026-06-16T12:00:00Z'), monotonic: () => 0 };
  const grown = [...lines.slice(0, 2), 'ann,t1,PLAY,5', ...lines.slice(3), 'ann,t1,PLAY,7'];
  const later = await importContent(database, 'feedback', grown, { clock: nextDay });
  expect(later.report?.feedback).toEqual({ created: 1, updated: 1, unchanged: 2 });
  const plays = (await feedbackIn(database)).filter(({ kind }) => kind === 'PLAY');
  expect(plays.map(({ plays, at }) => [plays, at])).toEqual([
    [1, NOON],
    [5, NOON],
    [7, '2026-06-16T12:00:00.000Z'],
  ]);
});

const badRows: [string, string, string][] = [
  ['no listener', ',t1,PLAY,,,,', 'listener is missing'],
  ['a listener too long', `${'x'.repeat(129)},t1,PLAY,,,,`, 'listener must have 1 to 128 characters, not 129'],
  ['no track', 'ann,,PLAY,,,,', 'track is missing'],
  ['a track that is not there', 'ann,t9,PLAY,,,,', 'track "t9" is not in the catalogue; import the tracks first'],
  ['no kind', 'ann,t1,,,,,', 'kind is missing'],
  ['a misspelt kind', 'ann,t1,PLAI,,,,', 'kind must not be "PLAI"; did you mean PLAY?'],
  ['an unknown kind', 'ann,t1,APPLAUSE,,,,', 'kind must not be "APPLAUSE"; it is one of PLAY, COMPLETE, LIKE,'],
  [
    'a day that is not',
    'ann,t1,PLAY,2026-02-30,,,',
    'at must be like 2026-11-23T14:00:00Z, or seconds or milliseconds',
  ],
  ['an hour that is not', 'ann,t1,PLAY,2026-02-28T25:00:00Z,,,', 'at must be like 2026-11-23T14:00:00Z, or seconds'],
  ['a month that may be a day', 'ann,t1,PLAY,03/04/2026,,,', 'at must be like 2026-11-23T14:00:00Z, or seconds or'],
  [
    'microseconds',
    'ann,t1,PLAY,1767323045000000,,,',
    'at must be like 2026-11-23T14:00:00Z, or seconds or milliseconds',
  ],
  ['the future', 'ann,t1,PLAY,2026-06-15T12:06:00Z,,,', 'at (2026-06-15T12:06:00.000Z) is in the future'],
  ['before 1970', 'ann,t1,PLAY,1969-12-31,,,', 'at (1969-12-31T00:00:00.000Z) is before 1970'],
  ['no plays', 'ann,t1,PLAY,,0,,', 'plays must be between 1 and 2147483647, not 0'],
  ['too many plays', 'ann,t1,PLAY,,2147483648,,', 'plays must be between 1 and 2147483647, not 2147483648'],
  ['plays in words', 'ann,t1,PLAY,,many,,', 'plays must be a whole number, not "many"'],
  ['a day and more', 'ann,t1,PLAY,,,86400001,', 'listenedMs must be between 0 and 86400000, not 86400001'],
  ['a key too long', `ann,t1,PLAY,,,,${'k'.repeat(201)}`, 'key must have 1 to 200 characters, not 201'],
  ['a row that is cut off', 'ann,t1', 'the row has 2 values, the header 7 columns'],
];

test.each(badRows)('[IMP2] [IMP3] %s is a bad row, reported with line and reason', async (_, line, reason) => {
  const database = theDatabase();
  const before = await rowsIn(database);
  const content = [...CSV, line];
  const refused = await importContent(database, 'feedback', content);
  expect(refused.bad).toEqual([expect.stringContaining(`5: ${reason}`)]);
  expect(refused.error).toBe('1 row is bad of 4, so nothing was imported. --skip-bad imports the other rows');
  expect(await rowsIn(database)).toBe(before);
  const taken = await importContent(database, 'feedback', content, { skipBad: true });
  expect(taken.report).toMatchObject({ rows: 4, bad: 1, feedback: { created: 3 }, newListeners: 2 });
  expect(await feedbackIn(database)).toEqual(EXPECTED);
});

test('[IMP2] all bad rows are reported, in a file with thousands of them too', async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `ann,${i % 4 === 0 ? 'nowhere' : 't1'},PLAY,${i % 4 === 1 ? '0' : '1'}`,
  );
  const { bad, error } = await importContent(theDatabase(), 'feedback', ['listener,track,kind,plays', ...lines]);
  expect(error).toBe('10000 rows are bad of 20000, so nothing was imported. --skip-bad imports the other rows');
  const told = bad.map((text) => Number.parseInt(text, 10)).sort((a, b) => a - b);
  expect(told).toEqual(lines.flatMap((_, i) => (i % 4 < 2 ? [i + 2] : [])));
  expect(new Set(bad.map((text) => text.replace(/^\d+: /, '')))).toEqual(
    new Set([
      'track "nowhere" is not in the catalogue; import the tracks first',
      'plays must be between 1 and 2147483647, not 0',
    ]),
  );
});

test('[CAT3] popularity is up to date after an import', async () => {
  const database = theDatabase();
  const lines = [
    'listener,track,kind,at',
    'ann,t1,PLAY,2026-06-10',
    'bob,t1,PLAY,2026-06-10',
    'bob,t2,PLAY,2026-01-10',
  ];
  await importContent(database, 'feedback', lines);
  const rows = await database.sql`select external_id as key, popularity from tracks order by 1`;
  expect([...rows]).toEqual([
    { key: 't1', popularity: 0.75 },
    { key: 't2', popularity: 0 },
  ]);
});

test('[CAT1] a track is found by its id however its accents are composed, in the catalogue and in feedback', async () => {
  const database = theDatabase();
  const [apart, together] = ['id-e\u0301', 'id-\u00e9'];
  for (const [attempt, stored, asked] of [
    ['one', apart, together],
    ['two', together, apart],
  ] as const) {
    const tracks = await importContent(database, 'tracks', ['externalId,title,artist', `${stored},Halo,Beyonce\u0301`]);
    expect(tracks.bad).toEqual([]);
    const { report, bad } = await importContent(database, 'feedback', [
      'listener,track,kind,key',
      `ann,${asked},PLAY,${attempt}`,
    ]);
    expect(bad).toEqual([]);
    expect(report).toMatchObject({ feedback: { created: 1 } });
  }
  const [row] = await database.sql<{ n: number }[]>`select count(*)::int as n from tracks where title = 'Halo'`;
  expect(row?.n).toBe(1);
});
