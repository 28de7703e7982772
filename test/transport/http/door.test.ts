import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { startListening, type TestListening } from '../../support/listening.ts';
import { sendRaw } from '../../support/network/raw-http.ts';

const JSON_BODY = { 'content-type': 'application/json' };
const body = JSON.stringify({ query: '{ __typename }' });
const APP = 'https://app.example.com';

/** A request as a browser sends it, which `fetch` does not let a program say for itself. */
async function asBrowser(
  { url }: TestListening,
  headers: Record<string, string>,
  { method = 'POST', path = '/graphql' } = {},
): Promise<{ status: number; head: string; body: string }> {
  const content = method === 'POST' ? body : '';
  const all = { host: new URL(url).host, connection: 'close', ...(content && JSON_BODY), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return sendRaw(
    url,
    `${method} ${path} HTTP/1.1\r\n${lines.join('')}content-length: ${content.length}\r\n\r\n${content}`,
  );
}

describe('[HTTP1] a Host', () => {
  it.each(['[', 'a b', 'x:99999', 'x:', 'a/b', 'user@x', '[::1', 'x:1:2', '<script>'])(
    '%j is not a valid host, which is 400 on every path',
    async (host) => {
      const server = await startListening({ config: withAuth });
      for (const path of ['/graphql', '/', '/health/live', '/metrics', '/nothing']) {
        const answer = await asBrowser(server, { host }, { path });
        expect(answer.status, path).toBe(400);
        expect(answer.body).toContain('BAD_REQUEST');
        expect(answer.body).not.toMatch(/node_modules|\bat |file:/);
      }
    },
  );

  it('that occurs twice is refused', async () => {
    const { url } = await startListening({ config: withAuth });
    const { host } = new URL(url);
    const text = `GET /graphql?query={__typename} HTTP/1.1\r\nhost: ${host}\r\nHost: other.example\r\nconnection: close\r\n\r\n`;
    expect(await sendRaw(url, text)).toMatchObject({ status: 400 });
  });

  it('of every valid form is accepted', async () => {
    const server = await startListening({ config: withAuth });
    for (const host of ['api.example.com', 'api.example.com:8443', '[::1]:4000', '10.0.0.1', 'my_service:4000']) {
      expect((await asBrowser(server, { host }, { path: '/health/live', method: 'GET' })).status, host).toBe(200);
    }
  });

  it.each(['*', 'http://[/graphql', 'http://example.com/graphql', 'graphql'])(
    'is not blamed for the target %j, which is refused as no path',
    async (target) => {
      const server = await startListening({ config: withAuth });
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await asBrowser(server, {}, { method, path: target });
        expect(answer.status).toBe(400);
        expect(answer.body).toMatch(/target .* is not a path|^$/);
      }
    },
  );

  it('that is invalid does not open a WebSocket either', async () => {
    const { url } = await startListening({ config: withAuth });
    const upgrade = 'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';
    const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n';
    expect(await sendRaw(url, `GET /graphql HTTP/1.1\r\nhost: x:99999\r\n${upgrade}${key}\r\n`)).toMatchObject({
      status: 400,
    });
  });
});

describe('[HTTP4] requests across sites', () => {
  const SITES = ['cross-site', 'same-site', 'something-new'];

  it.each(SITES)('%s are refused, whatever they request', async (site) => {
    const server = await startListening();
    const headers = { 'sec-fetch-site': site };
    expect((await asBrowser(server, headers)).status).toBe(403);
    const path = '/graphql?query={__typename}';
    const image = { ...headers, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', accept: 'image/*' };
    expect((await asBrowser(server, image, { method: 'GET', path })).status).toBe(403);
    const frame = { ...headers, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', accept: 'text/html' };
    expect((await asBrowser(server, frame, { method: 'GET' })).status).toBe(403);
    const form = { ...headers, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' };
    expect((await asBrowser(server, form)).status).toBe(403);
  });

  it('do not include those from the same site, typed addresses and other programs, which are accepted', async () => {
    const server = await startListening();
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, {}]) {
      expect((await asBrowser(server, headers)).status).toBe(200);
    }
  });

  it('are accepted from configured origins, including those of web views', async () => {
    const corsOrigins = [APP, 'capacitor://localhost', 'tauri://localhost', 'ionic://localhost'];
    const server = await startListening({ config: { corsOrigins } });
    for (const origin of corsOrigins) {
      const answer = await asBrowser(server, { 'sec-fetch-site': 'cross-site', origin });
      expect(answer.status, origin).toBe(200);
      expect(answer.head.toLowerCase()).toContain(`access-control-allow-origin: ${origin}`);
    }
    const other = { 'sec-fetch-site': 'cross-site', origin: 'capacitor://elsewhere' };
    expect((await asBrowser(server, other)).status).toBe(403);
  });

  it('by following a link open the page, and nothing else', async () => {
    const server = await startListening();
    const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const page = await asBrowser(server, { ...followed, accept: 'text/html,*/*' }, { method: 'GET' });
    expect(page.status).toBe(200);
    expect(page.head).toContain('text/html');
    const path = '/graphql?query={__typename}';
    const data = await asBrowser(server, { ...followed, accept: 'application/json' }, { method: 'GET', path });
    expect(data.status).toBe(403);
  });

  it('do not open a WebSocket', async () => {
    const { wsUrl } = await startListening({ config: { corsOrigins: [APP] } });
    const open = (headers: Record<string, string>) =>
      new Promise((resolve) => {
        const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers });
        const end = (outcome: unknown): void => {
          socket.terminate();
          resolve(outcome);
        };
        socket.on('open', () => end('open'));
        socket.on('unexpected-response', (_, response) => end(response.statusCode));
        socket.on('error', () => undefined);
      });
    expect(await open({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await open({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await open({ 'sec-fetch-site': 'cross-site', origin: APP })).toBe('open');
    expect(await open({ 'sec-fetch-site': 'same-origin' })).toBe('open');
  });
});

describe('[HTTP5] a page of a configured origin can read every answer', () => {
  const cors = async () => {
    const server = await startListening({
      config: { ...withAuth, corsOrigins: [APP] },
      limits: { messageBytes: 1024 },
    });
    const send = async (headers: Record<string, string>, content: string, path = '/graphql') =>
      fetch(`${server.url}${path}`, {
        ...(content && { method: 'POST', body: content }),
        headers: { origin: APP, ...headers },
      });
    return { server, send };
  };

  it('including refusals', async () => {
    const { server, send } = await cors();
    const known = { ...(await bearer({ sub: 'ann' })), ...JSON_BODY };
    const answers = {
      200: await send(known, body),
      400: await send(known, '{'),
      401: await send(JSON_BODY, body),
      404: await send({}, '', '/nothing'),
      405: await fetch(server.graphqlUrl, { method: 'DELETE', headers: { origin: APP, ...known } }),
      406: await send({ ...known, accept: 'image/png' }, body),
      413: await send(known, JSON.stringify({ query: `# ${'x'.repeat(2000)}` })),
      415: await send({ ...known, 'content-type': 'text/plain' }, body),
    };
    for (const [status, answer] of Object.entries(answers)) {
      expect(answer.status).toBe(Number(status));
      expect(answer.headers.get('access-control-allow-origin'), status).toBe(APP);
      expect(answer.headers.get('vary'), status).toContain('Origin');
    }
  });

  it('including 429 with Retry-After, 431 and streams of events', async () => {
    const server = await startListening({ config: { ...withAuth, corsOrigins: [APP] }, rates: { requests: 2 } });
    const known = { ...(await bearer({ sub: 'ann' })), ...JSON_BODY, origin: APP };
    const send = (headers: Record<string, string>, content = body) =>
      fetch(server.graphqlUrl, { method: 'POST', headers: { ...known, ...headers }, body: content });
    const live = JSON.stringify({ query: 'subscription { recommendations { requestId } }' });
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, '1']));
    const answers: [number, Response][] = [
      [200, await send({ accept: 'text/event-stream' }, live)],
      [200, await send({})],
      [429, await send({})],
      [431, await send(many)],
    ];
    for (const [status, answer] of answers) {
      expect(answer.status).toBe(status);
      expect(answer.headers.get('access-control-allow-origin'), `${status}`).toBe(APP);
      expect(answer.headers.get('access-control-expose-headers'), `${status}`).toContain('Retry-After');
      await answer.body?.cancel();
    }
    expect(answers.find(([, { status }]) => status === 429)?.[1].headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('including that the identity provider is unavailable', async () => {
    const auth = { kind: 'jwks', url: 'http://127.0.0.1:1/jwks', issuer: null, audience: null } as const;
    const { graphqlUrl } = await startListening({ config: { auth, corsOrigins: [APP] } });
    const { privateKey } = await generateKeyPair('ES256');
    const signing = new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'ES256' }).setExpirationTime('1h');
    const headers = { ...JSON_BODY, authorization: `Bearer ${await signing.sign(privateKey)}`, origin: APP };
    const answer = await fetch(graphqlUrl, { method: 'POST', headers, body });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([503, APP]);
    expect(await answer.text()).not.toContain('database');
  });

  it('and may send a preflight request and cache the answer', async () => {
    const { server } = await cors();
    const asked = {
      origin: APP,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    const { status, headers } = await fetch(server.graphqlUrl, { method: 'OPTIONS', headers: asked });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    expect(headers.get('access-control-allow-headers')).toBe('authorization');
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
    expect(headers.get('vary')).toBe('Origin, Access-Control-Request-Headers');
    const foreign = await fetch(server.graphqlUrl, {
      method: 'OPTIONS',
      headers: { ...asked, origin: 'https://x.example' },
    });
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });
});

describe('[HTTP3] every answer', () => {
  it('forbids framing, MIME sniffing and sending its address as a referrer', async () => {
    const server = await startListening();
    const asked = [
      fetch(server.graphqlUrl, { method: 'POST', headers: JSON_BODY, body }),
      fetch(server.graphqlUrl, { headers: { accept: 'text/html' } }),
      ...['/health/live', '/metrics', '/nothing'].map((path) => fetch(`${server.url}${path}`)),
      fetch(server.graphqlUrl, { method: 'POST', body: 'x' }),
    ];
    for (const { url, status, headers } of await Promise.all(asked)) {
      const told = `${status} ${url}`;
      expect(headers.get('content-security-policy'), told).toContain("frame-ancestors 'none'");
      expect(headers.get('content-security-policy'), told).toContain("default-src 'none'");
      expect(headers.get('x-frame-options'), told).toBe('DENY');
      expect(headers.get('x-content-type-options'), told).toBe('nosniff');
      expect(headers.get('referrer-policy'), told).toBe('no-referrer');
    }
  });
});
