import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  contentsOf,
  feedbackIn,
  importPath,
  rowsIn,
  sharedDatabase,
  tracksOf,
} from '../../support/catalogue/importing.ts';
import { temporaryFolder } from '../../support/folder.ts';

const theDatabase = sharedDatabase();

const files = {
  'artists.dat': [
    'id\tname\turl\tpictureURL',
    '1\tSigur Rós\thttp://example.com/1\thttp://example.com/1.jpg',
    '2\tMassive "Attack\thttp://example.com/2\t',
    '3\tNobody\t\t',
  ],
  'tags.dat': ['tagID\ttagValue', '7\ttrip hop', '8\tmúsica', '9\tunused'],
  'user_taggedartists.dat': [
    'userID\tartistID\ttagID\tday\tmonth\tyear',
    '2\t1\t8\t1\t4\t2009',
    '2\t2\t7\t1\t4\t2009',
    '3\t2\t7\t1\t5\t2009',
    '3\t2\t8\t1\t5\t2009',
    '3\t77\t8\t1\t5\t2009',
  ],
  'user_artists.dat': ['userID\tartistID\tweight', '2\t1\t13883', '2\t2\t1', '3\t2\t40'],
};
type FileName = keyof typeof files;
const names = Object.keys(files) as FileName[];

/** The folder as it is published: CRLF, the tags in ISO-8859-1. */
async function folderOf({
  zipped = [],
  changes = {},
}: {
  zipped?: FileName[];
  changes?: Partial<Record<FileName, string[]>>;
}) {
  const folder = await temporaryFolder();
  for (const name of names) {
    const text = (changes[name] ?? files[name]).map((line) => `${line}\r\n`).join('');
    const bytes = Buffer.from(text, name === 'tags.dat' ? 'latin1' : 'utf8');
    const isZipped = zipped.includes(name);
    await writeFile(join(folder, isZipped ? `${name}.gz` : name), isZipped ? gzipSync(bytes) : bytes);
  }
  return folder;
}

test.each<[string, FileName[]]>([
  ['plain', []],
  ['zipped', names],
  ['partly zipped', ['tags.dat', 'user_artists.dat']],
])(
  '[IMP6] a lastfm-2k folder comes in %s: artists as tracks, play counts as plays, shares as weights',
  async (_, zipped) => {
    const database = theDatabase();
    const { report, bad } = await importPath(database, 'lastfm-2k', await folderOf({ zipped }));
    expect(bad).toEqual([]);
    expect(report).toMatchObject({
      ...{ rows: 14, bad: 0, newListeners: 2 },
      ...{ tracks: { created: 3, updated: 0, unchanged: 0 }, feedback: { created: 3, updated: 0, unchanged: 0 } },
      notes: [
        expect.stringContaining('no times'),
        expect.stringMatching(/^1 tag assignments name what artists\.dat.* left out/),
      ],
    });
    expect((await tracksOf(database)).map(({ key, title, artist, tags }) => [key, title, artist, tags])).toEqual([
      ['lastfm:artist:1', 'Sigur Rós', 'Sigur Rós', ['música 1']],
      ['lastfm:artist:2', 'Massive "Attack', 'Massive "Attack', ['música 0.5', 'trip hop 1']],
      ['lastfm:artist:3', 'Nobody', 'Nobody', []],
    ]);
    expect((await feedbackIn(database)).map(({ who, track, kind, plays }) => [who, track, kind, plays])).toEqual([
      ['lastfm:2', 'lastfm:artist:1', 'PLAY', 13_883],
      ['lastfm:2', 'lastfm:artist:2', 'PLAY', 1],
      ['lastfm:3', 'lastfm:artist:2', 'PLAY', 40],
    ]);
  },
);

test('[IMP4] repeating the same folder rewrites no row', async () => {
  const database = theDatabase();
  await importPath(database, 'lastfm-2k', await folderOf({}));
  const before = await contentsOf(database);
  const { report } = await importPath(database, 'lastfm-2k', await folderOf({ zipped: names }));
  expect(report).toMatchObject({ tracks: { unchanged: 3 }, feedback: { unchanged: 3 }, newListeners: 0 });
  expect(await contentsOf(database)).toEqual(before);
});

const added = (name: FileName, line: string): Partial<Record<FileName, string[]>> => ({
  [name]: [...files[name], line],
});

test.each<[string, FileName, string, string]>([
  ['an artist without a name', 'artists.dat', '4\t\t\t', '5: name must not be empty'],
  ['an artist with a word for an id', 'artists.dat', 'four\tFour\t\t', '5: id must be a whole number, not "four"'],
  ['an artist twice', 'artists.dat', '1\tOther\t\t', '5: id 1 is that of line 2 already'],
  ['a tag twice', 'tags.dat', '7\tother', '5: id 7 is that of line 2 already'],
  ['a tagging cut short', 'user_taggedartists.dat', '2\t1', '7: the row has 2 values, the header 6 columns'],
  ['a play count of 0', 'user_artists.dat', '2\t3\t0', '5: weight must be between 1 and 2147483647, not 0'],
  ['plays of nobody known', 'user_artists.dat', '2\t99\t5', '5: artistID 99 is not in artists.dat'],
])('[IMP2] [IMP3] %s is a bad row, reported with line and reason', async (_, name, line, told) => {
  const database = theDatabase();
  const folder = await folderOf({ changes: added(name, line) });
  const refused = await importPath(database, 'lastfm-2k', folder);
  expect(refused.bad).toEqual([told]);
  expect(refused.error).toMatch(/^1 row is bad of \d+, so nothing was imported/);
  expect(await rowsIn(database)).toBe(0);
  const { report } = await importPath(database, 'lastfm-2k', folder, { skipBad: true });
  expect(report).toMatchObject({ rows: 15, bad: 1, tracks: { created: 3 }, feedback: { created: 3 } });
});

test('[IMP6] [IMP14] a folder that is not one of lastfm-2k is refused', async () => {
  const refusal = async (path: string) => (await importPath(theDatabase(), 'lastfm-2k', path)).error;
  const empty = await temporaryFolder();
  expect(await refusal(empty)).toMatch(/has neither artists\.dat nor artists\.dat\.gz$/);
  expect(await refusal(join(empty, 'nowhere'))).toMatch(/nowhere does not exist$/);
  const whole = await folderOf({});
  expect(await refusal(join(whole, 'artists.dat'))).toMatch(
    /is a file; lastfm-2k is a folder of files; for a personal export use lastfm-csv$/,
  );
  await mkdir(join(empty, 'artists.dat'));
  expect(await refusal(empty)).toMatch(/is a folder; this format is read from a file$/);
  expect(await refusal(await folderOf({ changes: { 'tags.dat': ['tagValue\ttagID', 'a\t1'] } }))).toBe(
    'tags.dat does not begin with the header tagID, tagValue (separated by tabs)',
  );
  expect(await refusal(await folderOf({ zipped: ['tags.dat'], changes: { 'tags.dat': [] } }))).toBe(
    'tags.dat.gz does not begin with the header tagID, tagValue (separated by tabs)',
  );
  expect(await rowsIn(theDatabase())).toBe(0);
});

test('[IMP15] tags that the API would refuse are left out and counted, the least used of too many', async () => {
  const database = theDatabase();
  const many = Array.from({ length: 205 }, (_, i) => i + 100);
  const changes = {
    'tags.dat': ['tagID\ttagValue', '7\ttrip hop', `8\t${'x'.repeat(101)}`, ...many.map((id) => `${id}\ttag ${id}`)],
    'user_taggedartists.dat': [
      'userID\tartistID\ttagID\tday\tmonth\tyear',
      ...['2\t1\t7\t1\t4\t2009', '3\t1\t7\t1\t4\t2009', '2\t1\t8\t1\t4\t2009'],
      ...many.map((id) => `2\t1\t${id}\t1\t4\t2009`),
    ],
  };
  const { report, bad } = await importPath(database, 'lastfm-2k', await folderOf({ changes }));
  expect(bad).toEqual([]);
  expect(report?.notes).toContain('1 tags have more than 100 characters; they are left out.');
  expect(report?.notes).toContain('6 tags are beyond the 200 of an artist; the least used are left out.');
  const tags = await database.sql<{ name: string }[]>`
    select g.name from track_tags tt join tags g on g.id = tt.tag_id join tracks t on t.id = tt.track_id
    where t.external_id = 'lastfm:artist:1'`;
  expect(tags).toHaveLength(200);
  expect(tags.map(({ name }) => name)).toContain('trip hop');
});
