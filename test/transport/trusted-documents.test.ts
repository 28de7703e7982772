import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { bearer, withAuth } from '../support/access/auth.ts';
import { ask, type ListeningOptions, startListening, type TestListening } from '../support/listening.ts';

const VIEWER = 'query Me { viewer { externalId } }';
const LIVE = 'subscription Live { recommendations(first: 1) { requestId } }';
const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const [viewerId, liveId] = [idOf(VIEWER), idOf(LIVE)];

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions: { code: string } }[];
}

async function start(config: ListeningOptions['config'] = {}) {
  const server = await startListening({ config: { ...withAuth, ...config } });
  await server.services.trusted.register('a client', { [viewerId]: VIEWER, [`sha256:${liveId}`]: LIVE });
  return server;
}

async function post({ graphqlUrl }: TestListening, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await bearer({ sub: 'ann' })), ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Answer };
}

/** The answer to one operation over WebSocket. */
async function overSocket({ wsUrl }: TestListening, payload: object): Promise<unknown> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  await once(socket, 'open');
  const next = async (): Promise<{ type: string; payload: unknown }> => {
    const [data] = (await once(socket, 'message')) as [Buffer];
    return JSON.parse(data.toString()) as { type: string; payload: unknown };
  };
  socket.send(JSON.stringify({ type: 'connection_init', payload: await bearer({ sub: 'ann' }) }));
  await next();
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
  const { payload: answer } = await next();
  socket.close();
  return answer;
}

const ME = { data: { viewer: { externalId: 'ann' } } };
const codeOf = (answer: unknown): unknown =>
  Array.isArray(answer)
    ? (answer as Required<Answer>['errors'])[0]?.extensions.code
    : (answer as Answer).errors?.[0]?.extensions.code;

describe('[TRUST1] a registered document', () => {
  let server: TestListening;
  beforeEach(async () => {
    server = await start();
  });

  it('is named by its id over POST, GET, event streams and WebSocket', async () => {
    for (const documentId of [viewerId, `sha256:${viewerId}`])
      expect((await post(server, { documentId })).answer).toMatchObject(ME);
    const got = await fetch(`${server.graphqlUrl}?documentId=${viewerId}`, { headers: await bearer({ sub: 'ann' }) });
    expect(await got.json()).toMatchObject(ME);
    const stream = await fetch(server.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...(await bearer({ sub: 'ann' })) },
      body: JSON.stringify({ documentId: liveId }),
    });
    const reader = stream.body!.getReader();
    let told = '';
    while (!told.includes('data:')) told += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(told).toContain('requestId');
    expect(await overSocket(server, { documentId: viewerId })).toMatchObject(ME);
    expect(await overSocket(server, { documentId: liveId })).toMatchObject({ data: { recommendations: {} } });
  });

  it('costs what it costs when it is sent', async () => {
    const named = await post(server, { documentId: viewerId });
    const sent = await post(server, { query: VIEWER });
    expect(named.answer).toEqual(sent.answer);
    expect(named.answer).toHaveProperty('extensions.cost');
  });

  it('that is not there, no id, or sent beside a text is refused in words', async () => {
    const unknown = idOf('nothing');
    for (const [body, status, code] of [
      [{ documentId: unknown }, 404, 'PERSISTED_DOCUMENT_NOT_FOUND'],
      [{ documentId: 7 }, 400, 'BAD_REQUEST'],
      [{ documentId: viewerId, query: VIEWER }, 400, 'BAD_REQUEST'],
    ] as const) {
      const { status: told, answer } = await post(server, body, { accept: 'application/graphql-response+json' });
      expect([told, codeOf(answer)]).toEqual([status, code]);
    }
    expect(codeOf(await overSocket(server, { documentId: unknown }))).toBe('PERSISTED_DOCUMENT_NOT_FOUND');
    expect(codeOf(await overSocket(server, { documentId: viewerId, query: VIEWER }))).toBe('BAD_REQUEST');
  });

  it('is gone at once when it is removed', async () => {
    await server.services.trusted.remove(viewerId);
    expect(codeOf((await post(server, { documentId: viewerId })).answer)).toBe('PERSISTED_DOCUMENT_NOT_FOUND');
  });

  it('is registered by the digest of its text alone, all of a manifest or none', async () => {
    const other = '{ viewer { id } }';
    const manifest = { [idOf(other)]: other, ['0'.repeat(64)]: VIEWER };
    await expect(server.services.trusted.register('a client', manifest)).rejects.toThrow(/not the SHA-256/);
    expect(server.services.trusted.textOf(idOf(other))).toBeNull();
  });
});

describe('[TRUST2] where registered documents are required', () => {
  it('no others are executed, over any transport, and the refusal says what to do', async () => {
    const server = await start({ documents: 'required' });
    expect((await post(server, { documentId: viewerId })).answer).toMatchObject(ME);
    // The same text is the same document.
    expect((await post(server, { query: VIEWER })).answer).toMatchObject(ME);
    const { answer } = await post(server, { query: '{ viewer { id } }' });
    expect(codeOf(answer)).toBe('PERSISTED_DOCUMENT_REQUIRED');
    expect(answer.errors?.[0]?.message).toContain('npm run documents');
    expect(codeOf(await overSocket(server, { query: LIVE.replace('Live', 'Other') }))).toBe(
      'PERSISTED_DOCUMENT_REQUIRED',
    );
    const admin = await bearer({ sub: 'root', roles: ['ADMIN'] });
    expect(codeOf(await ask(server.graphqlUrl, '{ viewer { id } }', {}, admin))).toBe('PERSISTED_DOCUMENT_REQUIRED');
  });

  it('an ADMIN is exempt if the configuration says so, and nobody else', async () => {
    const server = await start({ documents: 'required-except-admin' });
    const asked = async (roles: string[]) =>
      codeOf(await ask(server.graphqlUrl, '{ viewer { id } }', {}, await bearer({ sub: 'root', roles })));
    expect(await asked(['ADMIN'])).toBeUndefined();
    expect(await asked(['ANALYST'])).toBe('PERSISTED_DOCUMENT_REQUIRED');
  });
});
