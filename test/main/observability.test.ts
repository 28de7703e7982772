import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { type LogLine, startServer, type TestServer } from '../support/server.ts';

const QUERY = 'query WhoAmI { viewer { externalId } }';

async function post(server: TestServer, query: string, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify({ query, ...(query === QUERY && { operationName: 'WhoAmI' }) });
  const all = { 'content-type': 'application/json', 'x-listener-id': 'ann', ...headers };
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers: all, body });
  await response.text();
  return response;
}

/** All lines of the log, once the server has ended. */
async function linesOf(server: TestServer): Promise<LogLine[]> {
  const { output } = await server.stop();
  return output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}

test('[LOGS1] a request’s id, the caller’s or a new one, is in its answer and in its lines of the log, with listener and operation', async () => {
  const server = await startServer();
  const named = await post(server, QUERY, { 'x-request-id': 'from-the-proxy.1' });
  expect(named.headers.get('x-request-id')).toBe('from-the-proxy.1');
  const unfit = await post(server, QUERY, { 'x-request-id': 'a b "c"' });
  const made = unfit.headers.get('x-request-id') ?? '';
  expect(made).toMatch(/^[\da-f-]{36}$/);

  let upgrade: IncomingMessage | null = null;
  class Remembering extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers: { 'x-request-id': 'socket-7' } });
      this.once('upgrade', (response) => (upgrade = response));
    }
  }
  const connectionParams = { listenerId: 'bob' };
  const client = createClient({ url: server.wsUrl, webSocketImpl: Remembering, connectionParams });
  onTestFinished(() => void client.dispose());
  for await (const answer of client.iterate({ query: QUERY, operationName: 'WhoAmI' }))
    expect(answer.errors).toBeUndefined();
  await client.dispose();
  expect((upgrade as IncomingMessage | null)?.headers['x-request-id']).toBe('socket-7');

  const lines = await linesOf(server);
  const requests = lines.filter(({ msg }) => msg === 'Request');
  const facts = { listener: 'ann', operation: 'WhoAmI' };
  expect(requests).toMatchObject([
    { requestId: 'from-the-proxy.1', ...facts },
    { requestId: made, ...facts },
  ]);
  expect(lines.filter(({ msg }) => msg === 'Operation')).toMatchObject([
    { requestId: expect.stringMatching(/^socket-7\/\d+$/) as string, listener: 'bob', operation: 'WhoAmI' },
  ]);
});

test('[SERVE10] an API node reports what it serves, its connections, its version and its memory', async () => {
  const server = await startServer({ CADENZA_ROLE: 'api' });
  await post(server, QUERY);
  await post(server, '{ nothing }');
  const following = new AbortController();
  const stream = fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { recommendations(first: 1) { requestId } }' }),
    signal: following.signal,
  });
  await stream;
  const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  const query = 'subscription { recommendations(first: 1) { requestId } }';
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
  await once(socket, 'message');
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`cadenza_${name} `))
        ?.split(' ')
        .at(-1),
    );
  expect(value('requests_total{transport="http",status="200"}')).toBeGreaterThanOrEqual(1);
  expect(value('request_seconds_count{transport="http"}')).toBeGreaterThanOrEqual(2);
  expect(value('subscribers{transport="sse"}')).toBe(1);
  expect(value('subscribers{transport="websocket"}')).toBe(1);
  expect(value('recommender_version{version="untrained"}')).toBe(1);
  expect(value('recommender_training')).toBe(0);
  expect(value('drafts_waiting')).toBe(0);
  expect(value('database_connections')).toBeGreaterThan(2);
  expect(value('memory_private_bytes')).toBeGreaterThan(10_000_000);
  following.abort();
  socket.close();
});
