import { type ExecutionResult, type FormattedExecutionResult, GraphQLError, parse } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { Operations, textOf } from '../../../bench/worst/operations.ts';
import type { Database } from '../../../src/db/client.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { buildSchema } from '../../../src/schema/schema.ts';
import { CostControl } from '../../../src/transport/cost/cost-limits.ts';
import { ListenerAccounts } from '../../../src/transport/cost/listener-accounts.ts';
import { bytesOfResult } from '../../../src/transport/cost/result-size.ts';
import { Spending } from '../../../src/transport/cost/spending.ts';
import { Answer, LiveResults, type Meter } from '../../../src/transport/live-results.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening, type TestListening } from '../../support/listening.ts';
import { createDatabase } from '../../support/postgres/database.ts';

const NESTED = '{tracks(first:100){nodes{similar(first:100){nodes{track{similar(first:100){nodes{track{id}}}}}}}}}';
const ALIASED = `{${Array.from({ length: 30 }, (_, i) => `a${i}: recommendations(first: 100) { nodes { explanation { reasons(first: 100) { contribution } } } }`).join(' ')}}`;

let database: Database;
let ids: number[];
beforeAll(async () => {
  database = await createDatabase();
  ({ ids } = await addTracks(database, someTracks(30)));
  return () => database[Symbol.asyncDispose]();
});

async function overSocket(
  server: TestListening,
  queries: string[],
  variables = {},
): Promise<FormattedExecutionResult[]> {
  const client = createClient({ url: server.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, lazy: false });
  onTestFinished(() => void client.dispose());
  const results: FormattedExecutionResult[] = [];
  for (const query of queries) results.push(await firstOf(client.iterate({ query, variables })));
  return results;
}

/** What comes of an operation that is refused, to who takes an event stream. */
async function streamedAnswer({ graphqlUrl }: TestListening, query: string): Promise<FormattedExecutionResult> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const response = await fetch(graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) });
  expect(response.status).toBe(400);
  const [, data = ''] = /data: (.*)/.exec(await response.text()) ?? [];
  return JSON.parse(data) as FormattedExecutionResult;
}

async function firstOf(results: ReturnType<Client['iterate']>): Promise<FormattedExecutionResult> {
  const { value } = (await results.next()) as IteratorResult<FormattedExecutionResult, undefined>;
  if (!value) throw new Error('it ended without a result');
  return value;
}

const told = ({ errors }: { errors?: readonly { message: string; extensions?: object }[] | undefined }) =>
  errors?.map(({ extensions }) => extensions as Record<string, unknown>)[0];

describe('[COST2] an operation over its budget', () => {
  it.each([
    ['a list in a list in a list', NESTED, 'tracks.nodes.similar.nodes.track.similar.nodes'],
    ['thirty lists under aliases', ALIASED, 'a0.nodes.explanation.reasons'],
  ])('%s is refused before it runs, over every transport', async (_, query, path) => {
    const server = await startListening({ database });
    const response = await fetch(server.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query }),
    });
    expect(response.status).toBe(400);
    const overHttp = (await response.json()) as { errors: [] };
    const [onSocket] = await overSocket(server, [query]);
    const live =
      'subscription { recommendations(first: 100) { nodes { track { similar(first: 100) { nodes { rank } } } } } }';
    const streamed = await streamedAnswer(server, live);
    for (const answer of [overHttp, onSocket!, streamed]) {
      expect(answer).not.toHaveProperty('data');
      const facts = told(answer) as { cost: { requested: number; maximum: number } };
      expect(facts).toMatchObject({ code: 'COST_EXCEEDED' });
      expect(facts.cost.requested).toBeGreaterThan(facts.cost.maximum);
      expect(facts).not.toHaveProperty('http');
    }
    expect(told(overHttp)).toMatchObject({ mostExpensive: { path } });
    expect(told(onSocket!)).toMatchObject({ mostExpensive: { path } });
    expect((overHttp.errors as { message: string }[])[0]!.message).toContain(path);
  });

  it('changes nothing', async () => {
    const { graphqlUrl } = await startListening({ cost: { budget: 1_000, staffBudget: 1_000 } });
    const input = someTracks(5);
    const { errors } = await ask(
      graphqlUrl,
      'mutation ($input: [TrackInput!]!) { upsertTracks(input: $input) { __typename } }',
      { input },
    );
    expect(told({ errors: errors! })).toMatchObject({ code: 'COST_EXCEEDED', cost: { requested: 2_502 } });
    const answer = await ask(graphqlUrl, '{ genres { slug } }', {});
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'COST_EXCEEDED' });
    const { graphqlUrl: another } = await startListening();
    expect((await ask(another, '{ tracks { totalCount } }')).data).toEqual({ tracks: { totalCount: 0 } });
  });

  it('is higher for ANALYST and ADMIN if authentication is configured', async () => {
    const secret = 'a secret that is thirty-two bytes long, or longer';
    const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
    const { graphqlUrl } = await startListening({
      database,
      config: { auth },
      cost: { budget: 2_000, staffBudget: 9_000 },
    });
    const answers = [['LISTENER'], ['SERVICE'], ['ANALYST'], ['ADMIN']].map(async (roles) => {
      const key = new TextEncoder().encode(secret);
      const token = await new SignJWT({ sub: 'ann', roles })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(key);
      return ask(graphqlUrl, '{ recommendations(first: 1) { requestId } }', {}, { authorization: `Bearer ${token}` });
    });
    const maxima = (await Promise.all(answers)).map(({ errors, extensions }) =>
      errors ? told({ errors })!.code : (extensions as { cost: { maximum: number } }).cost.maximum,
    );
    expect(maxima).toEqual(['COST_EXCEEDED', 'COST_EXCEEDED', 9_000, 9_000]);
  });
});

describe('[COST3] the cost and the remaining budget', () => {
  it('are in the extensions of the answer', async () => {
    const { graphqlUrl } = await startListening({ database });
    const { data, extensions } = await ask(graphqlUrl, 'query ($n: Int!) { tracks(first: $n) { nodes { title } } }', {
      n: 3,
    });
    expect((data as { tracks: { nodes: [] } }).tracks.nodes).toHaveLength(3);
    expect(extensions).toEqual({ cost: { requested: 1_508, maximum: 200_000, remaining: 198_492 } });
  });

  it('are there even if a field failed', async () => {
    const { graphqlUrl } = await startListening({ database });
    const { errors, extensions } = await ask(graphqlUrl, '{ track(id: "nonsense") { id } }');
    expect(told({ errors: errors! })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(extensions).toMatchObject({ cost: { requested: 52 } });
  });

  it('include the account of the WebSocket', async () => {
    const server = await startListening({ database });
    const [first, second] = await overSocket(server, ['{ viewer { id } }', '{ viewer { id } }']);
    const left = [first, second].map((result) => {
      const { cost } = result!.extensions as { cost: { connection: { remaining: number } } };
      return cost.connection.remaining;
    });
    expect(first!.extensions).toMatchObject({ cost: { requested: 3, connection: { maximum: 4_000_000 } } });
    expect(left[0]!).toBeGreaterThanOrEqual(4_000_000 - 6);
    expect(left[1]!).toBeLessThanOrEqual(4_000_000);
  });

  it('a socket that has overdrawn its account gets the time to retry, and others are served', async () => {
    const server = await startListening({ database, cost: { socketPerMinute: 1_000, budget: 200_000 } });
    const dear = '{ recommendations(first: 100) { nodes { explanation { reasons(first: 100) { contribution } } } } }';
    const [, , , , , , , late] = await overSocket(
      server,
      Array.from({ length: 8 }, () => dear),
    );
    const facts = told(late!) as { code: string; retryAfterMs: number };
    expect(facts.code).toBe('COST_EXCEEDED');
    expect(facts.retryAfterMs).toBeGreaterThan(0);
    const [fresh] = await overSocket(server, ['{ viewer { id } }']);
    expect(fresh!.errors).toBeUndefined();
  });
});

describe('[COST4] live results', () => {
  const live =
    'subscription { recommendations(first: 100) { nodes { track { title } explanation { reasons(first: 100) { summary } } } } }';

  it('[COST6] of one socket, one event of each, may together cost as much as one operation', async () => {
    const server = await startListening({ database });
    const client = createClient({ url: server.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
    onTestFinished(() => void client.dispose());
    const open = [];
    let refused: FormattedExecutionResult | null = null;
    while (!refused) {
      const results = client.iterate({ query: live });
      const first = await firstOf(results);
      if (first.errors) refused = first;
      else open.push(results);
    }
    expect(open.length).toBe(2);
    expect(told(refused)).toMatchObject({ code: 'COST_EXCEEDED', cost: { maximum: 200_000 } });
    // Who ends one has room for another.
    await open[0]!.return!();
    await expect.poll(async () => (await firstOf(client.iterate({ query: live }))).errors).toBeUndefined();
  });

  it('[COST6] a hundred live lists on one socket are refused, so that one reaction does not cause a hundred lists', async () => {
    const server = await startListening({ database });
    const client = createClient({ url: server.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
    onTestFinished(() => void client.dispose());
    const firsts = Array.from({ length: 100 }, () => firstOf(client.iterate({ query: live })));
    const taken = (await Promise.all(firsts)).filter(({ errors }) => !errors);
    expect(taken).toHaveLength(2);
  });

  describe('of one listener over several connections', () => {
    /** The meter of a new connection's subscription. */
    async function meterOf(control: CostControl, listener: number): Promise<Meter> {
      const given: Meter[] = [];
      const subscribe = control.metered((_, meter) => {
        given.push(meter!);
        return Promise.resolve({ data: {} });
      });
      const contextValue = { viewer: { listener: { id: listener }, roles: new Set() }, connection: {} };
      await subscribe({
        schema: buildSchema(),
        document: parse('subscription { recommendations { requestId } }'),
        contextValue,
      });
      return given[0]!;
    }
    const [ANN, BEN] = [1, 2];
    const limits = { budget: 10_000, staffBudget: 10_000, socketPerMinute: 10_000, resultBytes: 1_000 };

    it('are charged to one account if they are made for the listener alone', async () => {
      const control = new CostControl(buildSchema(), limits);
      const [ann, annAgain, ben] = [
        await meterOf(control, ANN),
        await meterOf(control, ANN),
        await meterOf(control, BEN),
      ];
      for (const meter of [ann, annAgain, ben]) meter.spend(null);
      expect([ann.waitMs(), annAgain.waitMs(), ben.waitMs()]).toEqual([0, 0, 0]);
      ann.spend(null);
      expect(annAgain.waitMs()).toBeGreaterThan(0);
      expect(ben.waitMs()).toBe(0);
    });

    it('are charged separately if their events are shared with others', async () => {
      const control = new CostControl(buildSchema(), limits);
      const [ann, annAgain] = [await meterOf(control, ANN), await meterOf(control, ANN)];
      for (let n = 0; n < 10; n++) ann.spend(1_000_000);
      annAgain.spend(20);
      expect(ann.waitMs()).toBeGreaterThan(0);
      expect(annAgain.waitMs()).toBe(0);
    });
  });

  it('keeps the accounts of the most recent listeners', () => {
    const accounts = new ListenerAccounts(2);
    const open = () => new Spending({ perMinute: 1, live: 1 });
    const [first, second] = [accounts.of(1, open), accounts.of(2, open)];
    expect(accounts.of(1, open)).toBe(first);
    accounts.of(3, open);
    expect(accounts.of(1, open)).toBe(first);
    expect(accounts.of(2, open)).not.toBe(second);
  });

  /** Two events, of which the second waits so long to be paid. */
  function metered(waits: number[], sharedBytes: number | null = null) {
    const spent: string[] = [];
    const events = (async function* () {
      yield await Promise.resolve('a');
      yield 'b';
    })();
    const answer = (event: unknown) => (
      spent.push(`answer ${String(event)}`),
      new Answer({ data: { event } }, null, sharedBytes)
    );
    const meter = {
      waitMs: () => waits.shift() ?? 0,
      spend: (bytes: number | null) => void spent.push(bytes === null ? 'spend all' : `spend by ${bytes} bytes`),
      end: () => void spent.push('end'),
      bounded: (result: ExecutionResult) => ({ result, bytes: 0 }),
    };
    return { spent, results: new LiveResults(events, answer, () => new GraphQLError('masked'), meter) };
  }

  it('an event waits until the account can pay for it, and each event is charged', async () => {
    const { spent, results } = metered([0, 3, 2, 0]);
    expect((await results.nextAnswer())!.result.data).toEqual({ event: 'a' });
    expect((await results.nextAnswer())!.result.data).toEqual({ event: 'b' });
    expect(await results.nextAnswer()).toBeNull();
    expect(spent).toEqual(['answer a', 'spend all', 'answer b', 'spend all', 'end']);
  });

  it('shared events are charged by size, so that a draft followed with all alternatives is not delayed', async () => {
    const { spent, results } = metered([], 300);
    await results.nextAnswer();
    expect(spent).toEqual(['answer a', 'spend by 300 bytes']);
  });

  it('unsubscribing ends the wait', async () => {
    const { spent, results } = metered([0, 1_000_000, 1_000_000]);
    await results.nextAnswer();
    const waiting = results.nextAnswer();
    await results.return();
    expect(await waiting).toBeNull();
    expect(spent).toContain('end');
    expect(spent).not.toContain('answer b');
  });
});

describe('[COST4] an account', () => {
  const clockAt = (at: { ms: number }) => ({ now: () => at.ms, monotonic: () => at.ms });

  it('starts with the budget of a minute, may be overdrawn once and refills evenly', () => {
    const at = { ms: 0 };
    const spending = new Spending({ perMinute: 60_000, live: 100 }, clockAt(at));
    spending.spend(59_999);
    expect(spending.waitMs()).toBe(0);
    spending.spend(3_000);
    expect(spending.waitMs()).toBe(3_000);
    at.ms += 2_999;
    expect(spending.waitMs()).toBe(1);
    at.ms += 1;
    expect(spending.waitMs()).toBe(0);
    at.ms += 600_000;
    expect(spending.left).toBe(60_000);
  });

  it('registers live results up to their limit, and releases each once', () => {
    const spending = new Spending({ perMinute: 1, live: 100 });
    const end = spending.follow(60)!;
    expect(spending.follow(41)).toBeNull();
    expect(spending.follow(40)).not.toBeNull();
    end();
    end();
    expect(spending.follow(61)).toBeNull();
    expect(spending.follow(60)).not.toBeNull();
  });
});

describe('[COST5] an answer', () => {
  it.each(['http', 'socket', 'live'])('that is too large is not sent (%s)', async (way) => {
    const server = await startListening({ database, cost: { resultBytes: 2_000 } });
    const fields = 'nodes { track { id title artist { name } } }';
    const query =
      way === 'live'
        ? `subscription { recommendations(first: 30) { ${fields} } }`
        : `{ tracks(first: 100) { nodes { id title artist { name } } } }`;
    const answer = way === 'http' ? await ask(server.graphqlUrl, query) : (await overSocket(server, [query]))[0]!;
    expect(told(answer)).toMatchObject({ code: 'RESULT_TOO_LARGE', maximumBytes: 2_000 });
    expect(answer).not.toHaveProperty('data');
    const small = await ask(server.graphqlUrl, '{ tracks(first: 2) { nodes { id } } }');
    expect(small.errors).toBeUndefined();
  });

  it('is measured by its size as JSON, whatever it contains', () => {
    const values = [
      'ü'.repeat(3_000),
      ['a'.repeat(10), 'b'.repeat(20)],
      { text: '雨'.repeat(400), list: Array.from({ length: 50 }, (_, i) => ({ i, title: `Title ${i}` })) },
    ];
    for (const value of values) {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      expect(bytesOfResult(value, bytes * 0.7)).toBeGreaterThan(bytes * 0.7);
      expect(bytesOfResult(value, bytes * 2)).toBeLessThanOrEqual(bytes * 2);
    }
  });

  it('is not measured beyond the limit', () => {
    let looked = 0;
    const item = {
      get text() {
        looked++;
        return 'a'.repeat(100);
      },
    };
    const items = Array.from({ length: 1_000 }, () => item);
    expect(bytesOfResult(items, 1_000)).toBeGreaterThan(1_000);
    expect(looked).toBeLessThan(15);
  });
});

describe('[COST1] the cost of a real answer', () => {
  it('is at least the number of its objects, for random operations', async () => {
    const server = await startListening({ database, cost: { budget: 1e9, staffBudget: 1e9 } });
    const known = ids.slice(0, 5).map((id) => `"${encodeId('Track', id)}"`);
    const pools = {
      id: known,
      ids: known,
      trackId: known,
      seedTrackIds: known,
      unlikeTrackIds: known,
      session: known,
      externalId: ['"demo"'],
      search: ['"title"'],
      text: ['"jazz"'],
    };
    const shape = { depth: 7, width: 3, lengths: [1, 2, 5, 30], pools, without: ['offPolicyEstimate', 'models'] };
    const operations = new Operations(buildSchema(), randomStream(3), shape);
    let answered = 0;
    for (let i = 0; i < 60; i++) {
      const text = textOf(operations.draw());
      const { data, extensions } = await ask(server.graphqlUrl, text);
      if (!data) continue;
      answered++;
      const { cost } = extensions as { cost: { requested: number } };
      expect(objectsIn(data), text).toBeLessThanOrEqual(cost.requested);
    }
    expect(answered).toBeGreaterThan(20);
  });
});

function objectsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value).reduce((sum: number, one) => sum + objectsIn(one), 0);
  return inner + (Array.isArray(value) ? 0 : 1);
}
