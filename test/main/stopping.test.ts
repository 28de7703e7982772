import { createClient as createSocketClient } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { takeTurn } from '../../src/db/nodes/turns.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { tinyModel } from '../support/drafts/writers.ts';
import { nginxPath, openNginx } from '../support/network/nginx.ts';
import { dataOf, startDraft, writerReady } from '../support/network/wire.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startServer } from '../support/server.ts';

const FOLLOW = `subscription ($id: ID!) { draftEvents(draftId: $id) { __typename ... on TokensAppended { cursor text } } }`;
const READERS = 100;
/** It connects at once, and does not print why it was closed. */
const NOT_LAZY = { lazy: false, onNonLazyError: () => undefined };

/** Reads until the stream ends, and returns what it ended with. Settles twice: at the first event, and at the end. */
interface Reader {
  begun: Promise<unknown>;
  ended: Promise<string>;
}

function overSse(url: string, id: string): Reader {
  const body = JSON.stringify({ query: FOLLOW, variables: { id } });
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const response = fetch(`${url}/graphql`, { method: 'POST', headers, body });
  return { begun: response, ended: response.then((answer) => answer.text()).then((text) => text.slice(-400)) };
}

function overSocket(url: string, id: string): Reader {
  const client = createSocketClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...NOT_LAZY });
  onTestFinished(() => void client.dispose());
  const ended = new Promise<string>((resolve) => client.on('closed', (event) => resolve(closing(event as CloseEvent))));
  const begun = new Promise<void>((resolve) => {
    const sink = { next: () => resolve(), error: () => undefined, complete: () => undefined };
    client.subscribe({ query: FOLLOW, variables: { id } }, sink);
  });
  return { begun, ended };
}

const closing = ({ code, reason }: { code: number; reason: string }): string => `${code} ${reason}`;

test('[START2] [BEYOND6] with a hundred readers and a measurement in progress, a stop tells each reader why and hands its drafts over', async () => {
  const database = await testDatabase({ connections: 1 });
  const { ids } = await addTracks(database, someTracks(400));
  await database.sql`insert into listeners (external_id, display_name) select 'fan ' || n, '' from generate_series(1, 300) n`;
  await database.sql`insert into feedback (listener_id, track_id, kind, at)
    select l.id, t.id, 'LIKE', now() - (l.id * 7 + t.id) * interval '1 minute' from listeners l, unnest(${`{${ids.join()}}`}::bigint[]) t (id)
    where (l.id * 31 + t.id * 17) % 13 = 0`;
  // However fast the machine is, the measurement is not done before the stop: somebody else has the turn.
  const turn = await takeTurn(database, 'measuring', new AbortController().signal);
  const server = await startServer({ ...(await tinyModel()), DATABASE_URL: database.url });
  await writerReady(server);
  const { id } = await startDraft(server, { kind: 'STORY', prompt: 'x', sampling: { maxTokens: 3_800, seed: 1 } });
  const front = nginxPath ? await openNginx(server.url) : server.url;
  const readers = Array.from({ length: READERS }, (_, i) =>
    i % 2 === 0 ? overSocket(server.wsUrl, id) : overSse(i % 4 === 1 ? server.url : front, id),
  );
  await Promise.all(readers.map(({ begun }) => begun));
  await server.said('Training the recommender');
  const measured = async () => (await database.sql`select from evaluations where protocol = 'served-lists'`).length;
  await server.said('The recommender is trained');

  const { code, output } = await server.stop();
  expect(code).toBe(0);
  const endings = await Promise.all(readers.map(({ ended }) => ended));
  for (const [i, ending] of endings.entries()) {
    if (i % 2 === 0) expect(ending).toBe('1001 the server is stopping (SIGTERM)');
    else expect(ending).toMatch(/"code":"GOING_AWAY"[^\n]*\n\nevent: complete\ndata:\n\n$/);
  }
  // It did not wait for what can be done by others.
  expect(await measured()).toBe(0);
  expect(output).not.toContain('could not be measured');
  expect(await database.sql`select status, owner from drafts`).toEqual([{ status: 'GENERATING', owner: null }]);

  await turn[Symbol.asyncDispose]();
  const next = await startServer({ ...(await tinyModel()), DATABASE_URL: database.url });
  await next.said('Measured the served lists');
  await writerReady(next);
  const cancelled = await dataOf(next, 'mutation ($id: ID!) { cancelDraft(id: $id) { __typename } }', { id });
  expect(cancelled).toEqual({ cancelDraft: { __typename: 'CancelDraftSuccess' } });
});
