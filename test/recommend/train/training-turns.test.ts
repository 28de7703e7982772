import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { connect, type Database } from '../../../src/db/client.ts';
import { takeTurn } from '../../../src/db/nodes/turns.ts';
import { openWakeups } from '../../../src/db/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { createRecommender, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const TRAINING = 'Training the recommender';
const WAITING = 'Another process is training the recommender; waiting for its result';
const GIVEN = 'Another process has trained the recommender';

/** A database in which twenty listeners have heard something. */
async function heard(): Promise<Database> {
  const database = await testDatabase();
  const { ids } = await addTracks(database, someTracks(20));
  await database.sql`insert into listeners (external_id, display_name) select 'fan ' || n, '' from generate_series(1, 20) n`;
  await database.sql`insert into feedback (listener_id, track_id, kind, at)
    select l.id, t.id, 'LIKE', now() + t.id * interval '1 second' from listeners l, unnest(${`{${ids.join()}}`}::bigint[]) t (id)
    where (l.id + t.id) % 4 < 2`;
  return database;
}

interface Node {
  recommender: Recommender;
  /** What it has logged about training so far. */
  said: string[];
  serving(): Promise<string>;
}

/** What a process of its own would have: its pool, its wake-ups, its recommender. */
async function joinNode({ url }: Database, trainsByItself: boolean): Promise<Node> {
  const database = connect(url, { connections: 4 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const wakeups = await openWakeups(database, silentLogger);
  onTestFinished(() => wakeups[Symbol.asyncDispose]());
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
  const parts = { database, wakeups, clock: systemClock };
  const [catalogue, listeners] = [createCatalogue(parts), createListeners(parts)];
  const recommender = await createRecommender({ ...parts, catalogue, listeners, log, trainsByItself });
  onTestFinished(() => recommender[Symbol.asyncDispose]());
  const { id } = await listeners.ensure('fan 1');
  const serving = async () => (await recommender.recommend(id, {}, { first: 1 })).modelVersion;
  return { recommender, said, serving };
}

const takeTrainingTurn = (database: Database) => takeTurn(database, 'training', new AbortController().signal);
const PATIENCE = { timeout: 20_000 };
const saying = ({ said }: Node, message: string) => expect.poll(() => said, PATIENCE).toContain(message);

test('[REC16] of two nodes that are told to train at once one trains, and both serve the result', async () => {
  const database = await heard();
  const nodes = [await joinNode(database, false), await joinNode(database, false)] as const;
  // Until both have asked nobody may begin: else the second might ask only after the first was done.
  const turn = await takeTrainingTurn(database);
  const training = Promise.all(nodes.map(({ recommender }) => recommender.train()));
  for (const node of nodes) await saying(node, WAITING);
  await turn[Symbol.asyncDispose]();
  const [version, same] = await training;
  expect(same).toBe(version);
  expect((await nodes[0].recommender.versions(10)).map((one) => one.version)).toEqual([version]);
  expect(await Promise.all(nodes.map((node) => node.serving()))).toEqual([version, version]);
});

test('[BEYOND5] a version’s lists are measured once, however many nodes serve it', async () => {
  const database = await heard();
  const nodes = [await joinNode(database, false), await joinNode(database, false)];
  const turn = await takeTrainingTurn(database);
  const training = Promise.all(nodes.map(({ recommender }) => recommender.train()));
  for (const node of nodes) await saying(node, WAITING);
  await turn[Symbol.asyncDispose]();
  // Either has measured it by then, or found it measured.
  await training;
  const coverages = await database.sql`select value from evaluations where metric = 'Coverage@20'`;
  expect(coverages).toHaveLength(1);
});

test('[REC16] of two nodes that would train automatically one does', async () => {
  const database = await heard();
  const turn = await takeTrainingTurn(database);
  const nodes = [await joinNode(database, true), await joinNode(database, true)];
  for (const node of nodes) await saying(node, WAITING);
  await turn[Symbol.asyncDispose]();
  const outcomes = () => nodes.map(({ said }) => said.find((message) => message === TRAINING || message === GIVEN));
  await expect.poll(() => outcomes().sort(), PATIENCE).toEqual([GIVEN, TRAINING]);
  for (const node of nodes) expect(await node.serving()).toMatch(/^ease-/);
  expect(await nodes[0]!.recommender.versions(10)).toHaveLength(1);
});

test('[REC16] a process that is killed while training leaves the turn to the next', async () => {
  const database = await heard();
  const script = fileURLToPath(new URL('../../support/recommend/training-turn-process.ts', import.meta.url));
  const holder = spawn(process.execPath, ['--import', 'tsx', script, database.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const node = await joinNode(database, true);
  await saying(node, WAITING);
  holder.kill('SIGKILL');
  await saying(node, TRAINING);
  await expect.poll(() => node.serving(), PATIENCE).toMatch(/^ease-/);
});

test('[REC16] a process that is interrupted while waiting changes nothing and delays nobody', async () => {
  const database = await heard();
  const [impatient, other] = [await joinNode(database, false), await joinNode(database, false)];
  const turn = await takeTrainingTurn(database);
  const ending = new AbortController();
  const waiting = impatient.recommender.train({ signal: ending.signal });
  await saying(impatient, WAITING);
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await turn[Symbol.asyncDispose]();
  const version = await other.recommender.train();
  expect((await other.recommender.versions(10)).map((one) => one.version)).toEqual([version]);
});

test('[REC16] a process that is interrupted while training leaves the turn to the next', async () => {
  const database = await heard();
  const [interrupted, other] = [await joinNode(database, false), await joinNode(database, false)];
  const ending = new AbortController();
  const training = interrupted.recommender.train({ signal: ending.signal, report: () => ending.abort() });
  await expect(training).rejects.toMatchObject({ name: 'AbortError' });
  expect(await other.recommender.train()).toBe((await other.recommender.versions(1))[0]!.version);
});
