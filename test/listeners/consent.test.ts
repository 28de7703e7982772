import { describe, expect, it } from 'vitest';
import { selectSomeListeners } from '../../src/db/recommend/evaluation-queries.ts';
import { selectActiveVersion } from '../../src/db/recommend/recommend-queries.ts';
import { readRecentLists } from '../../src/db/recommend/served-list-queries.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Viewer } from '../../src/listeners/listeners.ts';
import { VisitorTokens } from '../../src/listeners/listeners.ts';
import { unpackWeights } from '../../src/recommend/model/stored-weights.ts';
import { parseWeights } from '../../src/recommend/model/weights.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { someTracks } from '../support/catalogue/catalogue.ts';
import { importContent } from '../support/catalogue/importing.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { createDatabase, testDatabase } from '../support/postgres/database.ts';
import { type Recommending, startRecommending } from '../support/recommend/recommending.ts';

const CONSENT = 'consent { training analytics updatedAt }';
const READ = `{ viewer { ${CONSENT} } }`;
const SET = `mutation ($input: SetConsentInput!) { setConsent(input: $input) { __typename
  ... on SetConsentSuccess { ${CONSENT} } ... on Error { message } ... on InvalidInputError { field } } }`;

async function start(options: Parameters<typeof startListening>[0] = {}) {
  const server = await startListening({ config: withAuth, ...options });
  const set = async (input: object, headers: Record<string, string>) =>
    (await ask(server.graphqlUrl, SET, { input }, headers)).data?.setConsent;
  const read = async (headers: Record<string, string>) =>
    ((await ask(server.graphqlUrl, READ, {}, headers)).data as { viewer: { consent: { updatedAt: string | null } } })
      .viewer.consent;
  return { ...server, set, read };
}

describe('[CONSENT1] what a listener allows', () => {
  it('is said and read by themselves, purpose by purpose', async () => {
    const { set, read } = await start();
    const ann = await bearer({ sub: 'ann' });
    expect(await read(ann)).toEqual({ training: true, analytics: true, updatedAt: null });
    expect(await set({ training: false }, ann)).toMatchObject({
      __typename: 'SetConsentSuccess',
      consent: { training: false, analytics: true, updatedAt: expect.any(String) as string },
    });
    await set({ analytics: false }, ann);
    expect(await read(ann)).toMatchObject({ training: false, analytics: false });
    await set({ training: true }, ann);
    expect(await read(ann)).toMatchObject({ training: true, analytics: false });
    expect(await set({}, ann)).toMatchObject({ __typename: 'InvalidInputError', field: 'input' });
    expect(await read(await bearer({ sub: 'bob' }))).toMatchObject({ training: true, analytics: true });
  });

  it('is what the operator says where a listener has not', async () => {
    const database = await testDatabase({ consentUnlessSaid: { training: false, analytics: true } });
    const { set, read } = await start({ database });
    const ann = await bearer({ sub: 'ann' });
    expect(await read(ann)).toEqual({ training: false, analytics: true, updatedAt: null });
    await set({ training: true }, ann);
    expect(await read(ann)).toMatchObject({ training: true, analytics: true });
  });

  it('is changed for somebody else by SERVICE and ADMIN alone, and by each change there is an entry in the audit log', async () => {
    const { set, read, graphqlUrl, services } = await start();
    const [ann, bob] = await Promise.all(['ann', 'bob'].map((sub) => bearer({ sub })));
    const root = await bearer({ sub: 'root', roles: ['ADMIN'] });
    const { id } = await services.listeners.ensure('ann');
    const named = { listenerId: encodeId('Listener', id), training: false };
    expect(await set(named, bob!)).toMatchObject({ __typename: 'ForbiddenError' });
    expect(await set({ externalId: 'ann', training: false }, bob!)).toMatchObject({ __typename: 'ForbiddenError' });
    expect(await read(ann!)).toMatchObject({ training: true });
    expect(await set(named, root)).toMatchObject({ __typename: 'SetConsentSuccess' });
    expect(await read(ann!)).toMatchObject({ training: false });
    expect(await set({ externalId: 'nobody', training: false }, root)).toMatchObject({ __typename: 'NotFoundError' });
    expect(await set({ ...named, externalId: 'ann' }, root)).toMatchObject({ __typename: 'InvalidInputError' });
    await set({ training: true }, ann!);
    const log = '{ auditLog(action: "setConsent", first: 10) { nodes { actor subject outcome } } }';
    const { data } = await ask(graphqlUrl, log, {}, root);
    const entries = (data as { auditLog: { nodes: Record<string, string | null>[] } }).auditLog.nodes;
    expect(entries.map(({ actor, subject, outcome }) => `${actor} ${subject} ${outcome}`)).toEqual([
      'ann ann DONE',
      'root ann InvalidInputError',
      'root null NotFoundError',
      'root ann DONE',
      'bob ann ForbiddenError',
      'bob ann ForbiddenError',
    ]);
  });

  it('is in the copy for the listener, becomes an account’s that has not said, and goes with an erasure', async () => {
    const visitors = { secret: 'a secret of at least thirty-two bytes', hours: 1 };
    const { set, read, graphqlUrl, database, url } = await start({ visitors });
    const { token } = await new VisitorTokens(visitors, systemClock).issue();
    await set({ training: false }, { authorization: `Bearer ${token}` });
    const ann = await bearer({ sub: 'ann' });
    await set({ analytics: true }, ann);
    const claim = 'mutation ($token: String!) { claimVisitor(visitorToken: $token) { __typename } }';
    await ask(graphqlUrl, claim, { token }, ann);
    expect(await read(ann)).toMatchObject({ training: false, analytics: true });
    const copy = (await (await fetch(`${url}/export/listener`, { headers: ann })).json()) as { consent: object };
    expect(copy.consent).toMatchObject({ training: false, analytics: true, updatedAt: expect.any(String) as string });
    await ask(graphqlUrl, 'mutation { eraseMe(confirm: "ann") { __typename } }', {}, ann);
    expect(await read(ann)).toEqual({ training: true, analytics: true, updatedAt: null });
    expect(await database.sql`select from listeners where consent_updated_at is not null`).toHaveLength(0);
  });

  it.each([
    { visitor: [false, true], account: [true, true], then: [false, true] },
    { visitor: [true, false], account: [false, true], then: [false, false] },
    { visitor: [true, null], account: [null, false], then: [true, false] },
    { visitor: [false, null], account: [null, null], then: [false, true] },
    { visitor: [null, null], account: [false, true], then: [false, true] },
  ] as const)('of a visitor ($visitor) and their account ($account) is $then once they are one', async (said) => {
    const visitors = { secret: 'a secret of at least thirty-two bytes', hours: 1 };
    const { set, read, graphqlUrl } = await start({ visitors });
    const { token } = await new VisitorTokens(visitors, systemClock).issue();
    const ann = await bearer({ sub: 'ann' });
    const say = async ([training, analytics]: readonly (boolean | null)[], who: Record<string, string>) => {
      if (training !== null || analytics !== null) await set({ training, analytics }, who);
      return read(who);
    };
    await say(said.account, ann);
    const visitor = await say(said.visitor, { authorization: `Bearer ${token}` });
    const account = await read(ann);
    const claim = 'mutation ($token: String!) { claimVisitor(visitorToken: $token) { __typename } }';
    const { data } = await ask(graphqlUrl, claim, { token }, ann);
    expect(data).toEqual({ claimVisitor: { __typename: 'ClaimVisitorSuccess' } });
    const [training, analytics] = said.then;
    const updatedAt = visitor.updatedAt ?? account.updatedAt;
    expect(await read(ann)).toEqual({ training, analytics, updatedAt });
  });
});

/** Twenty listeners like tracks 0 to 3; ann alone also likes track 9. */
async function listened(options?: Parameters<typeof startRecommending>[1]) {
  const world = await startRecommending(someTracks(12), options);
  const key = (i: number) => someTracks(12)[i]!.externalId;
  for (let i = 0; i < 20; i++) {
    await world.heard(
      `fan ${i}`,
      [0, 1, 2, 3].filter((n) => n !== i % 4).map((n) => [key(n), 'LIKE', n + 1] as const),
    );
  }
  const ann = await world.heard(
    'ann',
    [0, 1, 9].map((n, i) => [key(n), 'LIKE', i + 1] as const),
  );
  return { ...world, ann, key };
}

async function trainedTracks({ database, recommender }: Recommending): Promise<number[]> {
  await recommender.train();
  const active = await selectActiveVersion(database.db);
  return [...parseWeights(await unpackWeights(active!.weights)).ids];
}

describe('[CONSENT2] who does not allow training', () => {
  it('is in no version that is trained from then on, nor in popularity, and is recommended to as before', async () => {
    const world = await listened();
    const { ann, catalogue, database, idOf, key, listeners, recommender } = world;
    const likes9 = async () => {
      await catalogue.refreshPopularity();
      const [track] = await database.sql<{ n: number }[]>`
        select recent_listeners as n from tracks where external_id = ${key(9)}`;
      return track?.n;
    };
    expect(await trainedTracks(world)).toContain(idOf(key(9)));
    expect(await likes9()).toBe(1);
    const feedbackOf = async () => (await recommender.versions(1))[0]?.parameters.feedback;
    expect(await feedbackOf()).toBe(63);

    await listeners.setConsent(ann.listener.id, { training: false });
    const ids = await trainedTracks(world);
    expect(ids).not.toContain(idOf(key(9)));
    expect(ids).toContain(idOf(key(0)));
    expect(await feedbackOf()).toBe(60);
    expect(await likes9()).toBe(0);
    // What she likes still decides what she is told.
    const { edges } = await recommender.recommend(ann.listener.id, { diversity: 0 }, { first: 1 });
    expect(edges[0]?.node.trackId).toBe(idOf(key(2)));
    expect(edges[0]?.node.explanation.reasons.map(({ kind }) => kind)).toContain('history');

    await listeners.setConsent(ann.listener.id, { training: true });
    expect(await trainedTracks(world)).toContain(idOf(key(9)));
    expect(await likes9()).toBe(1);
  });
});

/** A list that was served, and a click in it. */
async function serve({ database }: TestListening, viewer: Viewer, trackId: number): Promise<void> {
  const { id } = viewer.listener;
  const [list] = await database.sql<{ id: string }[]>`
    insert into recommendation_lists (id, listener_id, model_version, track_ids, causes, state)
    values (gen_random_uuid(), ${id}, 'v1', ${`{${trackId}}`}::bigint[], 'o', ${Buffer.from([1])}) returning id`;
  await database.sql`insert into feedback (listener_id, track_id, kind, request_id) values (${id}, ${trackId}, 'PLAY', ${list!.id}),
    (${id}, ${trackId}, 'LIKE', gen_random_uuid())`;
}

interface Counts {
  unattributed: number;
  totals: { impressions: number; clicks: number };
  breakdown: { rows: { impressions: number }[] };
}

describe('[CONSENT2] who does not allow analytics', () => {
  it('is counted in none, measured in none and in no export for analysts', async () => {
    const server = await start();
    const { database, services, graphqlUrl, url, set } = server;
    await importContent(database, 'tracks', ['externalId,title,artist', 't1,One,Somebody']);
    const viewers = await Promise.all(
      ['ann', 'bob'].map(async (name) => ({
        listener: await services.listeners.ensure(name),
        roles: new Set([] as const),
      })),
    );
    for (const viewer of viewers) await serve(server, viewer, 1);
    const analyst = await bearer({ sub: 'x', roles: ['ANALYST'] });
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const counts = async () => {
      const query = `{ analytics(from: "${day(-2)}", to: "${day(2)}") { unattributed totals { impressions clicks }
        breakdown(by: [SEGMENT]) { rows { impressions } } coverage { served } } }`;
      const { data, errors } = await ask(graphqlUrl, query, {}, analyst);
      expect(errors).toBeUndefined();
      const { unattributed, totals, breakdown } = (data as { analytics: Counts }).analytics;
      return { unattributed, ...totals, broken: breakdown.rows.map(({ impressions }) => impressions) };
    };
    const exported = async (of: string) => {
      const period = `from=${day(-2)}&to=${day(2)}`;
      const text = await (await fetch(`${url}/export?of=${of}&format=csv&${period}`, { headers: analyst })).text();
      return ['ann', 'bob'].filter((name) => text.includes(name));
    };
    // A node makes two exports at once.
    const all = async () => [await exported('lists'), await exported('clicks'), await exported('feedback')];
    const judged = async () => {
      let lists = 0;
      for await (const { rows } of readRecentLists(database, 10, null)) lists += rows.length;
      return lists;
    };
    expect(await counts()).toEqual({ unattributed: 2, impressions: 2, clicks: 2, broken: [2] });
    expect(await all()).toEqual([
      ['ann', 'bob'],
      ['ann', 'bob'],
      ['ann', 'bob'],
    ]);
    expect([await judged(), (await selectSomeListeners(database, 10)).length]).toEqual([2, 2]);

    await set({ analytics: false }, await bearer({ sub: 'ann' }));
    expect(await counts()).toEqual({ unattributed: 1, impressions: 1, clicks: 1, broken: [1] });
    expect(await all()).toEqual([['bob'], ['bob'], ['bob']]);
    expect(await judged()).toBe(1);
    expect(await selectSomeListeners(database, 10)).toEqual([viewers[1]!.listener.id]);
  });
});

it('[CONSENT3] consents are imported, all or none, and an import that repeats changes nothing', async () => {
  await using database = await createDatabase();
  const stored = async () =>
    (
      await database.sql<{ who: string; training: boolean | null; analytics: boolean | null }[]>`
      select external_id as who, allows_training as training, allows_analytics as analytics from listeners order by id`
    ).map(({ who, training, analytics }) => `${who} ${training} ${analytics}`);
  const bad = await importContent(database, 'consents', [
    'listener,training,analytics',
    'ann,no,',
    'bob,,',
    'cat,maybe,',
  ]);
  expect(bad.bad).toEqual(['3: says neither training nor analytics', expect.stringContaining('4: training')]);
  expect(await stored()).toEqual([]);
  const rows = ['listener,training,analytics', 'ann,no,', 'bob,yes,no', 'ann,,no', 'bob,no,'];
  const { report } = await importContent(database, 'consents', rows);
  expect(report).toMatchObject({ rows: 4, newListeners: 2, consents: { created: 0, updated: 2, unchanged: 2 } });
  expect(await stored()).toEqual(['ann false false', 'bob false false']);
  const again = await importContent(database, 'consents', rows);
  expect(again.report).toMatchObject({ newListeners: 0, consents: { updated: 0, unchanged: 4 } });
});
