import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { keepHistory, visitorToken } from '../../examples/clients/visitor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { VisitorTokens } from '../../src/listeners/listeners.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, type ListeningOptions, startListening, type TestListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const visitors = { secret: 'another secret that is thirty-two bytes or longer', hours: 24 };

const CLAIM = `mutation ($token: String!) { claimVisitor(visitorToken: $token) { __typename
  ... on ClaimVisitorSuccess { listener { externalId } feedback verdicts preferences lists drafts }
  ... on Error { message } ... on InvalidInputError { field } } }`;
const HISTORY = `{ viewer { isVisitor preferences { tags genres { genre { slug } } } feedback { totalCount }
  drafts { nodes { prompt text } } } tracks(first: 3, orderBy: TITLE) { nodes { id viewerFeedback { reaction isSaved } } } }`;
const START = `mutation ($key: String) { startDraft(input: { kind: POEM, prompt: "rain", idempotencyKey: $key, sampling: { maxTokens: 2 } }) {
  __typename ... on StartDraftSuccess { draft { id } } } }`;

async function start(options: ListeningOptions = {}) {
  const database = await testDatabase();
  const { ids } = await addTracks(database, someTracks(12));
  const server = await startListening({ database, config: withAuth, visitors, ...options });
  return { ...server, trackIds: ids.map((id) => Buffer.from(`Track:${id}`).toString('base64url')) };
}

const post = ({ url }: TestListening, init: RequestInit = {}) => fetch(`${url}/visitors`, { method: 'POST', ...init });

async function visit(server: TestListening) {
  const response = await post(server);
  expect(response.status).toBe(201);
  const { token, expiresAt } = (await response.json()) as { token: string; expiresAt: string };
  return { token, expiresAt, headers: { authorization: `Bearer ${token}` } };
}

/** Anything but data fails. */
async function tell(server: TestListening, headers: Record<string, string>, query: string, variables = {}) {
  const { data, errors } = await ask(server.graphqlUrl, query, variables, headers);
  expect(errors).toBeUndefined();
  return data as Record<string, object>;
}

const claim = async (server: TestListening, headers: Record<string, string>, token: string) =>
  (await tell(server, headers, CLAIM, { token })).claimVisitor as Record<string, unknown>;

const set = (field: string, value: string) =>
  `mutation ($id: ID!) { ${field}(trackId: $id, ${value}) { __typename ... on Error { message } } }`;
const LIKE = set('setReaction', 'reaction: LIKE');
const DISLIKE = set('setReaction', 'reaction: DISLIKE');
const SAVE = set('setSaved', 'saved: true');
const tagged = (tag: string) =>
  `mutation { setPreferences(input: { tags: ["${tag}"], genres: [{ genre: "jazz", weight: 1 }] }) { __typename } }`;

describe('[VISIT1] a visitor', () => {
  it('gets a token for a while, with which it reacts, gets lists and writes drafts', async () => {
    const server = await start();
    const { headers, expiresAt } = await visit(server);
    expect(Math.round((Date.parse(expiresAt) - systemClock.now()) / 3_600_000)).toBe(24);
    await tell(server, headers, LIKE, { id: server.trackIds[0] });
    await tell(server, headers, START, { key: 'one' });
    expect(await tell(server, headers, HISTORY)).toMatchObject({
      viewer: { isVisitor: true, feedback: { totalCount: 1 }, drafts: { nodes: [{ prompt: 'rain' }] } },
    });
    const { data } = await ask(server.graphqlUrl, HISTORY, {}, (await visit(server)).headers);
    expect(data).toMatchObject({ viewer: { feedback: { totalCount: 0 } } });
  });

  it('is not there unless configured', async () => {
    const server = await start({ visitors: null });
    expect((await post(server)).status).toBe(404);
    const { token } = await new VisitorTokens(visitors, systemClock).issue();
    const { errors } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, { authorization: `Bearer ${token}` });
    expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
    expect(await claim(server, await bearer({ sub: 'ann' }), token)).toMatchObject({ field: 'visitorToken' });
  });

  it.each(['expired', 'of another secret', 'of the identity provider', 'of the identity provider, for a visitor'])(
    'is refused with a token that is %s',
    async (what) => {
      const server = await start();
      const sub = 'visitor:00000000-0000-4000-8000-000000000000';
      const yesterday = { ...systemClock, now: () => systemClock.now() - 25 * 3_600_000 };
      const forged = () =>
        new SignJWT({ sub })
          .setProtectedHeader({ alg: 'HS256', typ: 'visitor+jwt' })
          .setExpirationTime('1h')
          .sign(new TextEncoder().encode(withAuth.auth.secret));
      const tokens: Record<string, () => Promise<string>> = {
        expired: async () => (await new VisitorTokens(visitors, yesterday).issue()).token,
        'of another secret': async () =>
          (await new VisitorTokens({ ...visitors, secret: withAuth.auth.secret }, systemClock).issue()).token,
        'of the identity provider': forged,
        'of the identity provider, for a visitor': async () => (await bearer({ sub })).authorization.slice(7),
      };
      const token = await tokens[what]!();
      const { errors } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, { authorization: `Bearer ${token}` });
      expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
      expect(await claim(server, await bearer({ sub: 'ann' }), token)).toMatchObject({
        __typename: 'InvalidInputError',
        field: 'visitorToken',
      });
    },
  );
});

describe('[VISIT2] new visitors', () => {
  it('are limited for each address, and each has a quarter of the rates of a listener', async () => {
    const server = await start({ rates: { visitors: 2, requests: 8 } });
    const { headers } = await visit(server);
    await visit(server);
    const refused = await post(server);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers));
    expect(answers.map(({ errors }) => errors?.[0]?.extensions?.code)).toEqual([undefined, undefined, 'RATE_LIMITED']);
  });

  it('are made by POST, from pages of configured origins too', async () => {
    const origin = 'https://app.example.com';
    const server = await start({ config: { ...withAuth, corsOrigins: [origin] } });
    expect((await fetch(`${server.url}/visitors`)).status).toBe(405);
    const preflight = await fetch(`${server.url}/visitors`, { method: 'OPTIONS', headers: { origin } });
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect((await post(server, { headers: { origin } })).status).toBe(201);
    expect((await post(server, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });
});

describe('[VISIT3] claimVisitor', () => {
  it('gives the account everything of the visitor, once, and ends the visitor', async () => {
    const server = await start();
    const { token, headers } = await visit(server);
    const [first, second] = server.trackIds;
    await tell(server, headers, LIKE, { id: first });
    await tell(server, headers, SAVE, { id: second });
    await tell(server, headers, tagged('piano'));
    await tell(server, headers, START);
    const page =
      'query ($after: String) { recommendations(first: 2, after: $after) { requestId pageInfo { endCursor } } }';
    const { recommendations } = await tell(server, headers, page);
    const { requestId, pageInfo } = recommendations as { requestId: string; pageInfo: { endCursor: string } };
    const listed = async () => (await server.database.sql`select from recommendation_lists`).length;
    await expect.poll(listed).toBe(1);
    const before = await tell(server, headers, HISTORY);
    const visitor = server.database.sql`(select id from listeners where external_id like 'visitor:%')`;
    await server.database.sql`
      insert into usage_days (day, listener_id, tokens_out) select '2026-11-01', id, 7 from ${visitor} as v`;

    const ann = await bearer({ sub: 'ann' });
    expect(await claim(server, ann, token)).toEqual({
      ...{ __typename: 'ClaimVisitorSuccess', listener: { externalId: 'ann' } },
      ...{ feedback: 2, verdicts: 2, preferences: true, lists: 1, drafts: 1 },
    });
    const used = await server.database.sql<{ tokens: number }[]>`
      select sum(tokens_out)::int as tokens from usage_entries e join listeners l on l.id = e.listener_id
      where l.external_id = 'ann' and day = '2026-11-01'`;
    expect(used).toEqual([{ tokens: 7 }]);
    const after = await tell(server, ann, HISTORY);
    expect(after).toEqual({ ...before, viewer: { ...(before.viewer as object), isVisitor: false } });
    const next = await tell(server, ann, page, { after: pageInfo.endCursor });
    expect(next.recommendations).toMatchObject({ requestId });
    // Repeated, also because no answer came.
    expect(await claim(server, ann, token)).toMatchObject({ feedback: 0, drafts: 0, preferences: false });
    const { errors } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers);
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    expect((await server.database.sql`select from listeners where external_id like 'visitor:%'`).length).toBe(0);
  });

  it('is refused to another account, to a visitor, and to all but one of those who claim at once', async () => {
    const server = await start();
    const [mine, contested, other] = [await visit(server), await visit(server), await visit(server)];
    await tell(server, mine.headers, LIKE, { id: server.trackIds[0] });
    await claim(server, await bearer({ sub: 'ann' }), mine.token);
    expect(await claim(server, await bearer({ sub: 'eve' }), mine.token)).toMatchObject({
      __typename: 'ConflictError',
    });
    expect(await claim(server, other.headers, contested.token)).toMatchObject({ __typename: 'ForbiddenError' });
    await tell(server, contested.headers, LIKE, { id: server.trackIds[0] });
    const claims = ['bob', 'eve', 'kim', 'lee'].map(async (sub) =>
      claim(server, await bearer({ sub }), contested.token),
    );
    const outcomes = (await Promise.all(claims)).map(({ __typename }) => __typename);
    expect(outcomes.toSorted()).toEqual(
      ['ClaimVisitorSuccess', 'ConflictError', 'ConflictError', 'ConflictError'].toSorted(),
    );
    expect((await server.database.sql`select from feedback`).length).toBe(2);
  });

  it('takes a visitor that did nothing, and the same visitor twice at once', async () => {
    const server = await start();
    const { token } = await visit(server);
    const ann = await bearer({ sub: 'ann' });
    const both = await Promise.all([claim(server, ann, token), claim(server, ann, token)]);
    for (const one of both) expect(one).toMatchObject({ __typename: 'ClaimVisitorSuccess', feedback: 0, drafts: 0 });
  });

  it('ends a live list of the visitor, and what its connection still writes is refused', async () => {
    const server = await start();
    const { token, headers } = await visit(server);
    const response = await fetch(server.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ query: 'subscription { recommendations(first: 1) { requestId } }' }),
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? '';
    await claim(server, await bearer({ sub: 'ann' }), token);
    for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
    expect(text).toContain('NOT_FOUND');
  });
});

it('[VISIT3] the client to copy keeps a visitor and gives it to the account', async () => {
  const server = await start();
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const token = await visitorToken(server.graphqlUrl, store);
  expect(await visitorToken(server.graphqlUrl, store)).toBe(token);
  await tell(server, { authorization: `Bearer ${token}` }, LIKE, { id: server.trackIds[0] });
  const ann = await bearer({ sub: 'ann' });
  const account = { url: server.graphqlUrl, token: () => ann.authorization.slice(7) };
  await keepHistory(account, store);
  expect(kept.size).toBe(0);
  expect(await tell(server, ann, HISTORY)).toMatchObject({ viewer: { feedback: { totalCount: 1 } } });
});

describe('[VISIT4] where an account and its visitor disagree', () => {
  it('one key is one event, the later verdict holds, the account keeps its preferences, and both drafts are there', async () => {
    const server = await start();
    const { token, headers } = await visit(server);
    const ann = await bearer({ sub: 'ann' });
    const [first, second] = server.trackIds;
    const PLAY = `mutation ($id: ID!) { recordFeedback(input: { trackId: $id, kind: PLAY, idempotencyKey: "p" }) { __typename } }`;
    for (const who of [headers, ann]) await tell(server, who, PLAY, { id: second });
    await tell(server, ann, LIKE, { id: first });
    await tell(server, headers, DISLIKE, { id: first });
    await tell(server, headers, SAVE, { id: second });
    await tell(server, headers, tagged('piano'));
    await tell(server, ann, tagged('guitar'));
    for (const who of [headers, ann]) await tell(server, who, START, { key: 'the same' });

    expect(await claim(server, ann, token)).toMatchObject({ feedback: 2, verdicts: 2, preferences: false, drafts: 1 });
    const after = await tell(server, ann, HISTORY);
    expect(after).toMatchObject({
      viewer: { preferences: { tags: ['guitar'] }, feedback: { totalCount: 4 }, drafts: { nodes: [{}, {}] } },
    });
    const { sql } = server.database;
    const plays = await sql<{ kind: string }[]>`select kind from feedback where kind = 'PLAY'`;
    expect(plays.length).toBe(1);
    const reactions = await sql<{ kind: string }[]>`select kind::text from verdicts where dimension = 'REACTION'`;
    expect(reactions.map(({ kind }) => kind)).toEqual(['DISLIKE']);
    // The account's key still names the account's draft.
    const again = await tell(server, ann, START, { key: 'the same' });
    expect(again.startDraft).toMatchObject({ __typename: 'StartDraftSuccess' });
    expect((await tell(server, ann, '{ viewer { drafts { totalCount } } }')).viewer).toEqual({
      drafts: { totalCount: 2 },
    });
  });
});
