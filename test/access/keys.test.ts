import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createApiKeys, isMeantAsKey } from '../../src/access/access.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { admin, createKey } from '../support/access/keys.ts';
import { ask, type ListeningOptions, startListening, type TestListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const VIEWER = '{ viewer { externalId } }';
const ROTATE = `mutation ($id: ID!, $grace: Int) { rotateApiKey(id: $id, graceSeconds: $grace) { __typename
  ... on RotateApiKeySuccess { secret apiKey { prefix previousUntil } } ... on Error { message } } }`;
const REVOKE = `mutation ($id: ID!) { revokeApiKey(id: $id) { __typename
  ... on RevokeApiKeySuccess { apiKey { status revokedAt } } ... on Error { message } } }`;
const LIST =
  '{ apiKeys { totalCount nodes { prefix status roles owner { externalId } actsFor { externalId } createdBy } } }';
const STREAM = 'subscription { recommendationsChanged { __typename } }';

const start = (options: ListeningOptions = {}) => startListening({ config: withAuth, ...options });

const viewerOf = async ({ graphqlUrl }: TestListening, headers: Record<string, string>) => {
  const { data, errors } = await ask(graphqlUrl, VIEWER, {}, headers);
  return (data?.viewer as { externalId: string } | undefined)?.externalId ?? errors?.[0]?.extensions?.code;
};

const tell = async ({ graphqlUrl }: TestListening, headers: Record<string, string>, query: string, variables = {}) => {
  const { data, errors } = await ask(graphqlUrl, query, variables, headers);
  expect(errors).toBeUndefined();
  return data as Record<string, Record<string, unknown>>;
};

/** An acknowledged socket, and how it ends. */
async function openSocket({ wsUrl }: TestListening, payload: object, headers: Record<string, string> = {}) {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers });
  const ended = once(socket, 'close').then(([code, reason]) => `${String(code)} ${String(reason)}`);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await Promise.race([once(socket, 'message'), ended]);
  return { socket, ended };
}

/** Reads an event stream to its end. */
async function openStream({ graphqlUrl }: TestListening, headers: Record<string, string>) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify({ query: STREAM }),
  });
  return { status: response.status, text: response.text() };
}

describe('[KEY1] an API key', () => {
  it('is accepted over HTTP, event streams and WebSocket as its owner, with its roles only', async () => {
    const server = await start();
    const { secret, headers } = await createKey(server, { owner: 'ann' });
    expect(await viewerOf(server, headers)).toBe('ann');
    const { socket } = await openSocket(server, { authorization: `Bearer ${secret}` });
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    expect((await openStream(server, headers)).status).toBe(200);
    const { errors } = await ask(server.graphqlUrl, '{ modelVersions { isActive } }', {}, headers);
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  });

  it('is accepted beside tokens, and where no authentication is configured', async () => {
    const server = await startListening();
    const { headers } = await createKey(server, { owner: 'ann' });
    expect(await viewerOf(server, headers)).toBe('ann');
    expect(await viewerOf(server, {})).toBe('demo');
    expect(await viewerOf(server, { authorization: 'Bearer cadenza_nothing' })).toBe('UNAUTHENTICATED');
  });

  it('is stored only as the SHA-256 of the whole, which holds 256 random bits', async () => {
    const server = await start();
    const { secret, prefix } = await createKey(server);
    const [row] = await server.database.sql<{ text: string; digest: Buffer }[]>`
      select k::text as text, digest from api_keys k`;
    expect(row?.digest).toEqual(createHash('sha256').update(secret).digest());
    expect(row?.text).toContain(prefix);
    const random = secret.slice(prefix.length + 1, -8);
    expect(Buffer.from(random, 'base64url')).toHaveLength(32);
    expect(row?.text).not.toContain(random);
    expect(isMeantAsKey(secret)).toBe(true);
  });

  it('is counted in the rates by itself, apart from its owner and other keys of the same', async () => {
    const server = await start({ rates: { requests: 4 } });
    const [one, other] = [await createKey(server), await createKey(server)];
    for (let i = 0; i < 4; i++) expect(await viewerOf(server, one.headers)).toBe('ann');
    expect(await viewerOf(server, one.headers)).toBe('RATE_LIMITED');
    expect(await viewerOf(server, other.headers)).toBe('ann');
    expect(await viewerOf(server, await bearer({ sub: 'ann' }))).toBe('ann');
  });
});

describe('[KEY2] a text that is no key', () => {
  it('is refused by its checksum without a statement, wherever it was damaged', async () => {
    const statements: string[] = [];
    const database = await testDatabase({ onStatement: (text) => statements.push(text) });
    const server = await start({ database });
    const { secret } = await createKey(server);
    const asked = () => statements.filter((text) => text.includes('api_keys')).length;
    const before = asked();
    const damaged = Array.from(
      secret,
      (letter, i) => secret.slice(0, i) + (letter === 'a' ? 'b' : 'a') + secret.slice(i + 1),
    );
    for (const text of [
      ...damaged.filter(isMeantAsKey),
      secret.slice(0, -1),
      `${secret}a`,
      'cadenza_',
      `cadenza_${'a'.repeat(9_000)}`,
    ])
      expect(await viewerOf(server, { authorization: `Bearer ${text}` })).toBe('UNAUTHENTICATED');
    expect(asked()).toBe(before);
  });

  it('counts as an invalid token, so that an address that guesses keys is stopped, but not a caller with a good one', async () => {
    const server = await start({ rates: { failures: 3 } });
    const { secret, headers } = await createKey(server);
    expect(await viewerOf(server, headers)).toBe('ann');
    for (let i = 0; i < 3; i++) await viewerOf(server, { authorization: `Bearer ${secret}x` });
    expect(await viewerOf(server, { authorization: `Bearer ${secret}y` })).toBe('RATE_LIMITED');
    expect(await viewerOf(server, headers)).toBe('ann');
  });
});

describe('[KEY3] keys', () => {
  it('are created by ADMIN alone, and seen by their owner and ADMIN', async () => {
    const server = await start();
    const { prefix, id } = await createKey(server, { owner: 'ann', actsFor: 'eve', roles: ['SERVICE', 'ANALYST'] });
    const shown = {
      ...{ prefix, status: 'ACTIVE', roles: ['SERVICE', 'ANALYST'], createdBy: 'root' },
      ...{ owner: { externalId: 'ann' }, actsFor: { externalId: 'eve' } },
    };
    expect((await tell(server, await admin(), LIST)).apiKeys).toEqual({ totalCount: 1, nodes: [shown] });
    const [ann, eve] = [await bearer({ sub: 'ann' }), await bearer({ sub: 'eve', roles: ['SERVICE', 'ANALYST'] })];
    const own = LIST.replace(' actsFor { externalId }', '');
    expect((await tell(server, ann, own)).apiKeys).toMatchObject({ totalCount: 1, nodes: [{ prefix }] });
    expect((await tell(server, eve, own)).apiKeys).toMatchObject({ totalCount: 0, nodes: [] });
    const create = 'mutation { createApiKey(input: { name: "k", owner: "eve" }) { __typename } }';
    expect(await tell(server, eve, create)).toEqual({ createApiKey: { __typename: 'ForbiddenError' } });
    for (const [headers, seen] of [
      [ann, true],
      [eve, false],
    ] as const) {
      const { node } = await tell(server, headers, 'query ($id: ID!) { node(id: $id) { id } }', { id });
      expect(node).toEqual(seen ? { id } : null);
    }
    const anns = '{ apiKeys(ownerId: "TGlzdGVuZXI6MQ") { totalCount } }';
    expect((await ask(server.graphqlUrl, anns, {}, eve)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  });

  it('are rotated and revoked by their owner when signed in, not by another and not with a key', async () => {
    const server = await start();
    const { id, headers } = await createKey(server, { owner: 'ann' });
    for (const query of [ROTATE, REVOKE]) {
      const [field] = Object.values(await tell(server, await bearer({ sub: 'eve' }), query, { id }));
      expect(field).toMatchObject({ __typename: 'NotFoundError' });
      const [byKey] = Object.values(await tell(server, headers, query, { id }));
      expect(byKey).toMatchObject({ __typename: 'ForbiddenError' });
    }
    const { rotateApiKey } = await tell(server, await bearer({ sub: 'ann' }), ROTATE, { id });
    expect(rotateApiKey).toMatchObject({ __typename: 'RotateApiKeySuccess' });
    const revoked = { __typename: 'RevokeApiKeySuccess', apiKey: { status: 'REVOKED' } };
    const first = await tell(server, await bearer({ sub: 'ann' }), REVOKE, { id });
    expect(first.revokeApiKey).toMatchObject(revoked);
    expect(await tell(server, await bearer({ sub: 'ann' }), REVOKE, { id })).toEqual(first);
    expect((await tell(server, await admin(), ROTATE, { id })).rotateApiKey).toMatchObject({
      __typename: 'ConflictError',
    });
  });

  it('are gone with their owner or the listener that they act for', async () => {
    const server = await start();
    const own = await createKey(server, { owner: 'ann' });
    const others = await createKey(server, { owner: 'bob', actsFor: 'ann' });
    expect([await viewerOf(server, own.headers), await viewerOf(server, others.headers)]).toEqual(['ann', 'ann']);
    const { ended } = await openSocket(server, own.headers);
    const erase = 'mutation { eraseListener(input: { externalId: "ann" }) { __typename } }';
    expect(await tell(server, await admin(), erase)).toEqual({ eraseListener: { __typename: 'EraseListenerSuccess' } });
    expect(await ended).toMatch(/^4403/);
    for (const { headers } of [own, others]) expect(await viewerOf(server, headers)).toBe('UNAUTHENTICATED');
  });

  it('are at most 100 of an owner', async () => {
    const server = await start();
    await createKey(server, { owner: 'ann' });
    await server.database.sql`
      insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
      select 'p' || n, '', name, owner_id, roles, origins, quota from api_keys, generate_series(1, 99) n`;
    const again = 'mutation { createApiKey(input: { name: "k", owner: "ann" }) { __typename } }';
    expect(await tell(server, await admin(), again)).toEqual({ createApiKey: { __typename: 'ConflictError' } });
    expect(await createKey(server, { owner: 'bob' })).toMatchObject({ prefix: expect.any(String) as string });
  });
});

describe('[KEY4] a key acts', () => {
  it('for its listener and nobody else, or with the role SERVICE for whom it names', async () => {
    const server = await start();
    const naming = (headers: object, name: string) => viewerOf(server, { ...headers, 'x-listener-id': name });
    const fixed = await createKey(server, { actsFor: 'eve', roles: ['SERVICE'] });
    expect(await viewerOf(server, fixed.headers)).toBe('eve');
    expect([await naming(fixed.headers, 'eve'), await naming(fixed.headers, 'bob')]).toEqual(['eve', 'FORBIDDEN']);
    const service = await createKey(server, { roles: ['SERVICE'] });
    expect([await viewerOf(server, service.headers), await naming(service.headers, 'bob')]).toEqual(['ann', 'bob']);
    expect(await naming((await createKey(server)).headers, 'bob')).toBe('ann');
  });

  it('for pages of its origins only, if it has any', async () => {
    const origin = 'https://app.example.com';
    const server = await start({ config: { ...withAuth, corsOrigins: [origin, 'https://other.example.com'] } });
    const { headers } = await createKey(server, { origins: [origin] });
    expect(await viewerOf(server, { ...headers, origin })).toBe('ann');
    for (const from of [{}, { origin: 'https://other.example.com' }])
      expect(await viewerOf(server, { ...headers, ...from })).toBe('FORBIDDEN');
    expect((await openSocket(server, headers, { origin })).socket.readyState).toBe(WebSocket.OPEN);
    expect(await (await openSocket(server, headers)).ended).toMatch(/^4403 .*other origins/);
  });

  it('until it expires, and what it opened ends then', async () => {
    const server = await start();
    const soon = await createKey(server, { expiresAt: new Date(Date.now() + 1_500) });
    const { ended } = await openSocket(server, soon.headers);
    expect(await ended).toMatch(/^4403/);
    expect(await viewerOf(server, soon.headers)).toBe('UNAUTHENTICATED');
  });
});

describe('[KEY5] a key that is revoked or rotated', () => {
  it('ends at once what was opened with it, and no other', async () => {
    const server = await start();
    const [one, other] = [await createKey(server), await createKey(server)];
    const socket = await openSocket(server, one.headers);
    const stream = await openStream(server, one.headers);
    const kept = await openSocket(server, other.headers);
    await tell(server, await admin(), REVOKE, { id: one.id });
    expect(await socket.ended).toBe('4403 The API key is not valid any more');
    expect(await stream.text).toMatch(/UNAUTHENTICATED[^]*event: complete/);
    expect(await viewerOf(server, one.headers)).toBe('UNAUTHENTICATED');
    expect([kept.socket.readyState, await viewerOf(server, other.headers)]).toEqual([WebSocket.OPEN, 'ann']);
  });

  it('has one valid secret, and during the grace both', async () => {
    const server = await start();
    const { id, headers, prefix } = await createKey(server);
    const rotate = async (grace: number) => {
      const { rotateApiKey } = await tell(server, await admin(), ROTATE, { id, grace });
      expect(rotateApiKey).toMatchObject({ apiKey: { prefix } });
      return { authorization: `Bearer ${String(rotateApiKey!.secret)}` };
    };
    const kept = await openSocket(server, headers);
    const second = await rotate(3_600);
    expect([await viewerOf(server, headers), await viewerOf(server, second)]).toEqual(['ann', 'ann']);
    const third = await rotate(0);
    expect(await kept.ended).toMatch(/^4403/);
    for (const old of [headers, second]) expect(await viewerOf(server, old)).toBe('UNAUTHENTICATED');
    expect(await viewerOf(server, third)).toBe('ann');
  });

  it('ends on other nodes, too', async () => {
    const database = await testDatabase();
    const node = async () => {
      const wakeups = await openWakeups(database, silentLogger);
      const parts = { database, wakeups, clock: systemClock };
      return { wakeups, keys: createApiKeys({ ...parts, listeners: createListeners(parts) }) };
    };
    const [here, there] = [await node(), await node()];
    const { secret, apiKey } = await here.keys.create({ name: 'k', owner: 'ann' }, null);
    const presented = await there.keys.identify(secret, null);
    const ended = new Promise<void>((resolve) => void presented.whenInvalid(resolve));
    await here.keys.revoke(apiKey.id);
    await ended;
    await expect(there.keys.identify(secret, null)).rejects.toThrow('revoked');
    for (const one of [here, there]) {
      await one.keys[Symbol.asyncDispose]();
      await one.wakeups[Symbol.asyncDispose]();
    }
  });
});
