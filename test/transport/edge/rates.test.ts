import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { type Client, createClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { createRateStore } from '../../../src/db/queries/rate-limits.ts';
import { bearer, secretAuth, tokenOf } from '../../support/access/tokens.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { type Answer, type ListeningOptions, startListening, type TestListening } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const QUERY = '{ viewer { externalId } }';
type Headers = Record<string, string>;

const start = (rates: NonNullable<ListeningOptions['rates']>, more: ListeningOptions = {}) =>
  startListening({ config: { auth: secretAuth }, rates, ...more });

interface Reply extends Answer {
  status: number;
  retryAfter: string | undefined;
}

/** A request from this address of the loopback network. */
async function post(at: TestListening, headers: Headers, body: object = {}, from = '127.0.0.1'): Promise<Reply> {
  const request = httpRequest(at.graphqlUrl, {
    method: 'POST',
    localAddress: from,
    headers: { 'content-type': 'application/json', ...headers },
  });
  request.end(JSON.stringify({ query: QUERY, ...body }));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks = (await response.toArray()) as Buffer[];
  const answer = JSON.parse(Buffer.concat(chunks).toString()) as Answer;
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], ...answer };
}

function expectLimited(reply: Reply): void {
  const [error] = reply.errors ?? [];
  expect(reply.status).toBe(429);
  expect(error?.extensions).toMatchObject({ code: 'RATE_LIMITED' });
  const wait = error?.extensions?.retryAfterMs as number;
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(60_000);
  expect(Number(reply.retryAfter)).toBe(Math.ceil(wait / 1000));
}

function socketClient({ wsUrl }: TestListening, connectionParams: Headers): Client {
  const client = createClient({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams });
  onTestFinished(() => void client.dispose());
  return client;
}

const resultOf = async (client: Client, query = QUERY) =>
  (await client.iterate({ query }).next()).value as Answer | undefined;

const times = <Value>(count: number, make: (i: number) => Promise<Value>): Promise<Value[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

const statuses = (replies: readonly Reply[]): number[] => replies.map(({ status }) => status);

describe('a listener’s rate per minute', () => {
  it('[RATE1] counts HTTP and WebSocket together, and no other listener', async () => {
    const server = await start({ requests: 5 });
    const [ann, bob] = [await bearer('ann'), await bearer('bob')];
    expect(statuses(await times(3, () => post(server, ann)))).toEqual([200, 200, 200]);
    const client = socketClient(server, ann);
    for (let i = 0; i < 2; i++) expect((await resultOf(client))?.data).toBeTruthy();
    const refused = await resultOf(client);
    expect(refused?.errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED' });
    expect(refused?.errors?.[0]?.extensions?.retryAfterMs).toBeGreaterThan(0);
    expectLimited(await post(server, ann));
    expect((await post(server, bob)).data).toEqual({ viewer: { externalId: 'bob' } });
    expect((await resultOf(socketClient(server, bob)))?.data).toBeTruthy();
  });

  it('[RATE1] counts each field of a mutation, in aliases and fragments too, and refused ones are not executed', async () => {
    const server = await start({ mutations: 10 });
    const ann = await bearer('ann');
    const change = (alias: string) => `${alias}: cancelDraft(id: "RHJhZnQ6MQ") { __typename }`;
    const query = `mutation { ...A ... { ${change('c')} } } fragment A on Mutation { ${change('a')} ...B }
      fragment B on Mutation { ${change('b')} }`;
    for (let i = 0; i < 3; i++) expect((await post(server, ann, { query })).status).toBe(200);
    expectLimited(await post(server, ann, { query }));
    expect((await post(server, ann, { query: `mutation { ${change('a')} }` })).status).toBe(200);
    expectLimited(await post(server, ann, { query: `mutation { ${change('a')} }` }));
    expect((await post(server, ann)).status).toBe(200);
  });

  it('[RATE8] is higher for a service, which is counted by its own subject', async () => {
    const server = await start({ requests: 1 });
    const service = await bearer('backend', { roles: ['SERVICE'] });
    const as = (name: string) => post(server, { ...service, 'x-listener-id': name });
    const replies = await times(21, (i) => as(`listener ${i}`));
    expect(statuses(replies).filter((status) => status === 200)).toHaveLength(20);
    expect((await post(server, await bearer('listener 1'))).status).toBe(200);
  });

  it('[RATE2] counts each item of feedback, and a refused batch records nothing and uses up nothing', async () => {
    const database = await testDatabase();
    await addTracks(database, someTracks(3));
    const server = await start({ feedback: 10 }, { database });
    const ann = await bearer('ann');
    const trackId = Buffer.from('Track:1').toString('base64url');
    const query = `mutation ($input: [FeedbackInput!]!) { recordFeedbackBatch(input: $input) { __typename } }`;
    const send = (items: number) =>
      post(server, ann, {
        query,
        variables: { input: Array.from({ length: items }, () => ({ trackId, kind: 'PLAY' })) },
      });
    const rows = async () => (await database.sql<{ n: number }[]>`select count(*)::int as n from feedback`)[0]?.n;
    expect((await send(7)).errors).toBeUndefined();
    expectLimited(await send(4));
    expect(await rows()).toBe(7);
    expect((await send(3)).errors).toBeUndefined();
    const one = `mutation { recordFeedback(input: { trackId: "${trackId}", kind: LIKE }) { __typename } }`;
    expectLimited(await post(server, ann, { query: one }));
    const state = `mutation { setReaction(trackId: "${trackId}", reaction: LIKE) { __typename } }`;
    expectLimited(await post(server, ann, { query: state }));
    expect(await rows()).toBe(10);
  });
});

describe('an address’s rate per minute', () => {
  it('[RATE1] is counted before authentication, and for no other address', async () => {
    const server = await start({ address: 4 });
    const replies = await times(4, () => post(server, {}));
    expect(statuses(replies)).toEqual([401, 401, 401, 401]);
    expectLimited(await post(server, await bearer('ann')));
    expect((await post(server, await bearer('ann'), {}, '127.0.0.2')).status).toBe(200);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });

  it('[RATE3] is lower for invalid tokens, which do not block callers with a valid one', async () => {
    const server = await start({ failures: 5 });
    const [ann, bob] = [await bearer('ann'), await bearer('bob')];
    expect((await post(server, ann)).status).toBe(200);
    const forged = (i: number) => post(server, { authorization: `Bearer x.y.${i}` });
    expect(statuses(await times(5, forged))).toEqual([401, 401, 401, 401, 401]);
    expectLimited(await forged(6));
    expectLimited(await post(server, bob));
    expect((await post(server, ann)).status).toBe(200);
    expect((await post(server, bob, {}, '127.0.0.2')).status).toBe(200);
    const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: 'Bearer x.y.z' } }));
    expect((await once(socket, 'close'))[0]).toBe(1013);
  });

  it('[RATE3] does not count expired or missing tokens as invalid', async () => {
    const server = await start({ failures: 2 });
    const old = { authorization: `Bearer ${await tokenOf({ sub: 'ann' }, 1_000_000)}` };
    expect(statuses(await times(5, (i) => post(server, i % 2 ? old : {})))).toEqual([401, 401, 401, 401, 401]);
    expect((await post(server, await bearer('ann'))).status).toBe(200);
  });
});

describe('behind a proxy', () => {
  const through = (server: TestListening, forwarded: string, from = '127.0.0.1') =>
    post(server, { 'x-forwarded-for': forwarded }, {}, from);

  it('[RATE5] the address is the one that the trusted proxy saw, whatever a client puts before it', async () => {
    const server = await start({ address: 2, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    expect((await through(server, '203.0.113.1')).status).toBe(401);
    expect((await through(server, 'made up, 198.51.100.7,203.0.113.1')).status).toBe(401);
    expectLimited(await through(server, '10.1.2.3, 203.0.113.1, 10.0.0.9'));
    expectLimited(await through(server, '203.0.113.1:4711'));
    expect((await through(server, '203.0.113.2')).status).toBe(401);
  });

  it('[RATE5] X-Forwarded-For from any other peer is ignored', async () => {
    const server = await start({ address: 2, trustedProxies: ['10.0.0.0/8'] });
    for (const made of ['203.0.113.1', '203.0.113.2']) expect((await through(server, made)).status).toBe(401);
    expectLimited(await through(server, '203.0.113.3'));
  });

  it('[RATE5] IPv6 counts by /64 network, an IPv4-mapped address as IPv4', async () => {
    const server = await start({ address: 2, trustedProxies: ['loopback'] });
    for (const one of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::7'])
      expect((await through(server, one)).status).toBe(401);
    expectLimited(await through(server, '2001:0db8:0001:0002:1:2:3:4'));
    expectLimited(await through(server, '[2001:db8:1:2::9]:443'));
    expect((await through(server, '2001:db8:1:3::1')).status).toBe(401);
    for (const one of ['::ffff:203.0.113.9', '203.0.113.9']) expect((await through(server, one)).status).toBe(401);
    expectLimited(await through(server, '203.0.113.9'));
  });
});

describe('open connections', () => {
  const open = async ({ wsUrl }: TestListening, headers: Headers = {}, from = '127.0.0.1') => {
    const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers, localAddress: from });
    onTestFinished(() => socket.terminate());
    const [event, fact] = await Promise.race([
      once(socket, 'open').then(() => ['open', null] as const),
      once(socket, 'unexpected-response').then(([, response]) => ['refused', response as IncomingMessage] as const),
    ]);
    return { socket, event, response: fact };
  };
  const begin = async (socket: WebSocket): Promise<unknown> => {
    socket.send(JSON.stringify({ type: 'connection_init' }));
    return Promise.race([
      once(socket, 'message').then(() => 'acknowledged'),
      once(socket, 'close').then(([code]) => code as number),
    ]);
  };

  it('[RATE6] of an address: one too many is refused with 429, and accepted when another has closed', async () => {
    const server = await start({ socketsPerAddress: 3 });
    const held = await times(3, () => open(server));
    expect(held.map(({ event }) => event)).toEqual(['open', 'open', 'open']);
    const refused = await open(server);
    expect(refused.response?.statusCode).toBe(429);
    expect(Number(refused.response?.headers['retry-after'])).toBe(30);
    expect((await open(server, {}, '127.0.0.2')).event).toBe('open');
    held[0]?.socket.terminate();
    await expect.poll(async () => (await open(server)).event).toBe('open');
  });

  it('[RATE6] of a listener, sockets and streams together: one too many is closed with 1013 or gets an error', async () => {
    const database = await testDatabase();
    await addTracks(database, someTracks(3));
    const server = await start({ socketsPerListener: 2 }, { database });
    const [ann, bob] = [await bearer('ann'), await bearer('bob')];
    const first = (await open(server, ann)).socket;
    expect(await begin(first)).toBe('acknowledged');
    const query = 'subscription { recommendations(first: 1) { requestId } }';
    const stream = async () => {
      const leave = new AbortController();
      onTestFinished(() => leave.abort());
      const headers = { ...ann, 'content-type': 'application/json', accept: 'text/event-stream' };
      const options = { method: 'POST', headers, body: JSON.stringify({ query }), signal: leave.signal };
      const reader = (await fetch(server.graphqlUrl, options)).body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (!/requestId|RATE_LIMITED/.test(text)) text += (await reader?.read())?.value ?? 'the end: RATE_LIMITED?';
      return { text, leave: () => leave.abort() };
    };
    const streamed = await stream();
    expect(streamed.text).toContain('requestId');
    expect((await stream()).text).toContain('"RATE_LIMITED"');
    expect(await begin((await open(server, ann)).socket)).toBe(1013);
    expect(await begin((await open(server, bob)).socket)).toBe('acknowledged');
    streamed.leave();
    await expect.poll(async () => begin((await open(server, ann)).socket)).toBe('acknowledged');
  });

  it('[RATE6] 1,000 sockets that close during the handshake are all released', async () => {
    const server = await start({ socketsPerAddress: 20, socketsPerListener: 20 });
    const ann = await bearer('ann');
    for (let round = 0; round < 50; round++) {
      await times(20, async () => {
        const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws', { headers: ann });
        socket.on('error', () => undefined);
        socket.once('open', () => {
          socket.send(JSON.stringify({ type: 'connection_init' }));
          socket.terminate();
        });
        await once(socket, 'close');
      });
    }
    const all = async () => {
      const sockets = await times(20, () => open(server, ann));
      const begun = await Promise.all(
        sockets.map(async ({ socket, event }) => (event === 'open' ? begin(socket) : event)),
      );
      for (const { socket } of sockets) socket.terminate();
      return begun;
    };
    await expect.poll(all).toEqual(Array.from({ length: 20 }, () => 'acknowledged'));
  });
});

describe('several nodes on one database', () => {
  it('[RATE4] together grant a listener one limit, plus at most one portion for each node', async () => {
    const database = await testDatabase();
    const node = () => start({ requests: 100 }, { database, rateStore: createRateStore(database) });
    const nodes = [await node(), await node()] as const;
    const ann = await bearer('ann');
    const told = async () =>
      (await database.sql<{ n: number }[]>`select coalesce(sum(points), 0)::int as n from rate_limits`)[0]?.n;
    let granted = 0;
    for (let round = 1; round <= 10; round++) {
      for (const one of nodes)
        granted += statuses(await times(5, () => post(one, ann))).filter((status) => status === 200).length;
      await expect.poll(told).toBe(granted);
    }
    expect(granted).toBe(100);
    for (const one of nodes) {
      await times(5, () => post(one, ann));
      await expect.poll(async () => (await post(one, ann)).status).toBe(429);
    }
    expect((await post(nodes[0], await bearer('bob'))).status).toBe(200);
  });
});
