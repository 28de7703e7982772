import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { startImport } from '../../support/catalogue/import-process.ts';
import { fileWith } from '../../support/catalogue/importing.ts';
import { type Recording, spotifyExport } from '../../support/catalogue/spotify-export.ts';
import { zipOf } from '../../support/catalogue/zip.ts';
import { ask } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const train = fileURLToPath(new URL('../../../src/cli/train.ts', import.meta.url));

/** What somebody who listens to jazz has heard of the demo, written as Spotify might write it. */
const JAZZ: Recording[] = [
  { artist: 'Miles Davis', title: 'So What (feat. John Coltrane)' },
  { artist: 'John Coltrane', title: 'Giant Steps' },
  { artist: 'THE DAVE BRUBECK QUARTET', title: 'Take Five' },
  { artist: 'Thelonious Monk', title: '’Round Midnight' },
  { artist: 'Herbie Hancock', title: 'Cantaloupe Island' },
  { artist: 'Bill Evans Trio', title: 'Waltz For Debby' },
  { artist: 'Stan Getz and Joao Gilberto', title: 'The Girl From Ipanema' },
  { artist: 'Chick Corea and Return to Forever', title: 'Spain' },
];
const OWN: Recording[] = Array.from({ length: 30 }, (_, i) => ({
  artist: `Nobody ${i % 7}`,
  title: `Unheard of ${i}`,
}));

interface Recommended {
  track: { title: string; artist: { name: string }; genres: { name: string }[] };
  explanation: { summary: string; reasons: { __typename: string; track?: { title: string } }[] };
}

async function recommendationsFor(server: TestServer, listener: string, args: string): Promise<Recommended[]> {
  const query = `{ recommendations(first: 10${args}) { nodes {
    track { title artist { name } genres { name } }
    explanation { summary reasons { __typename ... on HistoryReason { track { title } } } }
  } } }`;
  const { data, errors } = await ask(`${server.url}/graphql`, query, {}, { 'x-listener-id': listener });
  expect(errors).toBeUndefined();
  return (data as { recommendations: { nodes: Recommended[] } }).recommendations.nodes;
}

function heardBy({ sql }: Database, listener: string) {
  return sql<{ title: string }[]>`select title from tracks where id in (
    select track_id from feedback f join listeners l on l.id = f.listener_id where l.external_id = ${listener})`;
}

/** As a person does it: the import beside the server, then the training. */
async function importAndTrain(database: Database, recordings: readonly Recording[]) {
  const spotify = spotifyExport(recordings, 80);
  const zip = await fileWith(await zipOf(spotify.files), 'my_spotify_data.zip');
  const env = { DATABASE_URL: database.url };
  const imported = await startImport(['spotify', zip, '--listener', 'ann'], env).exited;
  expect(imported).toMatchObject({ code: 0, errors: '' });
  await promisify(execFile)(process.execPath, ['--import', 'tsx', train], { env: { ...process.env, ...env } });
  return { output: imported.output, spotify };
}

test('[IMP8] on the demo, the list of an imported listener follows their taste and names what they heard', async () => {
  const database = await testDatabase();
  const server = await startServer({ DATABASE_URL: database.url, CADENZA_DEMO: 'auto' });
  const { output, spotify } = await importAndTrain(database, [...JAZZ, ...OWN]);
  expect(output).toContain(
    `tracks: ${spotify.recordings - JAZZ.length} created, 0 updated, ${JAZZ.length} unchanged\n`,
  );
  expect(output).toContain(`\nfeedback: ${spotify.plays} created`);
  expect(output).toContain(
    `Imported ${spotify.plays} plays of ${spotify.recordings} tracks by 15 artists for listener ann.`,
  );
  expect(output).toMatch(/\nOpen http:\/\/127.0.0.1:4000\/graphql .*"X-Listener-Id": "ann"/);
  const list = await recommendationsFor(server, 'ann', '');
  expect(list).toHaveLength(10);
  const heard = new Set(JAZZ.map(({ title }) => title.toLowerCase()));
  for (const { track } of list) expect(heard).not.toContain(track.title.toLowerCase());
  const jazz = list.filter(({ track }) => track.genres.some(({ name }) => name === 'Jazz'));
  expect(jazz.length).toBeGreaterThanOrEqual(6);
  const reasons = list.flatMap(({ explanation }) => explanation.reasons.flatMap(({ track }) => track?.title ?? []));
  expect(reasons).toEqual(expect.arrayContaining(['So What']));
  const titles = (await heardBy(database, 'ann')).map(({ title }) => title);
  for (const title of reasons) expect(titles).toContain(title);
}, 300_000);

test('[IMP8] on an empty server, the catalogue is what the listener heard, and includeHeard lists it', async () => {
  const database = await testDatabase();
  const server = await startServer({ DATABASE_URL: database.url });
  const { output, spotify } = await importAndTrain(database, OWN);
  expect(output).toContain(`tracks: ${spotify.recordings} created, 0 updated, 0 unchanged\n`);
  expect(output).toContain('recommendations(first: 10, includeHeard: true)');
  expect(await recommendationsFor(server, 'ann', '')).toEqual([]);
  const list = await recommendationsFor(server, 'ann', ', includeHeard: true');
  expect(list).toHaveLength(10);
  for (const { track } of list) expect(track.artist.name).toMatch(/^Nobody \d$/);
  const reasons = list.flatMap(({ explanation }) => explanation.reasons.flatMap(({ track }) => track?.title ?? []));
  expect(reasons.length).toBeGreaterThan(10);
  for (const title of reasons) expect(title).toMatch(/^Unheard of \d+/);
}, 300_000);
