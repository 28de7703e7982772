import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Database } from '../../../src/db/client.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createRecommender, type RecommendationPage, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { type Recommending, startRecommending } from '../../support/recommend/recommending.ts';
import { firstOfStream } from '../../support/streams.ts';

/** By score alone the jazz comes first; with diversity other genres come between. */
const tracks = Array.from({ length: 24 }, (_, i) => ({
  externalId: `t${String(i).padStart(2, '0')}`,
  title: `Title ${i}`,
  artist: `Artist ${i % 4}`,
  genres: [i < 8 ? 'Jazz' : ['Rock', 'Folk', 'Soul'][i % 3]!],
  tags: [i < 8 ? 'piano' : 'guitar'],
}));

const FIELDS = '{ requestId pageInfo { endCursor } nodes { rank score track { id } } }';

interface List {
  requestId: string;
  pageInfo: { endCursor: string };
  nodes: { rank: number; score: number; track: { id: string } }[];
}

const impressionsOf = async ({ sql }: Database) => {
  const rows = await sql<{ lists: number; positions: number }[]>`
    select count(*)::int as lists, coalesce(sum(cardinality(track_ids)), 0)::int as positions from recommendation_lists`;
  return [rows[0]!.lists, rows[0]!.positions];
};

async function startServer() {
  const database = await testDatabase();
  await addTracks(database, tracks);
  const server = await startListening({ database });
  const jazz = 'mutation { setPreferences(input: { genres: [{ genre: "jazz", weight: 1 }] }) { __typename } }';
  await ask(server.graphqlUrl, jazz);
  const list = async (query: string, variables = {}) => {
    const { data, errors } = await ask(server.graphqlUrl, query, variables);
    expect(errors).toBeUndefined();
    return (data as { recommendations: List }).recommendations;
  };
  const followed = async (query: string) => {
    const { data, errors } = await firstOfStream(server.graphqlUrl, query, {});
    expect(errors).toBeUndefined();
    return (data as { recommendations: List }).recommendations;
  };
  return { ...server, list, followed };
}

describe('a subscription follows the list of the query', () => {
  it.each([
    ['', ''],
    ['(first: 3)', '(first: 3)'],
    ['(first: 9)', '(first: 3)'],
    ['(first: 3)', '(first: 9)'],
    ['(first: 5, diversity: 0.9, maxPerArtist: 2)', '(first: 5, diversity: 0.9, maxPerArtist: 2)'],
    ['(first: 5, calibration: 1, includeHeard: true)', '(first: 5, calibration: 1, includeHeard: true)'],
    ['(first: 5, notServedForHours: 24)', '(first: 5, notServedForHours: 24)'],
    ['(filter: { genres: ["rock"] })', '(filter: { genres: ["rock"] })'],
  ])(
    '[LIVE3] a query %s and a subscription %s are one list, and one impression for each position',
    async (asked, live) => {
      const { list, followed, database } = await startServer();
      const query = await list(`{ recommendations${asked} ${FIELDS} }`);
      const sent = await followed(`subscription { recommendations${live} ${FIELDS} }`);
      expect(sent.requestId).toBe(query.requestId);
      const [short, long] = [query.nodes, sent.nodes].toSorted((a, b) => a.length - b.length);
      expect(short!.length).toBeGreaterThan(0);
      expect(long!.slice(0, short!.length)).toEqual(short);
      await expect.poll(() => impressionsOf(database)).toEqual([1, long!.length]);
    },
  );

  it('[LIVE3] a cursor of a subscription is valid in the query with the same arguments', async () => {
    const { list, followed, database } = await startServer();
    const sent = await followed(`subscription { recommendations(first: 3) ${FIELDS} }`);
    const page = (after: string) =>
      list(`query ($after: String) { recommendations(first: 3, after: $after) ${FIELDS} }`, { after });
    const next = await page(sent.pageInfo.endCursor);
    expect(next.requestId).toBe(sent.requestId);
    expect(next.nodes.map(({ rank }) => rank)).toEqual([4, 5, 6]);
    // A shorter and a longer beginning of the list take nothing back of what was paged to.
    await list(`{ recommendations(first: 2) ${FIELDS} }`);
    const longer = await list(`{ recommendations(first: 4) ${FIELDS} }`);
    expect(longer.nodes.map(({ track }) => track.id)).toEqual(
      [...sent.nodes, ...next.nodes].slice(0, 4).map(({ track }) => track.id),
    );
    expect((await page(next.pageInfo.endCursor)).nodes.map(({ rank }) => rank)).toEqual([7, 8, 9]);
    await expect.poll(() => impressionsOf(database)).toEqual([1, 9]);
  });

  it('[LIVE3] invalid arguments are refused before anything is followed', async () => {
    const { graphqlUrl } = await startServer();
    for (const [args, field] of [
      ['diversity: 2', 'diversity'],
      ['first: 101', 'first'],
      ['maxPerArtist: 0', 'maxPerArtist'],
      ['notServedForHours: 721', 'notServedForHours'],
    ]) {
      const { data, errors } = await firstOfStream(
        graphqlUrl,
        `subscription { recommendations(${args}) ${FIELDS} }`,
        {},
      );
      expect(data).toBeUndefined();
      expect(errors![0]!.extensions).toMatchObject({ code: 'INVALID_INPUT', field });
    }
  });
});

describe('[LIVE5] nodes on one database', () => {
  const ofTwo = async () => {
    const first = await startServer();
    return { ...first, second: await startListening({ database: first.database }) };
  };

  it.each(['(first: 5)', '(first: 5, diversity: 0.9)', '(first: 5, notServedForHours: 24)'])(
    'give a query %s on one and a subscription on the other one list, and one impression for each position',
    async (args) => {
      const { list, database, second } = await ofTwo();
      const query = await list(`{ recommendations${args} ${FIELDS} }`);
      await expect.poll(() => impressionsOf(database)).toEqual([1, 5]);
      const sent = await firstOfStream(second.graphqlUrl, `subscription { recommendations${args} ${FIELDS} }`, {});
      expect(sent).toEqual({ data: { recommendations: query } });
      await expect.poll(() => impressionsOf(database)).toEqual([1, 5]);
    },
  );

  it('announce one list, page on in it, and give another id to another list', async () => {
    const { list, second, graphqlUrl } = await ofTwo();
    const query = `query ($after: String) { recommendations(first: 3, after: $after) ${FIELDS} }`;
    const there = async (variables = {}) => {
      const { data } = await ask(second.graphqlUrl, query, variables);
      return (data as { recommendations: List }).recommendations;
    };
    const [here, elsewhere] = [await list(query), await there()];
    const after = here.pageInfo.endCursor;
    expect((await there({ after })).nodes).toEqual((await list(query, { after })).nodes);
    await ask(
      graphqlUrl,
      `mutation { recordFeedback(input: { trackId: "${here.nodes[0]!.track.id}", kind: LIKE }) { __typename } }`,
    );
    const changed = await list(query);
    expect(changed.requestId).not.toBe(here.requestId);
    const third = await startListening({ database: second.database });
    expect((await ask(third.graphqlUrl, query)).data).toEqual({ recommendations: changed });
    expect(elsewhere).toEqual(here);
  });
});

describe('a full hour', () => {
  const HOUR = 3_600_000;
  const FULL = Date.UTC(2026, 0, 1, 15);

  /** A node at this time, and another that starts when it is asked for; both run on one clock. */
  async function nodesAt(start: number) {
    const { database, catalogue, listeners, wakeups, heard } = await startRecommending(tracks);
    let now = start;
    const clock = { now: () => now, monotonic: () => now };
    const node = async () => {
      const parts = { database, catalogue, listeners, wakeups, clock, log: silentLogger, trainsByItself: false };
      const recommender = await createRecommender(parts);
      onTestFinished(() => recommender[Symbol.asyncDispose]());
      return recommender;
    };
    const { listener } = await heard('ann', [['t01', 'LIKE']]);
    const ask = async (recommender: Recommender, page = {}) => {
      const { requestId, edges } = await recommender.recommend(listener.id, {}, { first: 4, ...page });
      return { requestId, ids: edges.map(({ node }) => node.explanation.id), after: edges.at(-1)!.cursor };
    };
    return { node, ask, wait: (ms: number) => (now += ms) };
  }

  it('[REC7] changes nothing of a list that was asked for before: same requestId, ids and pages', async () => {
    const { node, ask, wait } = await nodesAt(FULL - 10_000);
    const here = await node();
    const before = await ask(here);
    const page = await ask(here, { after: before.after });
    wait(20_000);
    expect(await ask(here)).toEqual(before);
    expect(await ask(here, { after: before.after })).toEqual(page);
  });

  it('[LIVE5] leaves ids that caches use, cursors and their pages on a node that starts after it', async () => {
    const { node, ask, wait } = await nodesAt(FULL - 10_000);
    const here = await node();
    const before = await ask(here);
    const page = await ask(here, { after: before.after });
    // Lists are stored after they were sent.
    const there = await node();
    await expect.poll(() => ask(there, { after: before.after }).catch(() => null)).toEqual(page);
    wait(20_000);
    const later = await node();
    const anew = await ask(later);
    expect(anew.ids).toEqual(before.ids);
    expect(anew.requestId).not.toBe(before.requestId);
    expect(await ask(later, { after: before.after })).toEqual(page);
    expect((await ask(later, { after: anew.after })).requestId).toBe(anew.requestId);
  });

  it('[REC7] ends when the list is an hour old: its positions keep their ids, and it counts anew', async () => {
    const { node, ask, wait } = await nodesAt(FULL + HOUR / 2);
    const here = await node();
    const before = await ask(here);
    wait(HOUR - 1);
    expect((await ask(here)).requestId).toBe(before.requestId);
    wait(1);
    const anew = await ask(here);
    expect(anew.requestId).not.toBe(before.requestId);
    expect(anew.ids).toEqual(before.ids);
  });
});

describe('a live list', () => {
  const next = async (lists: AsyncIterator<RecommendationPage>) => (await lists.next()).value as RecommendationPage;

  async function follow(world: Recommending, query: object) {
    const ann = await world.heard('ann', []);
    const lists = world.recommender.live(ann.listener.id, query, 5)[Symbol.asyncIterator]();
    return { ann, lists };
  }

  it('[ATTR1] that is computed but not sent again is no impression', async () => {
    const { database, catalogue, listeners, wakeups, ...world } = await startRecommending(tracks);
    let looks = 0;
    const onStatement = (statement: string) => (looks += /from "?feedback/.test(statement) ? 1 : 0);
    await using counted = connect(database.url, { onStatement });
    const parts = { catalogue, listeners, wakeups, clock: systemClock, log: silentLogger, trainsByItself: false };
    const recommender = await createRecommender({ ...parts, database: counted });
    const { listener } = await world.heard('ann', []);
    const lists = recommender.live(listener.id, {}, 5)[Symbol.asyncIterator]();
    await next(lists);
    const changed = next(lists);
    for (const tag of ['xylophone', 'theremin']) {
      const before = looks;
      await listeners.setPreferences(listener.id, { tags: [tag] });
      await expect.poll(() => looks).toBeGreaterThan(before);
    }
    await listeners.setPreferences(listener.id, { tags: ['guitar'] });
    const last = await changed;
    await lists.return!();
    await recommender[Symbol.asyncDispose]();
    expect(await impressionsOf(database)).toEqual([2, 10]);
    expect(last.edges).toHaveLength(5);
  });

  it('[LIVE3] [BEYOND4] excludes what was served before it began, but not what it sent itself', async () => {
    const world = await startRecommending(tracks);
    const before = await world.list(await world.heard('ann', []), {}, 4);
    const { ann, lists } = await follow(world, { notServedForHours: 1 });
    const first = world.externalIdsOf(await next(lists));
    expect(first.filter((id) => before.includes(id))).toEqual([]);
    const changed = next(lists);
    await world.listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'jazz', weight: 1 }] });
    const second = world.externalIdsOf(await changed);
    expect(second.filter((id) => before.includes(id))).toEqual([]);
    expect(second).toEqual(expect.arrayContaining(first.slice(0, 4)));
    await lists.return!();
  });

  it('[LIVE3] [EXPLORE2] that explores is one list too, whatever the length of its beginnings', async () => {
    const world = await startRecommending(tracks);
    const { database, catalogue, listeners, wakeups } = world;
    const parts = { database, catalogue, listeners, wakeups, clock: systemClock, log: silentLogger };
    await using explorer = await createRecommender({ ...parts, exploration: 0.5, trainsByItself: false });
    const { listener } = await world.heard('ann', []);
    const pages: RecommendationPage[] = [];
    for (const first of [4, 9, 2]) pages.push(await explorer.recommend(listener.id, {}, { first }));
    const [short, long, shortest] = pages.map((page) => page.edges.map(({ node }) => [node.trackId, node.propensity]));
    expect(long!.slice(0, 4)).toEqual(short);
    expect(long!.slice(0, 2)).toEqual(shortest);
    expect(new Set(pages.map(({ requestId }) => requestId)).size).toBe(1);
  });
});
