import { expect, test } from 'vitest';
import { feedbackColumns } from '../../src/ingest/formats/rows.ts';
import { type ImportFormat, type ImportReport, runImport } from '../../src/ingest/ingest.ts';
import { Notices } from '../../src/ingest/notices.ts';
import { noRenames } from '../../src/ingest/reading/columns.ts';
import { readJsonArray } from '../../src/ingest/reading/json-array.ts';
import { readRecords } from '../../src/ingest/reading/records.ts';
import { InvalidInputError } from '../../src/lib/errors.ts';
import { randomStream } from '../../src/lib/random.ts';
import { below, mutate, pick } from '../fuzz/mutations.ts';
import {
  fileWith,
  fixedClock,
  importContent,
  rowsIn,
  sharedDatabase,
  tracksOf,
} from '../support/catalogue/importing.ts';
import { zipOf } from '../support/catalogue/zip.ts';

const theDatabase = sharedDatabase();
const naming = { renames: noRenames, notices: new Notices() };
/** Of each kind of file; more by hand. */
const CASES = Number(process.env.CASES ?? 15);
const SEED = Number(process.env.SEED ?? 1);

const csv = (separator: string) =>
  [
    ['externalId', 'title', 'artist', 'releaseYear', 'genres'].join(separator),
    ...Array.from({ length: 12 }, (_, i) =>
      [`t${i}`, `"Song, ""${i}"""`, 'Ärtist', 1950 + i, 'Rock|Pop'].join(separator),
    ),
  ].join('\n');
const objects = Array.from({ length: 12 }, (_, i) => ({
  externalId: `t${i}`,
  title: `Song "${i}"`,
  artist: 'Ärtist',
  tags: ['a'],
}));
const jsonl = objects.map((row) => JSON.stringify(row)).join('\n');
const arrayLines = `[\n${objects.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
const spotify = JSON.stringify(
  objects.map(({ title, artist }, i) => ({
    ...{ ts: `2024-03-01T10:${10 + i}:00Z`, ms_played: 40_000, incognito_mode: i === 3, episode_name: null },
    ...{ master_metadata_track_name: title, master_metadata_album_artist_name: artist, reason_end: 'trackdone' },
  })),
);
const listens = objects.map(({ title, artist }, i) =>
  JSON.stringify({ listened_at: 1_700_000_000 + 60 * i, track_metadata: { track_name: title, artist_name: artist } }),
);
const scrobbles = objects.map(({ artist }, i) => `${artist},,"Song ""${i}""",${10 + i} Mar 2024 10:11`).join('\n');

const KINDS: [string, ImportFormat, string | Buffer | Promise<Buffer>][] = [
  ['CSV', 'tracks', csv(',')],
  ['CSV in UTF-16', 'tracks', Buffer.from(`\uFEFF${csv('\t')}`, 'utf16le')],
  ['JSONL', 'tracks', jsonl],
  ['a JSON array', 'tracks', arrayLines],
  ['a zip', 'tracks', zipOf({ 'tracks.csv': csv(';') })],
  ['Spotify’s JSON', 'spotify', spotify],
  [
    'Spotify’s zip',
    'spotify',
    zipOf({ 'a/StreamingHistory0.json': spotify, 'a/endsong_1.json': spotify, 'a/x.txt': 'x' }),
  ],
  ['ListenBrainz’ JSONL', 'listenbrainz', listens.join('\n')],
  ['lastfm-to-csv', 'lastfm-csv', scrobbles],
  ['sequences', 'sequences', 'ann a b c\nbob a c d e\ncy z'],
];

const HOSTILE = [
  '\0',
  '"',
  '\n',
  '[',
  '{',
  '}',
  ']',
  ',',
  ';',
  '\r',
  '\\',
  '\ufeff',
  '\\ud800',
  '__proto__',
  '"a":1,"a":2,',
];

/** Damage, or something hostile at a random place. */
function damage(bytes: Buffer, random: () => number): { how: string; bytes: Buffer } {
  if (random() < 0.6) return mutate(bytes, bytes.length, random);
  const at = below(bytes.length, random);
  const what = pick(HOSTILE, random).repeat(random() < 0.2 ? 3_000 : 1);
  return {
    how: `${JSON.stringify(what.slice(0, 20))} at ${at}`,
    bytes: Buffer.concat([bytes.subarray(0, at), Buffer.from(what), bytes.subarray(at)]),
  };
}

/** Every row became something. */
function accountedFor(format: ImportFormat, { bad, leftOut, tracks, feedback }: ImportReport): number {
  const { created, updated, unchanged } = format === 'tracks' ? tracks : feedback;
  return created + updated + unchanged + bad + leftOut.reduce((sum, { rows }) => sum + rows, 0);
}

test.each(KINDS)(
  '[IMP2] [IMP6] %s, however damaged, is refused by file and line, or comes in with each row accounted for',
  async (kind, format, content) => {
    const database = theDatabase();
    const whole = Buffer.from(await content);
    const random = randomStream(SEED);
    for (let i = 0; i < CASES; i++) {
      const { how, bytes } = damage(whole, random);
      const path = await fileWith(bytes, 'damaged');
      const bad: string[] = [];
      const skipBad = i % 2 === 0;
      const options = {
        format,
        paths: [path],
        skipBad,
        clock: fixedClock,
        ...(format !== 'tracks' && format !== 'sequences' && { listener: 'ann' }),
      };
      const onBadRow = ({ file, line, reason }: { file: string; line: number; reason: string }) => {
        expect([file.startsWith('damaged'), line >= 1, reason.length > 0], how).toEqual([true, true, true]);
        bad.push(reason);
      };
      const result = await runImport(database, { ...options, onBadRow }).catch((error: unknown) => error);
      if (result instanceof Error) {
        expect(result, `${kind}, ${how}`).toBeInstanceOf(InvalidInputError);
        if (!/^\d+ rows? (is|are) bad/.test(result.message)) expect(result.message, how).toContain('damaged');
        else expect(bad.length).toBeGreaterThan(0);
        expect(await rowsIn(database)).toBe(0);
      } else if (format !== 'sequences') {
        const report = result as ImportReport;
        expect(accountedFor(format, report), `${kind}, ${how}`).toBe(report.rows);
      }
      await database.sql`truncate tracks, artists, genres, tags, listeners cascade`;
    }
  },
  300_000,
);

test.each<[string, string]>([
  ['CSV', csv(',')],
  ['JSONL', jsonl],
  ['a JSON array', arrayLines],
])(
  '[IMP2] of %s, damage within a line costs that line alone, or ends the import with its reason',
  async (kind, text) => {
    const lines = text.split('\n');
    const random = randomStream(SEED);
    let taken = 0;
    for (let i = 0; i < 2 * CASES; i++) {
      const at = 1 + below(lines.length - 2, random);
      // Not the last byte: without the comma after it an element of an array is one with the next.
      const line = Buffer.from(lines[at]!);
      for (let n = 1 + below(4, random); n > 0; n--)
        line[below(line.length - 1, random)] = pick([0x22, 0x5c, 0x7b, 0x5d, 0x00, 0x2c, 0xff, 0x41], random);
      const damaged = Buffer.concat([
        Buffer.from(`${lines.slice(0, at).join('\n')}\n`),
        line,
        Buffer.from(`\n${lines.slice(at + 1).join('\n')}`),
      ]);
      const { error, bad } = await importContent(theDatabase(), 'tracks', damaged, { skipBad: true });
      if (error === null) {
        taken++;
        const keys = new Set((await tracksOf(theDatabase())).map(({ key }) => key));
        const others = lines
          .filter((other, n) => n !== at && /t\d+/.test(other))
          .map((other) => /t\d+/.exec(other)?.[0] ?? '');
        expect(
          others.filter((key) => !keys.has(key)),
          `${kind}: ${line.toString()}; ${bad.join('; ')}`,
        ).toEqual([]);
      } else expect(error).toContain('file-');
      await theDatabase().sql`truncate tracks, artists, genres, tags cascade`;
    }
    expect(taken).toBeGreaterThan(CASES / 2);
  },
  300_000,
);

/** So many mebibytes of this character, of which one is in memory. */
async function* endless(
  start: string,
  character: string,
  mebibytes: number,
  pulled: { count: number },
): AsyncGenerator<Buffer, void> {
  yield Buffer.from(start);
  const chunk = Buffer.alloc(1024 * 1024, character);
  for (; pulled.count < mebibytes; pulled.count++) yield await Promise.resolve(chunk);
}

test('[IMP5] a line of a gigabyte is one bad row, and the next one is imported', async () => {
  const pulled = { count: 0 };
  const chunks = (async function* (): AsyncGenerator<Buffer, void> {
    yield* endless('listener,track,kind\n', 'x', 1024, pulled);
    yield Buffer.from('\nann,t,PLAY\n');
  })();
  const records = [];
  for await (const batch of readRecords(chunks, feedbackColumns, 'file', naming)) records.push(...batch);
  expect(records).toEqual([
    { line: 2, problem: 'the line is longer than 1,048,576 bytes' },
    { line: 3, fields: { listener: 'ann', track: 't', kind: 'PLAY' } },
  ]);
});

test.each<[string, string, string, RegExp]>([
  ['an element', '[\n{"a":"', 'x', /^file:2: the element is longer than 1,048,576 bytes/],
  ['a number', '[', '9', /^file:1: the element is longer than/],
  ['brackets', '[\n', '[', /^file:2: the element is longer than/],
])('[IMP5] %s without an end is abandoned after a mebibyte', async (_, start, character, message) => {
  const pulled = { count: 0 };
  const reading = async () => {
    for await (const elements of readJsonArray(endless(start, character, 1024, pulled), 'file'))
      expect(elements).toEqual([]);
  };
  await expect(reading()).rejects.toThrow(message);
  expect(pulled.count).toBeLessThan(4);
});

test('[IMP5] a gigabyte of blanks is refused', async () => {
  const pulled = { count: 0 };
  const reading = async () => {
    for await (const batch of readRecords(endless('', ' ', 1024, pulled), feedbackColumns, 'file', naming))
      expect(batch).toEqual([]);
  };
  await expect(reading()).rejects.toThrow('file is not text: it begins with 1,048,576 blank characters');
  expect(pulled.count).toBeLessThan(4);
});

const deep = (open: string, close: string, levels = 100_000) => open.repeat(levels) + close.repeat(levels);
const track = (more: string) => `{"externalId":"a","title":"T","artist":"A"${more}}`;

test.each<[string, string, string[]]>([
  ['lists nested deep', track(`,"tags":${deep('[', ']')}`), ['1: this is nested more than 32 levels deep']],
  [
    'objects nested deep',
    track(`,"tags":${deep('{"a":', '}').replace('}', '1}')}`),
    ['1: this is nested more than 32 levels deep'],
  ],
  [
    'lists nested deep in an array',
    `[${track(`,"tags":${deep('[', ']')}`)}]`,
    ['1: this is nested more than 32 levels deep'],
  ],
  ['nothing but brackets', deep('[', ']', 1_000), ['1: this is not a JSON object']],
  [
    'a key __proto__',
    track(',"__proto__":{"album":"x"}'),
    [expect.stringMatching(/^1: unknown column "__proto__"/) as string],
  ],
  [
    'a key constructor',
    track(',"constructor":1'),
    [expect.stringMatching(/^1: unknown column "constructor"/) as string],
  ],
  ['half of a character', track(',"album":"\\ud800"'), ['1: album.title contains an unpaired surrogate']],
  ['a NUL', track(',"album":"a\\u0000b"'), ['1: album.title must not contain the character U+0000']],
  ['a raw NUL', track(',"album":"a\0b"'), [expect.stringMatching(/^1: this is not JSON/) as string]],
  ['a number too great', track(',"releaseYear":1e999'), ['1: releaseYear must be a whole number, not null']],
  [
    'a year too great',
    track(',"releaseYear":9007199254740991'),
    [expect.stringMatching(/^1: releaseYear must be between/) as string],
  ],
])('[IMP2] %s is a bad row', async (_, content, bad) => {
  const imported = await importContent(theDatabase(), 'tracks', content);
  expect(imported.bad).toEqual(bad);
  expect(await rowsIn(theDatabase())).toBe(0);
  expect(({} as Record<string, unknown>).album).toBeUndefined();
});

test('[IMP6] of a key that occurs twice the last one counts', async () => {
  await importContent(theDatabase(), 'tracks', track(',"title":"Last"'));
  expect(await tracksOf(theDatabase())).toMatchObject([{ title: 'Last' }]);
});

test('[IMP8] unknown keys of an export, including __proto__, are ignored', async () => {
  const row = `[${listens[0]!.replace('{', '{"__proto__":{"listened_at":1},"constructor":2,')}]`;
  const { report } = await importContent(theDatabase(), 'listenbrainz', row, { listener: 'ann' });
  expect(report?.heard).toMatchObject({ plays: 1 });
});

/** The directory names the first file many times over, as archives do that unfold to petabytes. */
function overlapping(zip: Buffer, times: number): Buffer {
  const [directory, end] = ['PK\x01\x02', 'PK\x05\x06'].map((magic) => zip.lastIndexOf(magic, undefined, 'latin1')) as [
    number,
    number,
  ];
  const entry = zip.subarray(directory, end);
  const tail = Buffer.from(zip.subarray(end));
  tail.writeUInt16LE(times, 8);
  tail.writeUInt16LE(times, 10);
  tail.writeUInt32LE(entry.length * times, 12);
  return Buffer.concat([zip.subarray(0, directory), ...Array.from({ length: times }, () => entry), tail]);
}

test('[IMP5] archives that expand too much are refused before they are expanded', async () => {
  const zeros = await zipOf({ 'a.json': Buffer.alloc(100 * 1024 * 1024) });
  const part = await zipOf({ 'endsong_0.json': Buffer.alloc(10 * 1024 * 1024) });
  for (const zip of [zeros, overlapping(part, 60)]) {
    const { error } = await importContent(theDatabase(), 'spotify', zip, { listener: 'ann' });
    expect(error).toMatch(/would unfold to more than 250 times its size; unzip it first if it is to be trusted$/);
  }
  const many = overlapping(await zipOf({ 'endsong_0.json': '[]' }), 10_001);
  const { error } = await importContent(theDatabase(), 'spotify', many, { listener: 'ann' });
  expect(error).toMatch(/holds more than 10,000 files$/);
});

test('[IMP6] archives with false sizes, or with paths outside the archive, are refused', async () => {
  const zip = await zipOf({ 'endsong_0.json': spotify });
  const lying = Buffer.from(zip);
  lying.writeUInt32LE(spotify.length - 10, zip.indexOf('PK\x01\x02', 0, 'latin1') + 24);
  const outside = Buffer.from(zip.toString('latin1').replaceAll('endsong_0.json', '../song_0.json'), 'latin1');
  for (const [content, message] of [
    [lying, /is damaged or truncated: too many bytes/],
    [outside, /invalid relative path/],
  ] as const) {
    const { error } = await importContent(theDatabase(), 'spotify', content, { listener: 'ann' });
    expect(error).toMatch(message);
    expect(await rowsIn(theDatabase())).toBe(0);
  }
});
