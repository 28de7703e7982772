import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { openProxy } from '../../bench/storm/proxy.ts';
import { type ClientOptions, GraphQLRequestError, request } from '../../examples/client/client.ts';
import { followDraft, type FollowOptions, textAfter } from '../../examples/client/follow-draft.ts';
import { StartDraftDocument, type StartDraftMutationVariables } from '../../examples/client/generated/graphql.ts';
import { overSocket, SocketClosed } from '../../examples/client/over-socket.ts';
import { overSse } from '../../examples/client/over-sse.ts';
import type { DraftEvent } from '../../examples/client/transport.ts';
import { randomStream } from '../../src/lib/random.ts';
import { tinyModel } from '../support/drafts/writers.ts';
import { startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { openClosingRelay } from '../support/network/closing-relay.ts';
import { openTearingProxy } from '../support/network/tearing-proxy.ts';
import { expectOnceAndInOrder, writerReady } from '../support/network/wire.ts';
import { startServer } from '../support/server.ts';

const transports = [
  { name: 'WebSocket', over: overSocket },
  { name: 'server-sent events', over: overSse },
];

const clientOf = (url: string, more: Partial<ClientOptions> = {}): ClientOptions => ({
  ...{ url, webSocket: WebSocket },
  ...more,
});

async function started(options: ClientOptions, maxTokens: number) {
  const variables: StartDraftMutationVariables = { kind: 'STORY', prompt: 'The first snow', maxTokens, seed: 7 };
  const { startDraft } = await request(options, StartDraftDocument, variables);
  if (startDraft.__typename !== 'StartDraftSuccess') throw new Error(startDraft.message);
  return startDraft.draft;
}

/** Follows a draft to its end, each event as it is taken being told. */
async function collect(
  options: ClientOptions,
  { id }: { id: string },
  follow: FollowOptions,
  onEvent: (count: number) => void = () => undefined,
): Promise<{ events: DraftEvent[]; text: string }> {
  const events: DraftEvent[] = [];
  let text = '';
  for await (const event of followDraft(options, id, follow)) {
    events.push(event);
    text = textAfter(text, event);
    onEvent(events.length);
  }
  return { events, text };
}

const writtenBy = ({ engine }: TestListening): string => scriptedText(engine.requests[0]!);

describe.each(transports)('over $name', ({ over }) => {
  it('[LOG2] [LOG5] connections break mid-frame, the server is killed and restarted: every event comes once', async () => {
    const env = await tinyModel();
    const first = await startServer(env);
    await writerReady(first);
    const draft = await started(clientOf(`${first.url}/graphql`), 3_000);
    const random = randomStream(5);
    const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
    // However fast it writes, and however much of it a frame then holds, the first connections end before the text does:
    // in the handshake, in the first frame, and in what follows.
    const early = [150, 500, 1_000, 2_000];
    const proxy = await openTearingProxy(
      portOf(first),
      () => early.shift() ?? 200 + Math.floor(random() ** 4 * 20_000),
    );
    let second: ReturnType<typeof startServer> | undefined;
    const restart = async () => {
      await first.kill();
      const server = await startServer(env);
      proxy.target = portOf(server);
      return server;
    };
    const { events, text } = await collect(clientOf(proxy.url), draft, { over }, (count) => {
      if (count === 2) second = restart();
    });
    expectOnceAndInOrder(events);
    expect(proxy.torn).toBeGreaterThanOrEqual(4);

    const calm = clientOf(`${(await second!).url}/graphql`);
    const again = await collect(calm, await started(calm, 3_000), { over });
    expect(text).toBe(again.text);
    expect(text).not.toBe('');
  });

  it('a silent connection is given up, however often', async () => {
    const engine = new ScriptedEngine({ granted: 5 });
    const server = await startListening({ engine });
    const proxy = await openProxy(Number(new URL(server.url).port));
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const draft = await started(clientOf(server.graphqlUrl), 40);
    let breaks = 0;
    const onBreak = () => {
      // The second one is of a connection that was taken, and led nowhere from the start.
      if (++breaks !== 2) return;
      proxy.heal();
      engine.grant(Infinity);
    };
    const through = clientOf(`http://127.0.0.1:${proxy.port}/graphql`);
    let seen = '';
    for await (const event of followDraft(through, draft.id, { over, silenceMs: 300, onBreak })) {
      seen = textAfter(seen, event);
      if (breaks === 0) proxy.stall();
    }
    expect(breaks).toBeGreaterThanOrEqual(2);
    expect(seen).toBe(writtenBy(server));
  });

  it('[SERVE5] [AUTH2] a token that expires is renewed, and nothing is missed meanwhile', async () => {
    const secret = 'a secret that is thirty-two bytes long, or longer';
    const engine = new ScriptedEngine({ granted: 3 });
    const server = await startListening({
      engine,
      config: { auth: { kind: 'secret', secret, issuer: null, audience: null } },
    });
    const tokenFor = (seconds: number) =>
      new SignJWT({ sub: 'bob' })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(new TextEncoder().encode(secret));
    const draft = await started(clientOf(server.graphqlUrl, { token: () => tokenFor(60) }), 30);
    let tokens = 0;
    const token = (): Promise<string> => {
      if (++tokens === 3) engine.grant(Infinity);
      return tokenFor(tokens < 3 ? 1 : 60);
    };
    const { events, text } = await collect(clientOf(server.graphqlUrl, { token }), draft, { over });
    expect(tokens).toBe(3);
    expect(text).toBe(writtenBy(server));
    expectOnceAndInOrder(events);
  });

  it('[AUTH2] repeatedly refused tokens end it with an error', async () => {
    const auth = { kind: 'secret', secret: 'x'.repeat(32), issuer: null, audience: null } as const;
    const server = await startListening({ config: { auth } });
    let tokens = 0;
    const options = clientOf(server.graphqlUrl, { token: () => (tokens++, 'x.y.z') });
    const failure: unknown = await followDraft(options, 'any', { over })
      .next()
      .catch((error: unknown) => error);
    expect(tokens).toBe(3);
    if (failure instanceof SocketClosed) expect(failure.code).toBe(4403);
    else expect((failure as GraphQLRequestError).codes).toEqual(['UNAUTHENTICATED']);
  });

  it('an error that reconnecting cannot solve is thrown at once', async () => {
    const options = clientOf((await startListening()).graphqlUrl);
    const draft = await started(options, 1);
    const codes = async (id: string, after: string | null): Promise<unknown> => {
      const failure: unknown = await followDraft(options, id, { after, over })
        .next()
        .catch((error: unknown) => error);
      return failure instanceof GraphQLRequestError ? failure.codes : failure;
    };
    const gone = Buffer.from('Draft:00000000-0000-4000-8000-000000000000').toString('base64');
    expect(await codes(gone, null)).toEqual(['NOT_FOUND']);
    expect(await codes(draft.id, 'elsewhere')).toEqual(['INVALID_INPUT']);
  });

  it('[LOG3] the signal ends it at once while idle, connected or not', async () => {
    const server = await startListening({ engine: new ScriptedEngine({ granted: 0 }) });
    const draft = await started(clientOf(server.graphqlUrl), 5);
    const leave = new AbortController();
    const events = followDraft(clientOf(server.graphqlUrl), draft.id, { over, signal: leave.signal });
    expect((await events.next()).value).toMatchObject({ __typename: 'DraftSnapshot' });
    const idle = events.next();
    leave.abort();
    expect(await idle).toEqual({ done: true, value: undefined });

    const alone = new AbortController();
    const nobody = clientOf('http://127.0.0.1:1/graphql');
    const trying = followDraft(nobody, draft.id, { over, signal: alone.signal, onBreak: () => alone.abort() });
    expect(await trying.next()).toEqual({ done: true, value: undefined });
  });
});

it('[LOG2] whatever code a balancer closes a socket with, every event comes once', async () => {
  const codes = [1000, 1001, 1011, 1012, 1013, 1014, 4403, 4408, 4500];
  const engine = new ScriptedEngine({ granted: 0 });
  const server = await startListening({ engine });
  const draft = await started(clientOf(server.graphqlUrl), 100);
  const url = await openClosingRelay(server.wsUrl, codes, 3);
  const broken: unknown[] = [];
  const onBreak = (error: unknown) => broken.push(error);
  const { events, text } = await collect(clientOf(url), draft, { onBreak }, () => engine.grant(3));
  expect(text).toBe(writtenBy(server));
  expectOnceAndInOrder(events);
  expect(broken).toMatchObject(codes.map((code) => ({ code })));
});

it.each([4400, 4401, 4406, 4409, 4429])('a socket that is closed with %i is not reconnected', async (code) => {
  const server = await startListening({ engine: new ScriptedEngine({ granted: 1 }) });
  const draft = await started(clientOf(server.graphqlUrl), 5);
  const url = await openClosingRelay(server.wsUrl, [code], 2);
  await expect(collect(clientOf(url), draft, {})).rejects.toMatchObject({ code });
});
