import { expect, test } from 'vitest';
import type { ImportFormat } from '../../../src/ingest/ingest.ts';
import {
  contentsOf,
  feedbackIn,
  fileWith,
  importContent,
  importPath,
  sharedDatabase,
  tracksOf,
} from '../../support/catalogue/importing.ts';
import { zipOf } from '../../support/catalogue/zip.ts';

const theDatabase = sharedDatabase();
const ann = { listener: 'ann' };

const listen = (at: number | null, title: string, more: object = {}) => ({
  ...{ inserted_at: 1_700_000_001, listened_at: at, recording_msid: 'x', user_name: 'ann' },
  track_metadata: {
    track_name: title,
    artist_name: 'Artist 1',
    release_name: 'Alb',
    additional_info: { a: [1] },
    ...more,
  },
});
const LISTENS = [
  listen(1_700_000_000, 'Song 1'),
  listen(1_700_000_100, 'Song 2'),
  listen(0, 'Now'),
  listen(null, 'Now'),
];
const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

/** The scrobbles of `Song 1` and `Song 2`, as each exporter writes them. */
const EXPORTS: [string, ImportFormat, string | Buffer | Promise<Buffer>][] = [
  ['ListenBrainz’ JSONL', 'listenbrainz', jsonl(LISTENS)],
  ['ListenBrainz’ JSON of old', 'listenbrainz', JSON.stringify(LISTENS)],
  [
    'ListenBrainz’ zip',
    'listenbrainz',
    zipOf({
      'user.json': '{"user_id": 1}',
      'feedback.jsonl': '{"score":1}',
      'listens/2023/11.jsonl': jsonl(LISTENS.slice(0, 1)),
      'listens/2023/12.jsonl': jsonl(LISTENS),
    }),
  ],
  [
    'lastfm-to-csv',
    'lastfm-csv',
    '\uFEFFArtist 1,Alb,Song 1,14 Nov 2023 22:13\nArtist 1,,Song 2,14 Nov 2023 22:15\nArtist 1,,Now,',
  ],
  [
    'ghan’s exporter',
    'lastfm-csv',
    'uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"1700000000","14 Nov 2023, 22:13","Artist 1","","Alb","","Song 1",""\n"1700000100","14 Nov 2023, 22:15","Artist 1","","","","Song 2",""\n"0","01 Jan 1970, 00:00","Artist 1","","","","Old",""\n',
  ],
  [
    'another exporter',
    'lastfm-csv',
    'Track Name;Artist Name;Scrobbled At;Loved\nSong 1;Artist 1;2023-11-14T22:13:20Z;1\nSong 2;Artist 1;2023-11-14T22:15:00Z;0\n',
  ],
  [
    'milliseconds',
    'lastfm-csv',
    'title,artist,timestamp\nSong 1,Artist 1,1700000000000\nSong 2,Artist 1,1700000100000\n',
  ],
];

test.each(EXPORTS)('[IMP8] %s is imported, and repeating that changes nothing', async (_, format, content) => {
  const database = theDatabase();
  const { report, bad } = await importContent(database, format, await content, ann);
  expect(bad).toEqual([]);
  expect(report).toMatchObject({ tracks: { created: 2 }, heard: { plays: 2, tracks: 2, artists: 1 } });
  const accounted = report!.feedback.created + report!.feedback.unchanged;
  expect(accounted + (report!.leftOut[0]?.rows ?? 0)).toBe(report!.rows);
  const rows = await feedbackIn(database);
  expect(rows.map(({ who, kind, at }) => `${who} ${kind} ${at.slice(0, 16)}`)).toEqual([
    'ann PLAY 2023-11-14T22:13',
    'ann PLAY 2023-11-14T22:15',
  ]);
  const before = await contentsOf(database);
  await importContent(database, format, await content, ann);
  expect(await contentsOf(database)).toEqual(before);
});

test('[IMP12] the same scrobbles from all exporters are one, to the second if one exporter knows it', async () => {
  const database = theDatabase();
  for (const exports of [EXPORTS, [...EXPORTS].reverse()]) {
    for (const [, format, content] of exports) await importContent(database, format, await content, ann);
  }
  expect((await tracksOf(database)).map(({ title }) => title).sort()).toEqual(['Song 1', 'Song 2']);
  expect((await feedbackIn(database)).map(({ at }) => at.slice(0, 19))).toEqual([
    '2023-11-14T22:13:20',
    expect.stringMatching(/^2023-11-14T22:15:[04]0$/),
  ]);
});

test.each<[string, ImportFormat, string, string]>([
  ['no metadata', 'listenbrainz', '{"listened_at":1700000000}', '1: track_metadata is missing'],
  [
    'metadata that are a text',
    'listenbrainz',
    '{"listened_at":1,"track_metadata":"x"}',
    '1: track_metadata must be an object',
  ],
  ['no title', 'listenbrainz', jsonl([listen(1_700_000_000, '')]), '1: track_name is missing'],
  [
    'a time to come',
    'listenbrainz',
    jsonl([listen(4_000_000_000, 'T')]),
    '1: listened_at (2096-10-02T07:06:40.000Z) is in',
  ],
  ['too few values', 'lastfm-csv', 'uts,artist,track\n1700000000,A', '2: the row has 2 values, the header 3 columns'],
  ['no artist', 'lastfm-csv', 'uts,artist,track\n1700000000,,T', '2: artist is missing'],
  ['a time in words', 'lastfm-csv', 'uts,artist,track\nnoon,A,T', '2: time must be like 2026-11-23T14:00:00Z'],
])('[IMP2] a scrobble with %s is a bad row', async (_, format, content, reason) => {
  const { bad } = await importContent(theDatabase(), format, content, ann);
  expect(bad).toEqual([expect.stringContaining(reason)]);
  expect(await feedbackIn(theDatabase())).toEqual([]);
});

test('[IMP8] exports of two people are kept separate', async () => {
  const file = await fileWith(jsonl(LISTENS));
  await importPath(theDatabase(), 'listenbrainz', file, ann);
  const { report } = await importPath(theDatabase(), 'listenbrainz', file, { listener: 'bob' });
  expect(report).toMatchObject({ tracks: { created: 0, unchanged: 2 }, feedback: { created: 2 }, newListeners: 1 });
});
