import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { ask, type ListeningOptions, startListening, type TestListening } from '../../support/listening.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
const viewer = '{ viewer { externalId displayName } }';
const HOUR = 3600;
const now = (): number => Math.floor(Date.now() / 1000);

/** Signs the text of a payload as it is, so that it may hold what no library would write. */
async function signed(payload: string): Promise<string> {
  const { CompactSign } = await import('jose');
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

const tokenOf = (claims: object): Promise<string> => signed(JSON.stringify({ exp: now() + HOUR, ...claims }));

/** What the two transports make of a token: status and code over HTTP, close code and reason over WebSocket. */
async function refusals(server: TestListening, token: string) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(server.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query: viewer }) });
  const { errors } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  const [code, reason] = await closeOf(server, { authorization: `Bearer ${token}` });
  const [error] = errors ?? [];
  return { status: response.status, code: error?.extensions.code, message: error?.message, close: code, reason };
}

/** How a connection with these parameters ends; one that is acknowledged is told as 0. */
async function closeOf({ wsUrl }: TestListening, payload: object): Promise<[number, string]> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  return new Promise((resolve) => {
    socket.on('message', () => resolve([0, '']));
    socket.on('close', (code, reason) => resolve([code, reason.toString()]));
  });
}

describe('the subject of a token', () => {
  const BAD: [string, string][] = [
    ['is a number', '1'],
    ['is a list', '["alice"]'],
    ['is an object', '{"toString":"alice"}'],
    ['is null', 'null'],
    ['is empty', '""'],
    ['is white space', '" \\t"'],
    ['has white space around it', '" alice "'],
    ['ends with a line', '"alice\\n"'],
    ['has a byte order mark', '"\\ufeffalice"'],
    ['holds NUL', '"ali\\u0000ce"'],
    ['has an unpaired surrogate', '"ali\\ud83dce"'],
    ['has 129 characters', `"${'x'.repeat(129)}"`],
    ['has 10,000 characters', `"${'x'.repeat(10_000)}"`],
  ];
  it.each(BAD)('[AUTH4] that %s is refused, over HTTP with 401, over WebSocket with 4403', async (_, sub) => {
    const server = await startListening({ config: { auth } });
    const answer = await refusals(server, await signed(`{"exp":${now() + HOUR},"sub":${sub}}`));
    expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', close: 4403 });
    expect(answer.reason).not.toBe('');
    const [row] = await server.database.sql<{ count: number }[]>`select count(*)::int from listeners`;
    expect(row?.count).toBe(0);
  });

  it.each(['alice', 'Alice', 'a lice', '坂本', '😀'.repeat(128), 'x'.repeat(128), '__proto__', 'null'])(
    '[AUTH4] is taken exactly as it was signed: %s',
    async (sub) => {
      const server = await startListening({ config: { auth } });
      const headers = { authorization: `Bearer ${await tokenOf({ sub })}` };
      expect((await ask(server.graphqlUrl, viewer, {}, headers)).data).toMatchObject({ viewer: { externalId: sub } });
    },
  );

  it('[AUTH4] a display name that cannot be shown does not prevent access', async () => {
    const server = await startListening({ config: { auth } });
    for (const name of ['', ' ', 7, 'x'.repeat(300), 'a\u0000b', ['A']]) {
      const sub = `of ${JSON.stringify(name).length}`;
      const headers = { authorization: `Bearer ${await tokenOf({ sub, name })}` };
      const { data } = await ask(server.graphqlUrl, viewer, {}, headers);
      expect(data).toEqual({ viewer: { externalId: sub, displayName: sub } });
    }
  });
});

describe('the times of a token', () => {
  it.each([
    ['no end', ''],
    ['an end in three thousand years', `"exp":1e14`],
    ['an end that is no date', `"exp":1e400`],
    ['an end that is a text', `"exp":"9999999999"`],
    ['an end a day too late', `"exp":${now() + 31 * 24 * HOUR}`],
    ['an end that is null', `"exp":null`],
    ['a beginning in the future', `"exp":${now() + HOUR},"nbf":${now() + HOUR / 2}`],
    ['a beginning that is a text', `"exp":${now() + HOUR},"nbf":"soon"`],
    ['an issue in the future', `"exp":${now() + HOUR},"iat":${now() + HOUR / 2}`],
    ['an issue that is a text', `"exp":${now() + HOUR},"iat":"now"`],
  ])('[AUTH5] with %s is refused with 401 and 4403', async (_, claims) => {
    const server = await startListening({ config: { auth } });
    const answer = await refusals(server, await signed(`{"sub":"x"${claims && ','}${claims}}`));
    expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', close: 4403 });
  });

  it('[AUTH5] may be as far in the future as configured, and no further', async () => {
    const server = await startListening({ config: { auth: { ...auth, maxHours: 2 } } });
    expect((await refusals(server, await tokenOf({ sub: 'x', exp: now() + 2 * HOUR }))).close).toBe(0);
    const later = await refusals(server, await tokenOf({ sub: 'x', exp: now() + 3 * HOUR }));
    expect(later).toMatchObject({ status: 401, message: expect.stringContaining('CADENZA_JWT_MAX_HOURS') as string });
  });
});

describe('an invalid token', () => {
  const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url');
  it.each([
    ['dots', '...'],
    ['12,000 letters', 'x'.repeat(12_000)],
    ['another algorithm', `${header({ alg: 'RS256' })}.e30.AA`],
    ['no algorithm', `${header({ alg: 'none' })}.e30.`],
    ['an algorithm that is a list', `${header({ alg: ['HS256'] })}.e30.AA`],
    ['a header that is null', `${Buffer.from('null').toString('base64url')}.e30.AA`],
    ['a critical header', `${header({ alg: 'HS256', crit: ['x'], x: 1 })}.e30.AA`],
  ])('[AUTH2] %s is refused with 401 and 4403', async (_, token) => {
    const server = await startListening({ config: { auth } });
    expect(await refusals(server, token)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', close: 4403 });
  });

  it.each(['[]', '"x"', '17', '{', ''])('[AUTH2] a payload of %s is refused as well', async (payload) => {
    const server = await startListening({ config: { auth } });
    expect(await refusals(server, await signed(payload))).toMatchObject({ status: 401, close: 4403 });
  });
});

describe('the roles of a token', () => {
  const listeners = '{ viewer { externalId } }';
  const withRoles = async (server: TestListening, roles: unknown) =>
    ask(server.graphqlUrl, listeners, {}, { authorization: `Bearer ${await tokenOf({ sub: 'x', roles })}` });

  it('[AUTH6] that are unknown grant nothing, and are logged once each, up to a limit', async () => {
    const lines: { role: string; msg: string }[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]);
    const server = await startListening({ config: { auth }, log: pino({ level: 'warn' }, { write }) });
    for (const roles of [['editor'], 'editor', [], '', ['listener'], ['x'.repeat(5_000)]]) {
      expect((await withRoles(server, roles)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    }
    expect(lines.map(({ role }) => role)).toEqual(['editor', 'listener', 'x'.repeat(64)]);
    for (let i = 0; i < 40; i++) await withRoles(server, [`role ${i}`]);
    expect(lines).toHaveLength(20);
    expect((await refusals(server, await tokenOf({ sub: 'x', roles: ['editor'] }))).close).toBe(4403);
  });

  it('[AUTH6] that are unknown do not affect known ones; without the claim the role is LISTENER', async () => {
    const server = await startListening({ config: { auth } });
    for (const roles of [['editor', 'LISTENER'], 'editor ANALYST', undefined, null]) {
      expect((await withRoles(server, roles)).data).toMatchObject({ viewer: { externalId: 'x' } });
    }
  });

  it.each([7, { LISTENER: true }, ['LISTENER', 7], true])(
    '[AUTH6] that are %s make the token malformed: 401',
    async (roles) => {
      const server = await startListening({ config: { auth } });
      expect(await refusals(server, await tokenOf({ sub: 'x', roles }))).toMatchObject({ status: 401, close: 4403 });
    },
  );
});

describe('the id in X-Listener-Id', () => {
  it.each(['x'.repeat(129), ' alice ', 'a\u0000b', '\ufeffalice'])(
    '[AUTH4] %j is refused and named',
    async (listenerId) => {
      const server = await startListening();
      const [code, reason] = await closeOf(server, { listenerId });
      expect(code).toBe(4403);
      expect(reason).toContain("The listener's id is invalid");
      const [row] = await server.database.sql<{ count: number }[]>`select count(*)::int from listeners`;
      expect(row?.count).toBe(0);
    },
  );
});

describe('an identity provider', () => {
  /** A provider whose answers the test gives, and that counts what it is asked. */
  async function provider(answer: RequestListener): Promise<{ url: string; asked: () => number }> {
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, asked: () => asked };
  }
  const trusting = (url: string): ListeningOptions => ({
    config: { auth: { kind: 'jwks', url, issuer: null, audience: null } },
  });

  async function keys() {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const set = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] });
    const sign = (kid: string) =>
      new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'ES256', kid }).setExpirationTime('1h').sign(privateKey);
    return { set, sign };
  }

  it.each<[string, RequestListener | null]>([
    ['is not there', null],
    ['answers 500', (_, response) => response.writeHead(500).end('no')],
    ['answers a page', (_, response) => response.end('<html>')],
    ['answers no set of keys', (_, response) => response.end('[]')],
    ['sends elsewhere', (_, response) => response.writeHead(302, { location: '/other' }).end()],
    ['breaks off', (_, response) => response.write('{', () => response.destroy())],
    ['sends without end', (_, response) => response.end(Buffer.alloc(2 ** 20, 0x20))],
  ])('[AUTH7] that %s is named in an error that says to retry', async (_, answer) => {
    const { url } = answer ? await provider(answer) : { url: 'http://127.0.0.1:1/jwks' };
    const { sign } = await keys();
    const server = await startListening(trusting(url));
    const refused = await refusals(server, await sign('one'));
    expect(refused).toMatchObject({ code: 'SERVICE_UNAVAILABLE', close: 1013 });
    for (const text of [refused.message, refused.reason]) expect(text).toContain('identity provider');
  });

  it('[AUTH7] is asked once for concurrent callers, and not for every invented key id', async () => {
    const { set, sign } = await keys();
    const { url, asked } = await provider((_, response) => response.end(set));
    const server = await startListening(trusting(url));
    const good = await sign('one');
    const served = await Promise.all(
      Array.from({ length: 20 }, () => ask(server.graphqlUrl, viewer, {}, { authorization: `Bearer ${good}` })),
    );
    expect(served.every(({ errors }) => errors === undefined)).toBe(true);
    for (let i = 0; i < 20; i++) {
      const headers = { authorization: `Bearer ${await sign(`made up ${i}`)}` };
      const { errors } = await ask(server.graphqlUrl, viewer, {}, headers);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    }
    expect(asked()).toBe(1);
  });

  it('[AUTH7] that is down is not asked again for each request', async () => {
    const { url, asked } = await provider((_, response) => response.writeHead(503).end());
    const { sign } = await keys();
    const server = await startListening(trusting(url));
    const headers = { authorization: `Bearer ${await sign('one')}` };
    await Promise.all(Array.from({ length: 50 }, () => ask(server.graphqlUrl, viewer, {}, headers)));
    expect(asked()).toBe(1);
  });
});
