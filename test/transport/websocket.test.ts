import { once } from 'node:events';
import { type Client, createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
const token = (expires: string | number) =>
  new SignJWT({ sub: 'bob' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  __typename
  ... on DraftSnapshot { cursor draft { text } }
  ... on TokensAppended { cursor text }
  ... on DraftStatusChanged { cursor status }
} }`;

interface DraftEvent {
  __typename: string;
  cursor: string;
  text?: string;
  draft?: { text: string };
  status?: string;
}

function clientOf({ wsUrl }: TestListening, connectionParams: Record<string, unknown> = {}): Client {
  const client = createClient({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams });
  onTestFinished(() => void client.dispose());
  return client;
}

/** A socket that speaks the protocol by hand. */
async function rawSocket({ wsUrl }: TestListening, options: WebSocket.ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', options);
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

const closeOf = async (socket: WebSocket): Promise<[number, string]> => {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
};

async function startDraft({ graphqlUrl }: TestListening, maxTokens: number): Promise<string> {
  const query = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } } }`;
  const input = { kind: 'STORY', prompt: 'rain', sampling: { maxTokens, seed: 7 } };
  const { data } = await ask(graphqlUrl, query, { input });
  return (data as { startDraft: { draft: { id: string } } }).startDraft.draft.id;
}

async function* follow(client: Client, id: string, after: string | null = null): AsyncGenerator<DraftEvent> {
  for await (const { data } of client.iterate<{ draftEvents: DraftEvent }>({
    query: FOLLOW,
    variables: { id, after },
  })) {
    if (data) yield data.draftEvents;
  }
}

const textOf = (events: readonly DraftEvent[]): string =>
  events.map((event) => event.draft?.text ?? event.text ?? '').join('');

describe('drafts over WebSocket', () => {
  it('[LOG2] three readers, one late and one reconnecting, end with the same text', async () => {
    const engine = new ScriptedEngine({ granted: 0 });
    const server = await startListening({ engine });
    const id = await startDraft(server, 40);
    const read = async (reader: AsyncIterable<DraftEvent>, events: DraftEvent[] = []) => {
      for await (const event of reader) events.push(event);
      return events;
    };
    const arrived: DraftEvent[] = [];
    const early = read(follow(clientOf(server), id), arrived);
    const leaving: DraftEvent[] = [];
    const left = (async () => {
      for await (const event of follow(clientOf(server), id)) {
        leaving.push(event);
        if (leaving.length === 5) break;
      }
    })();
    for (let i = 0; i < 20; i++) {
      const before = textOf(arrived).length;
      engine.grant(1);
      await expect.poll(() => textOf(arrived).length).toBeGreaterThan(before);
    }
    await left;
    const back = read(follow(clientOf(server), id, leaving.at(-1)!.cursor));
    const late = read(follow(clientOf(server), id));
    engine.grant(Infinity);
    const expected = scriptedText(engine.requests[0]!);
    expect(textOf(await early)).toBe(expected);
    expect(textOf([...leaving, ...(await back)])).toBe(expected);
    expect(textOf(await late)).toBe(expected);
    expect((await early).at(-1)).toMatchObject({ status: 'COMPLETED' });
  });

  it('[LOG3] unsubscribing ends an idle stream at once and leaves nothing behind', async () => {
    const engine = new ScriptedEngine({ granted: 0 });
    const server = await startListening({ engine });
    const id = await startDraft(server, 5);
    const socket = await rawSocket(server);
    const received: { type: string; id?: string }[] = [];
    socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString()) as { type: string }));
    const said = (type: string) => expect.poll(() => received.some((message) => message.type === type)).toBe(true);
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await said('connection_ack');
    socket.send(JSON.stringify({ type: 'subscribe', id: 'a', payload: { query: FOLLOW, variables: { id } } }));
    await said('next');
    socket.send(JSON.stringify({ type: 'complete', id: 'a' }));
    socket.send(JSON.stringify({ type: 'subscribe', id: 'a', payload: { query: '{ viewer { externalId } }' } }));
    await expect.poll(() => received.filter(({ id: of }) => of === 'a').length).toBeGreaterThanOrEqual(3);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('[SERVE6] a reader that does not read delays nobody', async () => {
    const server = await startListening();
    const id = await startDraft(server, 400);
    const stalled = await rawSocket(server);
    stalled.send(JSON.stringify({ type: 'connection_init' }));
    await once(stalled, 'message');
    stalled.pause();
    for (let i = 0; i < 50; i++) {
      stalled.send(JSON.stringify({ type: 'subscribe', id: `${i}`, payload: { query: FOLLOW, variables: { id } } }));
    }
    const events: DraftEvent[] = [];
    for await (const event of follow(clientOf(server), id)) events.push(event);
    expect(textOf(events)).toBe(scriptedText(server.engine.requests[0]!));
  });
});

describe('connections', () => {
  it('[SERVE6] [SERVE11] a peer that answered a ping while the server was busy is not disconnected', async () => {
    const server = await startListening({ limits: { heartbeatMs: 1_000 } });
    const socket = await rawSocket(server);
    socket.send(JSON.stringify({ type: 'connection_init' }));
    // The answer has left by the time of the event, and lies there unread when the next beat is due.
    await new Promise<void>((resolve) =>
      socket.once('ping', () => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
        resolve();
      }),
    );
    await Promise.race([once(socket, 'ping'), once(socket, 'close')]);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('[AUTH1] the viewer is the listener named in the connection parameters', async () => {
    const server = await startListening();
    const client = clientOf(server, { listenerId: 'ann' });
    const answers = client.iterate({ query: '{ viewer { externalId } }' });
    expect((await answers.next()).value).toMatchObject({ data: { viewer: { externalId: 'ann' } } });
  });

  it('[AUTH2] [SERVE5] a missing or invalid token is closed with 4403, a valid one when it expires', async () => {
    const server = await startListening({ config: { auth } });
    const connect = async (payload: object): Promise<WebSocket> => {
      const socket = await rawSocket(server);
      socket.send(JSON.stringify({ type: 'connection_init', payload }));
      return socket;
    };
    expect(await closeOf(await connect({}))).toMatchObject([4403, expect.stringContaining('token')]);
    expect(await closeOf(await connect({ authorization: 'Bearer x.y.z' }))).toEqual([4403, 'The token is not valid']);
    // Late enough that a busy machine has shaken hands before.
    const soon = Math.floor(Date.now() / 1000) + 4;
    const socket = await connect({ authorization: `Bearer ${await token(soon)}` });
    const [ack] = (await once(socket, 'message')) as [Buffer];
    expect(ack.toString()).toContain('connection_ack');
    expect(await closeOf(socket)).toEqual([4403, 'The token has expired']);
  });

  it.each<[string, (socket: WebSocket) => void, number]>([
    ['no JSON', (socket) => socket.send('hello'), 4400],
    ['an unknown message', (socket) => socket.send('{"type":"dance"}'), 4400],
    [
      'a ping whose answer would be nested too deep to write',
      (socket) => socket.send(`{"type":"ping","payload":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`),
      4400,
    ],
    [
      'a subscription before the handshake',
      (socket) => socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: '{viewer{id}}' } })),
      4401,
    ],
    [
      'two handshakes',
      (socket) => {
        for (let i = 0; i < 2; i++) socket.send('{"type":"connection_init"}');
      },
      4429,
    ],
    ['a message of 2 MiB', (socket) => socket.send('x'.repeat(2 << 20)), 1009],
  ])('[SERVE2] %s is closed with the protocol’s code', async (_, act, code) => {
    const server = await startListening();
    const socket = await rawSocket(server);
    act(socket);
    expect((await closeOf(socket))[0]).toBe(code);
    expect((await ask(server.graphqlUrl, '{ viewer { externalId } }')).errors).toBeUndefined();
  });

  it('[SERVE3] pages of other origins, other paths and other names are refused at the handshake', async () => {
    const server = await startListening();
    const status = async (url: string, options: WebSocket.ClientOptions = {}) => {
      const socket = new WebSocket(url, 'graphql-transport-ws', options);
      socket.on('error', () => undefined);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
      socket.terminate();
      return response.statusCode;
    };
    expect(await status(server.wsUrl, { origin: 'https://evil.example' })).toBe(403);
    expect(await status(server.wsUrl, { headers: { host: 'rebound.example' } })).toBe(403);
    expect(await status(server.wsUrl.replace('/graphql', '/elsewhere'))).toBe(404);
  });

  it('[SERVE2] the limits on documents apply here too, and failures are masked', async () => {
    const server = await startListening();
    server.services.catalogue.genres = () => Promise.reject(new Error('the secret inner workings'));
    const client = clientOf(server);
    const first = async (query: string) => {
      try {
        return JSON.stringify((await client.iterate({ query }).next()).value);
      } catch (errors) {
        return JSON.stringify(errors);
      }
    };
    expect(await first(`${'{ a '.repeat(3_000)}${'}'.repeat(3_000)}`)).toMatch(/nested deeper/);
    const masked = await first('{ genres { slug } }');
    expect(masked).toContain('INTERNAL_SERVER_ERROR');
    expect(masked).not.toContain('secret inner');
  });

  it('[SERVE5] [START2] when the server stops, sockets are closed with 1001 and the reason', async () => {
    const engine = new ScriptedEngine({ granted: 0 });
    const server = await startListening({ engine });
    const id = await startDraft(server, 5);
    const socket = await rawSocket(server);
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    socket.send(JSON.stringify({ type: 'subscribe', id: 'a', payload: { query: FOLLOW, variables: { id } } }));
    await once(socket, 'message');
    const closed = closeOf(socket);
    await server.close('the server is stopping (SIGTERM)', 1_000);
    expect(await closed).toEqual([1001, 'the server is stopping (SIGTERM)']);
  });
});
