import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { UsageMeter } from '../../src/access/access.ts';
import { Quotas } from '../../src/access/usage/quotas.ts';
import { foldEntries, noteUses } from '../../src/db/access/usage-queries.ts';
import { createDrafts, joinNodes } from '../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../src/listeners/listeners.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { admin, createKey } from '../support/access/keys.ts';
import { assist } from '../support/documents/assists.ts';
import { createDocument } from '../support/documents/documents.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine } from '../support/models/scripted-engine.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { ManualSleep } from '../support/time/manual-sleep.ts';

const START = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { __typename
  ... on StartDraftSuccess { draft { id } } ... on QuotaExceededError { message quota spent limit resetsAt } } }`;
const USAGE = `query ($key: ID) { usage(from: "2020-01-01", to: "2020-01-02", keyId: $key) { totalCount }
  now: usage(from: "${today()}", to: "${today()}", keyId: $key) { totalCount
    nodes { keyPrefix requests drafts tokensIn tokensOut engineSeconds storedBytes listener { externalId } } } }`;
const DRAFTS = '{ viewer { drafts(first: 100) { nodes { status usage { promptTokens completionTokens } } } } }';

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

interface Use {
  keyPrefix: string | null;
  requests: number;
  drafts: number;
  tokensIn: number;
  tokensOut: number;
  storedBytes: number;
  listener: { externalId: string };
}

const draftOf = (maxTokens: number, more: object = {}) => ({
  input: { kind: 'POEM', prompt: 'Snow on the sea', sampling: { maxTokens, seed: 3 }, ...more },
});

async function usageOf(server: TestListening, headers: Record<string, string>, key: string | null = null) {
  await server.services.usage.flush();
  const { data, errors } = await ask(server.graphqlUrl, USAGE, { key }, headers);
  expect(errors).toBeUndefined();
  return (data as { now: { nodes: Use[]; totalCount: number } }).now.nodes;
}

/** What the drafts of the caller say that they used. */
async function usedByDrafts(server: TestListening, headers: Record<string, string>) {
  const { data } = await ask(server.graphqlUrl, DRAFTS, {}, headers);
  const { nodes } = (
    data as {
      viewer: { drafts: { nodes: { status: string; usage: { promptTokens: number; completionTokens: number } }[] } };
    }
  ).viewer.drafts;
  const sum = (of: (usage: { promptTokens: number; completionTokens: number }) => number) =>
    nodes.reduce((total, { usage }) => total + of(usage), 0);
  return {
    open: nodes.filter(({ status }) => !/COMPLETED|CANCELLED|FAILED/.test(status)).length,
    tokensIn: sum((usage) => usage.promptTokens),
    tokensOut: sum((usage) => usage.completionTokens),
  };
}

const start = async (server: TestListening, headers: Record<string, string>, tokens: number, more: object = {}) => {
  const { data, errors } = await ask(server.graphqlUrl, START, draftOf(tokens, more), headers);
  expect(errors).toBeUndefined();
  return data as { startDraft: { __typename: string; draft?: { id: string } } & Record<string, unknown> };
};

describe('[USE1] [USE2] usage', () => {
  it('has the tokens of all drafts of a key to the token, and its operations and drafts', async () => {
    const server = await startListening({ config: withAuth });
    const { headers, prefix, id } = await createKey(server, { owner: 'ann' });
    const first = await start(server, headers, 30);
    await start(server, headers, 20, { alternatives: 3 });
    await expect.poll(async () => (await usedByDrafts(server, headers)).open).toBe(0);
    const more = `mutation { continueDraft(input: { draftId: "${first.startDraft.draft!.id}", sampling: { maxTokens: 7 } }) { __typename } }`;
    await ask(server.graphqlUrl, more, {}, headers);
    await expect.poll(async () => (await usedByDrafts(server, headers)).open).toBe(0);
    const { tokensIn, tokensOut } = await usedByDrafts(server, headers);
    expect(tokensOut).toBe(30 + 3 * 20 + 7);
    const [use, ...others] = await usageOf(server, headers, id);
    expect(use).toMatchObject({ keyPrefix: prefix, drafts: 5, tokensIn, tokensOut, listener: { externalId: 'ann' } });
    // Those above, those of this test's waiting, and none twice.
    expect(use!.requests).toBeGreaterThanOrEqual(6);
    expect(others).toEqual([]);
    const again = await usageOf(server, headers, id);
    expect(again[0]!.requests - use!.requests).toBe(1);
  });

  it('has the tokens of alternatives that are deleted while they are written', async () => {
    const engine = new ScriptedEngine({ granted: 12 });
    const server = await startListening({ config: withAuth, engine });
    const { headers, id } = await createKey(server);
    const { startDraft } = await start(server, headers, 50, { alternatives: 2 });
    await expect.poll(async () => (await usedByDrafts(server, headers)).tokensOut).toBe(12);
    await ask(server.graphqlUrl, `mutation { chooseDraft(id: "${startDraft.draft!.id}") { __typename } }`, {}, headers);
    engine.grant(Infinity);
    await expect.poll(async () => (await usedByDrafts(server, headers)).open).toBe(0);
    const [{ tokensOut } = { tokensOut: 0 }] = await usageOf(server, headers, id);
    expect(tokensOut).toBeGreaterThan(50);
    expect(tokensOut).toBeLessThanOrEqual(50 + 12);
  });

  it('is seen by the owner of a key and by ANALYSTs, and is in the copy for the owner', async () => {
    const server = await startListening({ config: withAuth });
    const { headers, prefix, id } = await createKey(server, { owner: 'ann', roles: ['SERVICE'] });
    await ask(server.graphqlUrl, '{ viewer { id } }', {}, { ...headers, 'x-listener-id': 'bob' });
    const [bob, staff] = [await bearer({ sub: 'bob' }), await bearer({ sub: 'eve', roles: ['ANALYST'] })];
    await ask(server.graphqlUrl, '{ viewer { id } }', {}, bob);
    expect(await usageOf(server, await bearer({ sub: 'ann' }))).toMatchObject([{ keyPrefix: prefix, requests: 1 }]);
    expect(await usageOf(server, bob)).toMatchObject([
      { keyPrefix: null, requests: 1, listener: { externalId: 'bob' } },
    ]);
    expect(await usageOf(server, bob, id)).toEqual([]);
    const all = await usageOf(server, staff);
    expect(all.map(({ listener, keyPrefix }) => [listener.externalId, keyPrefix]).sort()).toEqual([
      ...[
        ['ann', prefix],
        ['ann', null],
        ['bob', null],
        ['root', null],
      ].sort(),
    ]);
    const copy = await fetch(`${server.url}/export/listener`, { headers: await bearer({ sub: 'ann' }) });
    expect(((await copy.json()) as { usage: object[] }).usage).toContainEqual(
      expect.objectContaining({ key: prefix, requests: 1 }),
    );
  });

  it('refuses a wrong period, key or cursor by name', async () => {
    const server = await startListening();
    for (const [args, field] of [
      ['from: "2026-11-02", to: "2026-11-01"', 'to'],
      ['from: "2025-01-01", to: "2026-11-01"', 'to'],
      ['from: "2026-11-01", to: "2026-11-01", keyId: "x"', 'keyId'],
      ['from: "2026-11-01", to: "2026-11-01", after: "x"', 'after'],
    ] as const) {
      const { errors } = await ask(server.graphqlUrl, `{ usage(${args}) { totalCount } }`);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field });
    }
  });

  it('is measured in stored bytes as well', async () => {
    const server = await startListening({ config: withAuth });
    const { headers, id } = await createKey(server);
    await start(server, headers, 200);
    await expect.poll(async () => (await usedByDrafts(server, headers)).open).toBe(0);
    const chores = server.services.usage.keep();
    onTestFinished(() => chores[Symbol.asyncDispose]());
    await expect.poll(async () => (await usageOf(server, headers, id))[0]?.storedBytes).toBeGreaterThan(500);
  });
});

describe('[USE1] counts', () => {
  it('are noted once, also when the answer was lost and the portion is sent again', async () => {
    const database = await testDatabase();
    await database.sql`insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
    const use = {
      day: '2026-11-30',
      listenerId: 1,
      keyId: null,
      requests: 3,
      drafts: 1,
      tokensIn: 0,
      tokensOut: 0,
      engineMs: 0,
    };
    const node = crypto.randomUUID();
    for (const portion of [1, 1, 2, 1, 2]) await noteUses(database, node, portion, [use]);
    const [sums] =
      await database.sql`select sum(requests)::int as requests, sum(drafts)::int as drafts from usage_entries`;
    expect(sums).toEqual({ requests: 6, drafts: 2 });
  });

  it('of a node that stops are noted before it ends, and those of an erased listener are gone', async () => {
    const database = await testDatabase();
    const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: Date as never });
    const viewer = { listener: await listeners.ensure('ann'), roles: new Set(['LISTENER'] as const) };
    const usage = usageIn(database);
    await usage.countOperation(viewer);
    await usage[Symbol.asyncDispose]();
    const count = async () => (await database.sql`select requests from usage_entries`).length;
    expect(await count()).toBe(1);
    await database.sql`delete from listeners`;
    const next = usageIn(database);
    await next.fold();
    await next[Symbol.asyncDispose]();
    expect([await count(), (await database.sql`select from usage_days`).length]).toEqual([0, 0]);
  });
});

describe('[USE1] folding', () => {
  it('waits for nobody who is being erased, so that neither of the two can wait for the other', async () => {
    const database = await testDatabase();
    await database.sql`insert into listeners (external_id, display_name) values ('ann', 'Ann'), ('bob', 'Bob')`;
    const use = { day: today(), keyId: null, requests: 1, drafts: 0, tokensIn: 2, tokensOut: 3, engineMs: 4 };
    await noteUses(
      database,
      crypto.randomUUID(),
      1,
      [1, 2].map((listenerId) => ({ ...use, listenerId })),
    );
    const folded = () =>
      database.sql`select listener_id::int as listener, tokens_in::int + tokens_out::int as tokens from usage_days`;
    await database.sql.begin(async (tx) => {
      await tx`select from listeners where id = 1 for update`;
      await foldEntries(database);
      expect(await folded()).toEqual([{ listener: 2, tokens: 5 }]);
      await tx`delete from usage_entries where listener_id = 1`;
    });
    await foldEntries(database);
    expect(await folded()).toHaveLength(1);
  });
});

const SCORE = '{ scoreText(text: "x") { bits } }';

describe('[SCORE2] a text that is scored', () => {
  it('counts in tokens, and is refused where the key has none left, as an assist is', async () => {
    const engine = new ScriptedEngine();
    const server = await startListening({ config: withAuth, engine });
    const { headers, id } = await createKey(server, { owner: 'ann', quota: { tokensPerDay: { hard: 20 } } });
    expect((await ask(server.graphqlUrl, SCORE, {}, headers)).errors).toBeUndefined();
    const { maxTokens } = engine.requests[0]!.sampling;
    const ann = await bearer({ sub: 'ann' });
    expect(await usageOf(server, ann, id)).toMatchObject([{ tokensIn: 10, tokensOut: maxTokens, drafts: 0 }]);
    const { errors } = await ask(server.graphqlUrl, SCORE, {}, headers);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    const place = { ...server, headers };
    const documentId = await createDocument(place);
    expect(await assist(place, { documentId, task: 'CONTINUE' })).toMatchObject({ __typename: 'QuotaExceededError' });
  });

  it('is one of so many of a listener at once', async () => {
    const engine = new ScriptedEngine({ granted: 0 });
    const { graphqlUrl } = await startListening({ engine });
    const running = [ask(graphqlUrl, SCORE), ask(graphqlUrl, SCORE)];
    await expect.poll(() => engine.requests.length).toBe(2);
    expect((await ask(graphqlUrl, SCORE)).errors?.[0]?.extensions).toMatchObject({ code: 'OVERLOADED' });
    running.push(ask(graphqlUrl, SCORE, {}, { 'x-listener-id': 'bob' }));
    await expect.poll(() => engine.requests.length).toBe(3);
    engine.grant(Infinity);
    for (const { errors } of await Promise.all(running)) expect(errors).toBeUndefined();
  });
});

const usageIn = (database: Awaited<ReturnType<typeof testDatabase>>, clock = { now: () => Date.now() }) =>
  new UsageMeter({
    ...{ database, wakeups: new LocalWakeups(), log: silentLogger },
    clock: { ...clock, monotonic: () => performance.now() },
  });

describe('[USE2] a draft that another node takes over', () => {
  it('is charged to its key to the token, with what the dead node wrote', async () => {
    const database = await testDatabase();
    const wakeups = new LocalWakeups();
    const clock = { now: () => Date.now(), monotonic: () => performance.now() };
    const listener = await createListeners({ database, wakeups, clock }).ensure('ann');
    const [key] = await database.sql<{ id: number }[]>`
      insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
      values ('k', '', 'k', ${listener.id}, '{LISTENER}', '{}', '{}') returning id::int`;
    const viewer: Viewer = { listener, roles: new Set(['LISTENER']), key: { id: key!.id, prefix: 'k' } };
    const node = async (granted: number) => {
      const engine = new ScriptedEngine({ granted });
      const time = new ManualSleep();
      const joined = await joinNodes({
        ...{ database, wakeups, log: silentLogger, sleep: time.sleep },
        models: () => engine.models(),
      });
      const drafts = createDrafts({ database, engine, wakeups, clock, log: silentLogger, node: joined });
      drafts.recover();
      onTestFinished(() => drafts[Symbol.asyncDispose]());
      const beat = async (): Promise<void> => {
        time.pass();
        while (time.sleepers === 0) await new Promise(setImmediate);
      };
      return { drafts, beat };
    };
    const [dying, living] = [await node(5), await node(Infinity)];
    const input = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 12, seed: 3 } } as const;
    const { id } = await dying.drafts.start(viewer, input);
    const load = async () => (await living.drafts.byIds(viewer, [id])).get(id)!;
    await expect.poll(async () => (await load()).usage.completionTokens).toBe(5);
    for (let beats = 0; beats < 6; beats++) await living.beat();
    await expect.poll(async () => (await load()).status).toBe('COMPLETED');
    const { usage } = await load();
    const [charged] = await database.sql`
      select key_id::int as key, sum(tokens_in)::int as "promptTokens", sum(tokens_out)::int as "completionTokens"
      from usage_entries group by key_id`;
    const { promptTokens, completionTokens } = usage;
    expect(charged).toEqual({ key: key!.id, promptTokens, completionTokens });
    expect(completionTokens).toBe(12);
  });
});

describe('[QUOTA1] [QUOTA2] a quota', () => {
  let server: TestListening;
  const lines: { msg: string; quota?: string }[] = [];
  beforeEach(async () => {
    lines.length = 0;
    const warn = (facts: object, msg: string): void => void lines.push({ ...facts, msg });
    server = await startListening({ config: withAuth, log: { ...silentLogger, warn } as never });
  });
  const midnight = (): string => new Date(Date.parse(today()) + 24 * 3_600_000).toISOString();

  it('of drafts refuses one more with a typed error, and starts nothing', async () => {
    const { headers, id } = await createKey(server, { quota: { draftsPerDay: { hard: 3 } } });
    expect((await start(server, headers, 1, { alternatives: 2 })).startDraft.__typename).toBe('StartDraftSuccess');
    const refused = await start(server, headers, 1, { alternatives: 2 });
    expect(refused.startDraft).toMatchObject({
      ...{ __typename: 'QuotaExceededError', quota: 'draftsPerDay', spent: 2, limit: 3, resetsAt: midnight() },
    });
    expect((await start(server, headers, 1)).startDraft.__typename).toBe('StartDraftSuccess');
    expect((await start(server, headers, 1)).startDraft.__typename).toBe('QuotaExceededError');
    const [use] = await usageOf(server, headers, id);
    expect(use).toMatchObject({ drafts: 3 });
    // What this node has noted, and reads again, counts once.
    const { data } = await ask(
      server.graphqlUrl,
      `{ node(id: "${id}") { ... on ApiKey { quotas { quota hard soft spent } } } }`,
      {},
      await admin(),
    );
    expect(data?.node).toEqual({ quotas: [{ quota: 'DRAFTS_PER_DAY', hard: 3, soft: null, spent: 3 }] });
  });

  it('holds for drafts that are started at once, and one that could not be started gives it back', async () => {
    const { headers } = await createKey(server, { quota: { draftsPerDay: { hard: 4 } } });
    const { data } = await ask(
      server.graphqlUrl,
      START,
      draftOf(1, { prompt: 'x'.repeat(3_000), modelId: 'none' }),
      headers,
    );
    expect(data?.startDraft).toMatchObject({ __typename: 'InvalidInputError' });
    const all = await Promise.all(Array.from({ length: 8 }, () => start(server, headers, 1)));
    expect(all.filter(({ startDraft }) => startDraft.__typename === 'StartDraftSuccess')).toHaveLength(4);
  });

  it('of tokens refuses the next draft, once it is used up', async () => {
    const { headers } = await createKey(server, {
      quota: { tokensPerMonth: { hard: 30 }, tokensPerDay: { hard: 1_000 } },
    });
    await start(server, headers, 40);
    await expect.poll(async () => (await usedByDrafts(server, headers)).open).toBe(0);
    await server.services.usage.flush();
    expect((await start(server, headers, 1)).startDraft).toMatchObject({
      quota: 'tokensPerMonth',
      spent: 50,
      limit: 30,
    });
    // What needs no tokens goes on.
    expect((await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers)).errors).toBeUndefined();
  });

  it('of requests answers 429 with the time to wait, over HTTP and for streams', async () => {
    const { headers } = await createKey(server, { quota: { requestsPerDay: { hard: 2 } } });
    const post = (query: string, more: Record<string, string> = {}) =>
      fetch(server.graphqlUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          ...headers,
          ...more,
        },
        body: JSON.stringify({ query }),
      });
    for (const _ of [1, 2]) expect((await post('{ viewer { id } }')).status).toBe(200);
    const refused = await post('{ viewer { id } }');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const { errors } = (await refused.json()) as { errors: { extensions: object }[] };
    expect(errors[0]!.extensions).toMatchObject({
      ...{ code: 'QUOTA_EXCEEDED', quota: 'requestsPerDay', spent: 2, limit: 2, resetsAt: midnight() },
    });
    const stream = await post('subscription { recommendationsChanged { __typename } }', {
      accept: 'text/event-stream',
    });
    expect(await stream.text()).toContain('QUOTA_EXCEEDED');
  });

  it('that is soft warns in the answer and once in the log', async () => {
    const { headers, prefix } = await createKey(server, { quota: { requestsPerDay: { soft: 1, hard: 10 } } });
    const told = async () => (await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers)).extensions?.quotas;
    expect(await told()).toBeUndefined();
    expect(await told()).toEqual([{ quota: 'requestsPerDay', soft: 1, hard: 10, spent: 2, resetsAt: midnight() }]);
    expect(await told()).toMatchObject([{ spent: 3 }]);
    expect(lines.filter(({ quota }) => quota === 'requestsPerDay')).toMatchObject([{ key: prefix, soft: 1 }]);
  });

  it('can be changed by ADMIN, and holds at once; limits that are none are refused by name', async () => {
    const { headers, id } = await createKey(server);
    const SET = `mutation ($id: ID!, $quota: ApiKeyQuotaInput!) { setApiKeyQuota(id: $id, quota: $quota) { __typename
      ... on InvalidInputError { field } ... on SetApiKeyQuotaSuccess { apiKey { quotas { quota spent hard } } } } }`;
    const set = async (quota: object, as: Record<string, string>) =>
      (await ask(server.graphqlUrl, SET, { id, quota }, as)).data?.setApiKeyQuota;
    const viewer = async () =>
      (await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers)).errors?.[0]?.extensions?.code;
    expect(await viewer()).toBeUndefined();
    expect(await set({ requestsPerDay: { hard: 0 } }, await admin())).toMatchObject({
      apiKey: { quotas: [{ quota: 'REQUESTS_PER_DAY', hard: 0 }] },
    });
    expect(await viewer()).toBe('QUOTA_EXCEEDED');
    expect(await set({}, await admin())).toEqual({ __typename: 'SetApiKeyQuotaSuccess', apiKey: { quotas: [] } });
    expect(await viewer()).toBeUndefined();
    expect(await set({}, await bearer({ sub: 'ann' }))).toEqual({ __typename: 'ForbiddenError' });
    for (const [limits, field] of [
      [{ tokensPerDay: { soft: 5, hard: 4 } }, 'quota.tokensPerDay.soft'],
      [{ draftsPerDay: { hard: -1 } }, 'quota.draftsPerDay.hard'],
      [{ draftsPerDay: { hard: 1.5 } }, 'quota.draftsPerDay.hard'],
    ] as const)
      expect(await set(limits, await admin())).toEqual({ __typename: 'InvalidInputError', field });
  });
});

describe('[QUOTA1] a day', () => {
  it('begins at 0, also when what was counted before midnight is read back after it', async () => {
    const database = await testDatabase();
    await database.sql`insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
    const quota = { requestsPerDay: { soft: null, hard: 2 } };
    await database.sql`insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
      values ('k', '', 'k', 1, '{LISTENER}', '{}', ${JSON.stringify(quota)}::text::jsonb)`;
    const wall = { at: Date.parse('2026-11-30T23:59:59Z') };
    const quotas = new Quotas({ database, clock: { ...systemClock, now: () => wall.at }, log: silentLogger });
    (await quotas.take(1, 'request', 1))(true);
    const counted = quotas.recent();
    wall.at += 2_000;
    await quotas.refresh(counted);
    expect((await quotas.statesOf([1])).get(1)).toMatchObject([{ spent: 0 }]);
  });

  it('ends at midnight of UTC, and a month with its last day', async () => {
    const database = await testDatabase();
    const wall = { at: Date.parse('2026-11-30T23:59:00Z') };
    const usage = usageIn(database, { now: () => wall.at });
    onTestFinished(() => usage[Symbol.asyncDispose]());
    const quota = { requestsPerDay: { soft: null, hard: 1 }, tokensPerMonth: { soft: null, hard: 100 } };
    await database.sql`insert into listeners (external_id, display_name) values ('ann', 'Ann')`;
    await database.sql`insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
      values ('k', '', 'k', 1, '{LISTENER}', '{}', ${JSON.stringify(quota)}::text::jsonb)`;
    await database.sql`insert into usage_days (day, listener_id, key_id, tokens_in) values ('2026-11-01', 1, 1, 60), ('2026-10-31', 1, 1, 9)`;
    const listener = { id: 1, externalId: 'ann', displayName: 'Ann', simulated: false };
    const viewer: Viewer = { listener, roles: new Set(['LISTENER']), key: { id: 1, prefix: 'k' } };
    const states = async () => (await usage.quotasOf([1])).get(1);
    await usage.countOperation(viewer);
    await expect(usage.countOperation(viewer)).rejects.toMatchObject({ quota: 'requestsPerDay' });
    expect(await states()).toMatchObject([
      { spent: 1, resetsAt: new Date('2026-12-01T00:00:00Z') },
      { spent: 60, resetsAt: new Date('2026-12-01T00:00:00Z') },
    ]);
    wall.at += 120_000;
    await usage.countOperation(viewer);
    expect(await states()).toMatchObject([
      { spent: 1, resetsAt: new Date('2026-12-02T00:00:00Z') },
      { spent: 0, resetsAt: new Date('2027-01-01T00:00:00Z') },
    ]);
  });
});
