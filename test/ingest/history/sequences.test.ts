import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  contentsOf,
  feedbackIn,
  importContent,
  NOW,
  rowsIn,
  sharedDatabase,
  tracksOf,
} from '../../support/catalogue/importing.ts';

const theDatabase = sharedDatabase();
const DATA = '1 10 20 10\n\n2\t30  10\r\n';

async function heardBy(listener: string): Promise<string[]> {
  return (await feedbackIn(theDatabase())).filter(({ who }) => who === listener).map(({ track }) => track);
}

test.each<[string, string | Buffer]>([
  ['plain', DATA],
  ['zipped, with a byte order mark', gzipSync(`\uFEFF${DATA}`)],
])(
  '[IMP6] sequences are imported %s: items in order, a millisecond apart, up to the import’s time',
  async (_, content) => {
    const database = theDatabase();
    await importContent(database, 'tracks', ['externalId,title,artist', '10,Known,Someone']);
    const { report } = await importContent(database, 'sequences', content);
    expect(report).toMatchObject({
      ...{ rows: 2, bad: 0, newListeners: 2 },
      ...{ tracks: { created: 2, updated: 0, unchanged: 1 }, feedback: { created: 5, updated: 0, unchanged: 0 } },
      notes: [
        expect.stringContaining('no times'),
        '2 items were not in the catalogue and became tracks named "Track ID".',
      ],
    });
    expect((await tracksOf(database)).map(({ title, artist }) => `${title} by ${artist}`)).toEqual([
      'Known by Someone',
      'Track 20 by Unknown artist',
      'Track 30 by Unknown artist',
    ]);
    const heard = await feedbackIn(database);
    expect(heard.map(({ who, track, kind, at }) => [who, track, kind, Date.parse(at) - NOW])).toEqual([
      ['1', '10', 'PLAY', -2],
      ['1', '20', 'PLAY', -1],
      ['1', '10', 'PLAY', 0],
      ['2', '30', 'PLAY', -1],
      ['2', '10', 'PLAY', 0],
    ]);
  },
);

test('[IMP4] repeating the same sequences rewrites no row; one that has grown continues after its existing items', async () => {
  const database = theDatabase();
  await importContent(database, 'sequences', DATA);
  const before = await contentsOf(database);
  const nextDay = { now: () => NOW + 86_400_000, monotonic: () => 0 };
  const again = await importContent(database, 'sequences', DATA);
  expect(again.report).toMatchObject({ tracks: { created: 0, unchanged: 3 }, feedback: { created: 0, unchanged: 5 } });
  expect(await contentsOf(database)).toEqual(before);
  const grown = await importContent(database, 'sequences', '1 10 20 10 40 50', { clock: nextDay });
  expect(grown.report?.feedback).toEqual({ created: 2, updated: 0, unchanged: 3 });
  expect(await heardBy('1')).toEqual(['10', '20', '10', '40', '50']);
  expect(await heardBy('2')).toEqual(['30', '10']);
});

test('[IMP5] a line of many thousand items keeps their order', async () => {
  const items = Array.from({ length: 12_345 }, (_, i) => String((i * 7919) % 1000));
  const { report } = await importContent(theDatabase(), 'sequences', `ann ${items.join(' ')}\n`);
  expect(report?.feedback.created).toBe(items.length);
  expect(await heardBy('ann')).toEqual(items);
});

test.each([
  ['a listener without items', 'lonely', 'listener "lonely" has no items'],
  ['a listener for the second time', '1 30', 'listener "1" has a sequence on line 1 already'],
  ['an id too long', `${'x'.repeat(129)} 10`, 'listener must have 1 to 128 characters, not 129'],
  ['an item too long', `3 ${'y'.repeat(201)}`, 'item must have 1 to 200 characters, not 201'],
])('[IMP2] [IMP3] %s is a bad row, reported with line and reason', async (_, line, reason) => {
  const database = theDatabase();
  const content = `1 10 20\n${line}\n2 30\n`;
  const refused = await importContent(database, 'sequences', content);
  expect(refused.bad).toEqual([`2: ${reason}`]);
  expect(refused.error).toBe('1 row is bad of 3, so nothing was imported. --skip-bad imports the other rows');
  expect(await rowsIn(database)).toBe(0);
  const { report } = await importContent(database, 'sequences', content, { skipBad: true });
  expect(report).toMatchObject({ bad: 1, feedback: { created: 3 }, tracks: { created: 3 }, newListeners: 2 });
});

test('[IMP6] [IMP14] a file without a single sequence is refused', async () => {
  for (const content of ['\n \n', gzipSync('')]) {
    expect((await importContent(theDatabase(), 'sequences', content)).error).toMatch(/ contains no rows$/);
  }
});
