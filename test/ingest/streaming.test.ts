import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { expect, test } from 'vitest';
import { feedbackColumns } from '../../src/ingest/formats/rows.ts';
import { Notices } from '../../src/ingest/notices.ts';
import { noRenames } from '../../src/ingest/reading/columns.ts';
import { readJsonArray } from '../../src/ingest/reading/json-array.ts';
import type { Line } from '../../src/ingest/reading/lines.ts';
import { readObjects } from '../../src/ingest/reading/objects.ts';
import { readRecords, type SourceRecord } from '../../src/ingest/reading/records.ts';
import { randomStream } from '../../src/lib/random.ts';
import { startImport } from '../support/catalogue/import-process.ts';
import { importContent, sharedDatabase } from '../support/catalogue/importing.ts';
import { temporaryFolder } from '../support/folder.ts';

const theDatabase = sharedDatabase();
const naming = { renames: noRenames, notices: new Notices() };

async function* cut(bytes: Buffer, size: () => number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length;) {
    const next = at + size();
    yield bytes.subarray(at, next);
    at = next;
    await Promise.resolve();
  }
}

async function recordsOf(chunks: AsyncGenerator<Buffer, void>): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  for await (const batch of readRecords(chunks, feedbackColumns, 'file', naming)) records.push(...batch);
  return records;
}

test('[IMP5] the same records are read however a file is divided into chunks', async () => {
  const rows = [
    'listener,track,kind',
    'ann,t1,PLAY',
    '"Zoë ""音""","a\r\nb\n\nc",LIKE',
    '',
    'open,"t,PLAY',
    '音,t2,SKIP',
  ];
  const bytes = Buffer.concat([
    Buffer.from(`\uFEFF${rows.join('\r\n')}\r\n`),
    Buffer.from([0x61, 0xff, 0x2c, 0x0a]),
    Buffer.from('"last",t,PLAY'),
  ]);
  const whole = await recordsOf(cut(bytes, () => bytes.length));
  expect(whole.map((record) => ('problem' in record ? `${record.line} bad` : `${record.line}`)).sort()).toEqual([
    ...['10 bad', '11', '2', '3', '8 bad', '9'],
  ]);
  for (const size of [1, 2, 3, 7, 64]) expect(await recordsOf(cut(bytes, () => size))).toEqual(whole);
  const random = randomStream(7);
  for (let i = 0; i < 50; i++) {
    expect(await recordsOf(cut(bytes, () => 1 + Math.floor(40 * random())))).toEqual(whole);
  }
});

test('[IMP5] the same elements are read however a JSON array is divided into chunks', async () => {
  const text = '\uFEFF [ {"a":"[{\\\\\\""},\n{"é音":[1,{"b":{}}]}, 7,\n,{"open":"x\n,{"c":"]"}\n] \n';
  const elementsOf = async (size: () => number) => {
    const elements: Line[] = [];
    for await (const batch of readJsonArray(cut(Buffer.from(text), size), 'file')) elements.push(...batch);
    return elements;
  };
  const whole = await elementsOf(() => 1_000);
  expect(
    whole.map((element) => ('text' in element ? `${element.line} ${element.text.trim()}` : `${element.line} bad`)),
  ).toEqual([...['1 {"a":"[{\\\\\\""}', '2 {"é音":[1,{"b":{}}]}', '2 7', '3 bad', '3 bad', '4 {"c":"]"}']]);
  for (const size of [1, 2, 3, 7]) expect(await elementsOf(() => size)).toEqual(whole);
  const random = randomStream(7);
  for (let i = 0; i < 50; i++) expect(await elementsOf(() => 1 + Math.floor(20 * random()))).toEqual(whole);
});

test('[IMP5] no chunk of a JSON array is read before the previous one’s objects are consumed', async () => {
  let read = 0;
  const endless = (async function* (): AsyncGenerator<Buffer, void> {
    yield Buffer.from('[{"ts":0}');
    for (;;) {
      read++;
      yield await Promise.resolve(Buffer.from(',{"ts":1}'.repeat(1_000)));
    }
  })();
  let taken = 0;
  for await (const { length } of readObjects(endless, 'file', { named: 'a test', marks: ['ts'] })) {
    taken += length;
    // The last element of a chunk ends in the next one.
    expect(read * 1_000 - taken).toBe(0);
    if (taken >= 300_000) break;
  }
});

test('[IMP5] no chunk is read before the previous one’s rows are consumed', async () => {
  let read = 0;
  const endless = (async function* (): AsyncGenerator<Buffer, void> {
    yield Buffer.from('listener,track,kind\n');
    for (;;) {
      read++;
      yield Buffer.from('ann,t1,PLAY\n'.repeat(1_000));
      await Promise.resolve();
    }
  })();
  let taken = 0;
  for await (const { length } of readRecords(endless, feedbackColumns, 'file', naming)) {
    taken += length;
    expect(read * 1_000 - taken).toBe(0);
    if (taken >= 500_000) break;
  }
});

/** Rows, without ever holding them all. */
function* feedbackLines(rows: number): Generator<string> {
  yield 'listener,track,kind,at,plays\n';
  for (let start = 0; start < rows; start += 1_000) {
    yield Array.from({ length: 1_000 }, (_, i) => {
      const n = start + i;
      const at = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
      return `a-listener-with-a-long-name-${n % 500},track-${n % 100},PLAY,${at},${1 + (n % 9)}\n`;
    }).join('');
  }
}

// A machine that is busy with other work takes minutes for so many rows.
test('[IMP5] a file several times as large as the available memory is imported completely, without a warning', async () => {
  const database = theDatabase();
  const tracks = Array.from({ length: 100 }, (_, i) => `track-${i},Title,Artist`);
  await importContent(database, 'tracks', ['externalId,title,artist', ...tracks]);
  const path = join(await temporaryFolder(), 'listening.csv.gz');
  const rows = 400_000;
  await pipeline(Readable.from(feedbackLines(rows)), createGzip({ level: 1 }), createWriteStream(path));
  // As objects these rows take hundreds of megabytes.
  const env = { DATABASE_URL: database.url, NODE_OPTIONS: '--max-old-space-size=64' };
  const { code, output, errors } = await startImport(['feedback', path], env).exited;
  expect(errors).toBe('');
  expect(code).toBe(0);
  expect(output).toContain('feedback: 400,000 created, 0 updated, 0 unchanged');
  const shares = output.match(/^\d+ %/gm)?.map((share) => Number.parseInt(share, 10)) ?? [];
  expect(shares.length).toBeGreaterThanOrEqual(5);
  expect(shares.length).toBeLessThanOrEqual(10);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(100);
}, 300_000);
