import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { MAX_TOKENS } from '../../src/transport/documents/limits.ts';
import { MAX_ALIASES, MAX_DEPTH } from '../../src/transport/documents/shape.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;

const token = (claims: Record<string, unknown>, expires: string | number = '1h') =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));

const viewer = '{ viewer { externalId displayName } }';

describe('the viewer', () => {
  it('[AUTH1] is the demo listener, or the one that X-Listener-Id names, without authentication', async () => {
    const { graphqlUrl } = await startListening();
    expect((await ask(graphqlUrl, viewer)).data).toMatchObject({ viewer: { externalId: 'demo' } });
    const named = await ask(graphqlUrl, viewer, {}, { 'x-listener-id': 'ann' });
    expect(named.data).toMatchObject({ viewer: { externalId: 'ann' } });
    const long = await ask(graphqlUrl, viewer, {}, { 'x-listener-id': 'x'.repeat(300) });
    expect(long.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'X-Listener-Id' });
  });

  it('[AUTH1] is the subject of the token, whatever the header says', async () => {
    const { graphqlUrl } = await startListening({ config: { auth } });
    const headers = { authorization: `Bearer ${await token({ sub: 'bob', name: 'Bob' })}`, 'x-listener-id': 'ann' };
    expect((await ask(graphqlUrl, viewer, {}, headers)).data).toEqual({
      viewer: { externalId: 'bob', displayName: 'Bob' },
    });
  });

  it('[AUTH1] acts for the listener it names if it is a service', async () => {
    const { graphqlUrl } = await startListening({ config: { auth } });
    const service = await token({ sub: 'backend', roles: ['SERVICE'] });
    const headers = { authorization: `Bearer ${service}`, 'x-listener-id': 'ann' };
    expect((await ask(graphqlUrl, viewer, {}, headers)).data).toMatchObject({ viewer: { externalId: 'ann' } });
  });

  it.each([
    ['no token', () => ({})],
    [
      'a token signed with another key',
      async () => ({ authorization: `Bearer ${(await token({ sub: 'x' })).slice(0, -3)}abc` }),
    ],
    ['an expired token', async () => ({ authorization: `Bearer ${await token({ sub: 'x' }, 1_000_000)}` })],
    ['a token without a subject', async () => ({ authorization: `Bearer ${await token({})}` })],
    ['a token of no algorithm', () => ({ authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.' })],
    ['something else', () => ({ authorization: 'Basic YTpi' })],
  ])('[AUTH2] %s is refused with 401', async (_, headersOf) => {
    const { graphqlUrl } = await startListening({ config: { auth } });
    const headers = { 'content-type': 'application/json', ...(await Promise.resolve(headersOf())) };
    const response = await fetch(graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query: viewer }) });
    expect(response.status).toBe(401);
    const body = (await response.json()) as { errors: unknown[] };
    expect(body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  it('[AUTH3] needs a role for restricted operations', async () => {
    const { graphqlUrl } = await startListening({ config: { auth } });
    const mutation = `mutation { upsertTracks(input: [{ externalId: "t", title: "T", artist: "A" }]) { __typename } }`;
    const as = async (roles: unknown) => {
      const headers = { authorization: `Bearer ${await token({ sub: 'x', roles })}` };
      return (await ask(graphqlUrl, mutation, {}, headers)).data;
    };
    expect(await as(undefined)).toEqual({ upsertTracks: { __typename: 'ForbiddenError' } });
    expect(await as(['ADMIN'])).toEqual({ upsertTracks: { __typename: 'UpsertTracksSuccess' } });
  });
});

describe('the door', () => {
  it('[SERVE3] pages of other origins are refused, configured ones accepted', async () => {
    const { graphqlUrl } = await startListening({ config: { corsOrigins: ['https://app.example.com'] } });
    const from = (origin: string) =>
      fetch(graphqlUrl, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: JSON.stringify({ query: viewer }),
      });
    expect((await from('https://evil.example')).status).toBe(403);
    const allowed = await from('https://app.example.com');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect((await from(new URL(graphqlUrl).origin)).status).toBe(200);
  });

  it('[SERVE3] without authentication only requests to the machine’s own host names are answered', async () => {
    const { url } = await startListening();
    const { port } = new URL(url);
    const status = await new Promise((resolve, reject) => {
      const headers = { host: `rebound.example:${port}`, accept: 'application/json' };
      const request = httpRequest({ port, host: '127.0.0.1', path: '/graphql?query={viewer{id}}', headers });
      request
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('[SERVE7] a stream requested as JSON is refused with the media type to accept', async () => {
    const { graphqlUrl } = await startListening();
    const query = encodeURIComponent('subscription { recommendations { requestId } }');
    const response = await fetch(`${graphqlUrl}?query=${query}`, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(406);
    const message = 'This operation can be answered as text/event-stream: name it in the Accept header.';
    expect(await response.json()).toEqual({ errors: [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }] });
  });

  it('[SERVE4] health, the root and unknown paths', async () => {
    const { url } = await startListening();
    expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'live' });
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({
      status: 'ready',
      database: 'up',
      writer: 'READY',
    });
    expect((await fetch(url, { redirect: 'manual' })).headers.get('location')).toBe('/graphql');
    const missing = await fetch(`${url}/nothing`);
    expect([missing.status, await missing.json()]).toMatchObject([
      404,
      { errors: [{ extensions: { code: 'NOT_FOUND' } }] },
    ]);
  });
});

describe('limits of a document', () => {
  const deep = (levels: number) =>
    `{ tracks(first: 1) ${'{ nodes { similar(first: 1) '.repeat(levels)} { nodes { rank } } ${'} }'.repeat(levels)} }`;
  const nested = (levels: number) => `${'{ a '.repeat(levels)}${'}'.repeat(levels)}`;

  it.each([
    ['too deep', deep(MAX_DEPTH)],
    ['5,000 deep, which overflows a parser', nested(5_000)],
    ['100,000 tokens', `{ ${'__typename '.repeat(100_000)} }`],
    ['20,000 aliases', `{ ${Array.from({ length: 20_000 }, (_, i) => `a${i}: __typename`).join(' ')} }`],
    [
      'more aliases than allowed',
      `{ ${Array.from({ length: MAX_ALIASES + 1 }, (_, i) => `a${i}: genres { slug }`).join(' ')} }`,
    ],
    ['a fragment that spreads itself', 'query { ...F } fragment F on Query { ...F }'],
    ['no GraphQL', 'recommend me something'],
    ['an unknown field', '{ nothing }'],
  ])('[SERVE2] %s is refused before anything runs', async (_, query) => {
    const { graphqlUrl } = await startListening();
    const answer = await ask(graphqlUrl, query);
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors?.length).toBeGreaterThan(0);
    expect(answer.errors?.every(({ extensions }) => extensions?.code !== 'INTERNAL_SERVER_ERROR')).toBe(true);
  });

  it('[SERVE2] the introspection query of GraphiQL and code generators is within the limits', async () => {
    const { getIntrospectionQuery } = await import('graphql');
    const { graphqlUrl } = await startListening();
    const { errors } = await ask(
      graphqlUrl,
      getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }),
    );
    expect(errors).toBeUndefined();
    expect(MAX_TOKENS).toBeGreaterThan(500);
  });

  it('[SERVE2] a body of 100 MB is refused at its first megabyte, and the next request is served', async () => {
    const { graphqlUrl, url } = await startListening();
    const chunk = Buffer.alloc(1 << 20, 0x20);
    let written = 0;
    const status = await new Promise<number | string>((resolve) => {
      const request = httpRequest(graphqlUrl, { method: 'POST', headers: { 'content-type': 'application/json' } });
      request.on('response', (response) => resolve(response.resume().statusCode ?? 0));
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      const more = (): void => {
        while (written < 100 && !request.destroyed) {
          written++;
          if (!request.write(chunk)) return;
        }
        if (!request.destroyed) request.end();
      };
      request.on('drain', more);
      more();
    });
    expect([413, 'ECONNRESET', 'EPIPE']).toContain(status);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('[SERVE2] declared lengths, forms and mutations by GET are refused', async () => {
    const { graphqlUrl } = await startListening();
    const post = (headers: Record<string, string>, body: string) =>
      fetch(graphqlUrl, { method: 'POST', headers, body }).then(({ status }) => status);
    expect(await post({ 'content-type': 'application/json' }, ' '.repeat(2 << 20))).toBe(413);
    expect(await post({ 'content-type': 'application/json' }, '{"query": ')).toBe(400);
    expect(await post({ 'content-type': 'text/plain' }, '{"query":"{viewer{id}}"}')).toBe(415);
    const mutation = encodeURIComponent('mutation { cancelDraft(id: "x") { __typename } }');
    expect((await fetch(`${graphqlUrl}?query=${mutation}`, { headers: { accept: 'application/json' } })).status).toBe(
      405,
    );
  });
});

describe('failures', () => {
  it('[ERR1] an unexpected one is masked under an id that is also in the log', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const { graphqlUrl, services } = await startListening({ log });
    services.catalogue.genres = () => Promise.reject(new Error('the secret inner workings'));
    const { errors } = await ask(graphqlUrl, '{ genres { slug } }');
    expect(errors).toMatchObject([{ path: ['genres'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(JSON.stringify(errors)).not.toContain('secret inner');
    const logged = lines.find((line) => line.includes(String(errors?.[0]?.extensions?.incidentId)));
    expect(logged).toContain('the secret inner workings');
  });

  it('[ERR1] a result that violates the contract is the server’s failure, not the request’s', async () => {
    const { graphqlUrl, services } = await startListening();
    const [model] = services.engine.models();
    services.engine.models = () => [{ ...model!, contextTokens: 2 ** 40 }];
    const { errors } = await ask(graphqlUrl, '{ models { contextTokens } }');
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  });

  it('[ERR3] a variable of the wrong type is the request’s error, which names it', async () => {
    const { graphqlUrl } = await startListening();
    const body = JSON.stringify({
      query: 'query ($n: Int) { tracks(first: $n) { totalCount } }',
      variables: { n: 'ten' },
    });
    const response = await fetch(graphqlUrl, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
    });
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { message: string; extensions: unknown }[] };
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors[0]?.message).toContain('$n');
  });

  it('[DB6] an unavailable database has its own error code', async () => {
    const { graphqlUrl, services } = await startListening();
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    services.catalogue.genres = () => Promise.reject(away);
    expect((await ask(graphqlUrl, '{ genres { slug } }')).errors?.[0]?.extensions).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
  });

  it('a request that is aborted or malformed affects no other', async () => {
    const { url, graphqlUrl } = await startListening();
    const { port } = new URL(url);
    for (const text of [
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"que',
      '\x00\x01\x02\r\n\r\n',
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(text);
      socket.destroy();
    }
    expect((await ask(graphqlUrl, viewer)).errors).toBeUndefined();
  });
});

describe('streams over server-sent events', () => {
  it('[SERVE5] end with a reason when the server stops', async () => {
    const database = await testDatabase();
    await addTracks(database, someTracks(5));
    const server = await startListening({ database });
    const query = encodeURIComponent('subscription { recommendations(first: 2) { nodes { rank } } }');
    const response = await fetch(`${server.graphqlUrl}?query=${query}`, { headers: { accept: 'text/event-stream' } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('rank')) {
      const next = await reader?.read();
      if (!next || next.done) throw new Error(`The stream ended with ${text}`);
      text += next.value;
    }
    const closing = server.close('the server is stopping', 1_000);
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) text += next.value;
    await closing;
    expect(text).toContain('GOING_AWAY');
    expect(text).toContain('event: complete');
  });
});
