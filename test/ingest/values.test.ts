import { expect, test } from 'vitest';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { feedbackIn, importContent, sharedDatabase, tracksOf } from '../support/catalogue/importing.ts';

const theDatabase = sharedDatabase();

/** One track whose value in this column is as given, in a file with a comma, quoted. */
async function trackWith(column: string, value: string) {
  const lines = [`externalId,title,artist,${column}`, `t,T,A,"${value.replaceAll('"', '""')}"`];
  const { bad, report } = await importContent(theDatabase(), 'tracks', lines);
  const [track] = await tracksOf(theDatabase());
  return { bad, track, notes: report?.notes ?? [] };
}

test.each([
  'NULL',
  'null',
  '\\N',
  'nan',
  'NaN',
  '-nan',
  'None',
  'N/A',
  '#N/A',
  'NA',
  '<NA>',
  'NaT',
  ' nan ',
  '0',
  '0000',
])('[IMP9] a year of %s counts as missing, with a note', async (value) => {
  const { bad, track, notes } = await trackWith('releaseYear', value);
  expect(bad).toEqual([]);
  expect(track?.year).toBeNull();
  expect(notes).toEqual(['1 value such as NULL, nan or a year 0 were taken as no value (first on line 2).']);
});

test.each([
  ['1959.0', 1959],
  ['1959.000', 1959],
  ['1.959e3', 1959],
  ['1,959', 1959],
  [' 1959 ', 1959],
  ['1969-09-26', 1969],
  ['1969-09', 1969],
  ['1969-09-26T00:00:00Z', 1969],
  ['1969-09-26 10:00', 1969],
])('[IMP9] %s is the year %d', async (value, year) => {
  const { bad, track, notes } = await trackWith('releaseYear', value);
  expect({ bad, year: track?.year, notes }).toEqual({ bad: [], year, notes: [] });
});

test.each(['1959.5', '19 59', '1.959.000', '1,95', '26/09/1969', '1969-13-01', 'MCMLIX', '1e400', 'Infinity', '0x7a7'])(
  '[IMP2] %s is no year, and refused with its line',
  async (value) => {
    const { bad } = await trackWith('releaseYear', value);
    expect(bad).toEqual([expect.stringMatching(/^2: releaseYear must be /)]);
  },
);

test.each([
  ['215000.0', 215_000],
  ['215,000', 215_000],
  ['2.15e+05', 215_000],
  ['NULL', null],
])('[IMP9] a length of %s is %s milliseconds', async (value, ms) => {
  const { bad, track } = await trackWith('durationMs', value);
  expect({ bad, ms: track?.ms }).toEqual({ bad: [], ms });
});

test.each([
  ['True', true],
  ['False', false],
  ['t', true],
  ['N', false],
  ['1.0', true],
  ['0.0', false],
  ['nan', false],
])('[IMP9] explicit is %s: %s', async (value, explicit) => {
  expect((await trackWith('explicit', value)).track?.explicit).toBe(explicit);
});

test.each([
  ['Adventure|Animation|Children', ['Adventure', 'Animation', 'Children']],
  ['Rock; Pop', ['Rock', 'Pop']],
  ['Rock;Pop|Jazz', ['Rock', 'Pop', 'Jazz']],
  ["['Rock', \"Rock 'n' Roll\"]", ['Rock', "Rock 'n' Roll"]],
  ['["Hip, Hop", "Jazz"]', ['Hip, Hop', 'Jazz']],
  ['[]', []],
  ['(no genres listed)', []],
  ['Hip-Hop/Rap', ['Hip-Hop/Rap']],
])('[IMP9] genres written %s', async (value, genres) => {
  const { bad, track } = await trackWith('genres', value);
  expect({ bad, genres: track?.genres }).toEqual({ bad: [], genres });
});

test('[IMP9] a comma within a genre is kept, with a note', async () => {
  const { track, notes } = await trackWith('genres', 'Folk, World, & Country');
  expect(track?.genres).toEqual(['Folk, World, & Country']);
  expect(notes).toEqual([expect.stringMatching(/^1 value of genres or tags has a comma .* line 2/)]);
});

test('[IMP9] a band called None and a song called NaN keep their names, with a note', async () => {
  const { report } = await importContent(theDatabase(), 'tracks', [
    'externalId,title,artist,album',
    'NA,NaN,None,NULL',
  ]);
  expect(await tracksOf(theDatabase())).toMatchObject([{ key: 'NA', title: 'NaN', artist: 'None', album: null }]);
  expect(report?.notes).toHaveLength(2);
});

test('[IMP9] NaN in JSON counts as missing, but within a string it is text', async () => {
  const row = '{"externalId":"a","title":"NaN \\"NaN\\"","artist":"A","releaseYear":NaN,"album":NaN}';
  const { bad } = await importContent(theDatabase(), 'tracks', row);
  expect(bad).toEqual([]);
  expect(await tracksOf(theDatabase())).toMatchObject([{ title: 'NaN "NaN"', year: null, album: null }]);
});

test.each([
  ['1700000000', '2023-11-14T22:13:20.000Z', false],
  ['1700000000.5', '2023-11-14T22:13:20.500Z', false],
  ['1700000000123', '2023-11-14T22:13:20.123Z', false],
  ['2019-01-01 12:00', '2019-01-01T12:00:00.000Z', true],
  ['2019-01-01T12:00:30', '2019-01-01T12:00:30.000Z', true],
  ['2019-01-01 12:00:30.123456', '2019-01-01T12:00:30.123Z', true],
  ['2019-01-01 12:00:00+00:00', '2019-01-01T12:00:00.000Z', false],
  ['2019-01-01 12:00:00+0100', '2019-01-01T11:00:00.000Z', false],
  ['2019-01-01 12:00:00 UTC', '2019-01-01T12:00:00.000Z', false],
  ['2019-01-01', '2019-01-01T00:00:00.000Z', false],
  ['14 Nov 2023, 22:13', '2023-11-14T22:13:00.000Z', false],
])('[IMP9] the time %s', async (value, at, isNoted) => {
  await importContent(theDatabase(), 'tracks', ['externalId,title,artist', 't,T,A']);
  const lines = ['listener,track,kind,at', `ann,t,PLAY,"${value}"`];
  const { bad, report } = await importContent(theDatabase(), 'feedback', lines);
  expect(bad).toEqual([]);
  expect((await feedbackIn(theDatabase())).map((row) => row.at)).toEqual([at]);
  const note = '1 value had no offset from UTC and was taken as UTC (first on line 2).';
  expect(report?.notes).toEqual(isNoted ? [note] : []);
});

test('[IMP9] numbers in JSON are times like those in CSV', async () => {
  await importContent(theDatabase(), 'tracks', ['externalId,title,artist', 't,T,A']);
  const rows = [1_700_000_000, 1_700_000_000_000].map((at) => ({ listener: 'ann', track: 't', kind: 'PLAY', at }));
  await importContent(theDatabase(), 'feedback', JSON.stringify(rows));
  expect((await feedbackIn(theDatabase())).map((row) => row.at)).toEqual(['2023-11-14T22:13:20.000Z']);
});

test('[IMP10] an id is the same in any normal form', async () => {
  const [composed, decomposed] = ['id-é', 'id-é'].map((id, i) => id.normalize(i === 0 ? 'NFC' : 'NFD'));
  const tracks = ['externalId,title,artist', `${decomposed ?? ''},Halo,Beyonce`];
  expect((await importContent(theDatabase(), 'tracks', tracks)).bad).toEqual([]);
  expect(
    (
      await importContent(
        theDatabase(),
        'tracks',
        tracks.map((line) => line.normalize('NFC')),
      )
    ).report,
  ).toMatchObject({
    tracks: { created: 0, updated: 0, unchanged: 1 },
  });
  const lines = [
    'listener,track,kind,key',
    `zo\u00eb,${decomposed ?? ''},PLAY,k\u0308`,
    `zo\u00eb,${composed ?? ''},PLAY,k\u0308`,
  ];
  const { bad, report } = await importContent(theDatabase(), 'feedback', lines);
  expect(bad).toEqual([]);
  expect(report).toMatchObject({ feedback: { created: 1, unchanged: 1 }, newListeners: 1 });
  const twice = ['externalId,title,artist', `${composed ?? ''},Halo,B`, `${decomposed ?? ''},Halo,B`];
  expect((await importContent(theDatabase(), 'tracks', twice)).bad).toEqual([
    '3: externalId "id-é" is that of line 2 already',
  ]);
});

test('[AUTH4] ids of listeners are those of tokens: compared exactly', async () => {
  const track = 't-exact';
  await importContent(theDatabase(), 'tracks', ['externalId,title,artist', `${track},Halo,Beyonce`]);
  const names = ['zoe\u0308-exact', 'zo\u00eb-exact'];
  const lines = ['listener,track,kind', ...names.map((name) => `${name},${track},PLAY`)];
  const { bad, report } = await importContent(theDatabase(), 'feedback', lines);
  expect(bad).toEqual([]);
  expect(report).toMatchObject({ newListeners: 2 });
  const listeners = createListeners({ database: theDatabase(), wakeups: new LocalWakeups(), clock: systemClock });
  for (const name of names) expect((await listeners.ensure(name)).externalId).toBe(name);
  const rows = await theDatabase().sql`select external_id from listeners where external_id like '%-exact'`;
  expect(rows).toHaveLength(2);
});
