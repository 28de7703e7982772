import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import type { Database } from '../../../src/db/client.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { ask, type ListeningOptions, startListening, type TestListening } from '../../support/listening.ts';

const SEARCH = '{ tracks(first: 3, search: "rain") { nodes { id } totalCount } }';

/** A server in whose database nobody reads tracks until `release` is called: what would takes as long as that. */
async function stalled({ table = 'tracks', ...options }: ListeningOptions & { table?: string } = {}) {
  const server = await startListening(options);
  const { ids } = await addTracks(server.database, someTracks(3));
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const locked = new Promise<void>((resolve, reject) => {
    server.database.sql
      .begin(async (tx) => {
        await tx`lock table ${tx(table)} in access exclusive mode`;
        resolve();
        await released;
      })
      .catch(reject);
  });
  await locked;
  onTestFinished(() => release());
  return { ...server, release, trackId: ids[0]! };
}

/** Statements of the test's database that wait for a lock. */
async function waiting({ sql }: Database): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return row!.count;
}

const waits = ({ database }: TestListening, count: number): Promise<void> =>
  expect.poll(() => waiting(database), { timeout: 10_000 }).toBe(count);

async function begin({ wsUrl }: TestListening): Promise<WebSocket> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return socket;
}

const subscribe = (id: string, query: string): string => JSON.stringify({ type: 'subscribe', id, payload: { query } });

it('[EDGE4] closing an HTTP connection stops its operation, down to the SQL statement', async () => {
  const server = await stalled();
  const asking = request(server.graphqlUrl, { method: 'POST', headers: { 'content-type': 'application/json' } });
  asking.on('error', () => undefined).end(JSON.stringify({ query: SEARCH }));
  await waits(server, 1);
  asking.destroy();
  await waits(server, 0);
});

it.each(['analytics { totals { clicks } }', 'offPolicyEstimate(modelVersion: "untrained") { lists }'])(
  '[EDGE4] that also stops { %s }',
  async (field) => {
    const server = await stalled({ table: 'recommendation_lists' });
    const socket = await begin(server);
    socket.send(subscribe('a', `{ ${field} }`));
    await waits(server, 1);
    socket.terminate();
    await waits(server, 0);
  },
);

it('[EDGE4] an operation with many searches causes no leak warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { database, graphqlUrl } = await startListening();
  await addTracks(database, someTracks(3));
  const searches = Array.from({ length: 12 }, (_, i) => `a${i}: tracks(first: 1, search: "rain") { nodes { id } }`);
  expect((await ask(graphqlUrl, `{ ${searches.join(' ')} }`)).errors).toBeUndefined();
  expect(warnings).toEqual([]);
});

it('[EDGE4] so does completing a query over WebSocket, and closing the WebSocket', async () => {
  const server = await stalled();
  const socket = await begin(server);
  for (const id of ['a', 'b', 'c']) socket.send(subscribe(id, SEARCH));
  await waits(server, 3);
  socket.send(JSON.stringify({ type: 'complete', id: 'b' }));
  await waits(server, 2);
  socket.terminate();
  await waits(server, 0);
});

it.each([
  ['a search, which is cancelled', '{ tracks(first: 3) { nodes { artist { tracks(first: 2) { nodes { id } } } } } }'],
  ['what is read by its id, and is not', '{ track(id: "ID") { artist { tracks(first: 2) { nodes { id } } } } }'],
])('[EDGE4] fields that have not started are not started, below %s', async (_, query) => {
  const server = await stalled();
  const began: number[] = [];
  const { catalogue } = server.services;
  const found = catalogue.tracksOfArtist.bind(catalogue);
  catalogue.tracksOfArtist = (artistId, page) => {
    began.push(artistId);
    return found(artistId, page);
  };
  const socket = await begin(server);
  socket.send(subscribe('a', query.replace('ID', encodeId('Track', server.trackId))));
  await waits(server, 1);
  socket.send(JSON.stringify({ type: 'complete', id: 'a' }));
  socket.send(JSON.stringify({ type: 'ping' }));
  await once(socket, 'message');
  server.release();
  await waits(server, 0);
  expect((await ask(server.graphqlUrl, '{ tracks(first: 1) { nodes { id } } }')).errors).toBeUndefined();
  expect(began).toEqual([]);
});

it('[EDGE7] an operation beyond its time limit is aborted with an error, over either transport', async () => {
  const server = await stalled({ limits: { operationMs: 100 } });
  const error = { message: 'The operation was aborted after 0.1 seconds', extensions: { code: 'DEADLINE_EXCEEDED' } };
  const response = await fetch(server.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: SEARCH }),
  });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ errors: [error] });
  const socket = await begin(server);
  socket.send(subscribe('a', SEARCH));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(answer.toString())).toMatchObject({ id: 'a', payload: { errors: [error] } });
  await waits(server, 0);
});

it('[EDGE4] a mutation that has begun is completed although nobody waits for its answer', async () => {
  const server = await stalled();
  const socket = await begin(server);
  const input = `{ trackId: "${encodeId('Track', server.trackId)}", kind: LIKE }`;
  socket.send(subscribe('a', `mutation { recordFeedback(input: ${input}) { __typename } }`));
  await waits(server, 1);
  socket.terminate();
  await once(socket, 'close');
  server.release();
  const reacted = async () =>
    (await ask(server.graphqlUrl, '{ viewer { feedback(first: 1) { nodes { kind } } } }')).data;
  await expect.poll(reacted).toEqual({ viewer: { feedback: { nodes: [{ kind: 'LIKE' }] } } });
});

it('[EDGE4] an operation that was completed answers nothing to the one that uses its id', async () => {
  const server = await stalled();
  const socket = await begin(server);
  const said: string[] = [];
  socket.on('message', (data: Buffer) => said.push(data.toString()));
  const input = `{ trackId: "${encodeId('Track', server.trackId)}", kind: LIKE }`;
  socket.send(subscribe('a', `mutation { recordFeedback(input: ${input}) { __typename } }`));
  socket.send(subscribe('b', SEARCH));
  await waits(server, 2);
  for (const id of ['a', 'b']) {
    socket.send(JSON.stringify({ type: 'complete', id }));
    socket.send(subscribe(id, 'subscription { recommendations(first: 1) { requestId } }'));
  }
  socket.send(JSON.stringify({ type: 'ping' }));
  await expect.poll(() => said.filter((message) => message.includes('pong')).length).toBe(1);
  server.release();
  const reacted = async () =>
    (await ask(server.graphqlUrl, '{ viewer { feedback(first: 1) { nodes { kind } } } }')).data;
  await expect.poll(reacted).toEqual({ viewer: { feedback: { nodes: [{ kind: 'LIKE' }] } } });
  await expect.poll(() => new Set(said.map((message) => idOf(message))).size).toBe(3);
  socket.send(JSON.stringify({ type: 'ping' }));
  await expect.poll(() => said.filter((message) => message.includes('pong')).length).toBe(2);
  const answers = said.filter((message) => !message.includes('pong'));
  expect(answers.filter((message) => !message.includes('"recommendations"'))).toEqual([]);
});

const idOf = (message: string): string | undefined => (JSON.parse(message) as { id?: string }).id;
