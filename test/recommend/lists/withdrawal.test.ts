import { describe, expect, it, onTestFinished } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { connect, type Database } from '../../../src/db/client.ts';
import { openWakeups } from '../../../src/db/wakeups.ts';
import { Disposal } from '../../../src/lib/async/disposal.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { createRecommender, type RecommendationPage } from '../../../src/recommend/recommender.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { someTracks } from '../../support/catalogue/catalogue.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { startRecommending } from '../../support/recommend/recommending.ts';

const WITHDRAW = `mutation ($input: WithdrawTracksInput!) { withdrawTracks(input: $input) { __typename
  ... on WithdrawTracksSuccess { withdrawn unchanged } ... on NotFoundError { message id } ... on InvalidInputError { message field } } }`;

describe('[CAT4] a withdrawn track', () => {
  it('property: is in no list, page, live list, search or neighbourhood, but still speaks for others', async () => {
    const tracks = someTracks(40);
    const world = await startRecommending(tracks);
    const random = randomStream(23);
    for (let u = 0; u < 20; u++) {
      await world.heard(
        `fan ${u}`,
        tracks.flatMap(({ externalId }) => (random() < 0.4 ? [[externalId, 'PLAY'] as const] : [])),
      );
    }
    await world.recommender.train();
    const ann = await world.heard('ann', [
      ['t3', 'LIKE'],
      ['t9', 'LIKE'],
    ]);
    const listener = ann.listener.id;
    const begun = await world.recommender.recommend(listener, {}, { first: 10 });
    const ending = new AbortController();
    const live = world.recommender.live(listener, {}, 40, ending.signal)[Symbol.asyncIterator]();
    await live.next();

    const gone = [...world.externalIdsOf(begun).slice(2, 6), 't3', 't20', 't21'];
    expect(await world.catalogue.withdrawTracks({ externalIds: gone })).toEqual({ withdrawn: 7, unchanged: 0 });
    const isGone = (externalId: string) => gone.includes(externalId);
    const next = (await live.next()) as IteratorResult<RecommendationPage, undefined>;
    expect(world.externalIdsOf(next.value!).filter(isGone)).toEqual([]);
    ending.abort();
    for (const query of [{}, { includeHeard: true }, { diversity: 0.7 }, { maxPerArtist: 3 }]) {
      expect((await world.list(ann, query)).filter(isGone)).toEqual([]);
    }
    // The pages of the list that was begun before: what was served again is without them, too.
    const again = await world.recommender.recommend(listener, {}, { first: 40, after: begun.edges[0]!.cursor });
    expect(world.externalIdsOf(again).filter(isGone)).toEqual([]);
    expect(new Set(world.externalIdsOf(again)).size).toBe(again.edges.length);
    for (const externalId of ['t3', 't10']) {
      const similar = await world.recommender.similar(world.idOf(externalId), { first: 40 }, listener);
      expect(world.externalIdsOf(similar).filter(isGone)).toEqual([]);
    }
    const found = await world.catalogue.searchTracks({ search: 'title', first: 100, orderBy: 'RELEVANCE' });
    expect(found.edges.map(({ node }) => node.externalId).filter(isGone)).toEqual([]);
    expect(await found.total()).toBe(33);
    const artist = tracks.filter(({ artist, externalId }) => artist === 'Artist 0' && !isGone(externalId));
    const { artistId } = found.edges.find(({ node }) => node.externalId === artist[0]!.externalId)!.node;
    expect(await (await world.catalogue.tracksOfArtist(artistId, { first: 50 })).total()).toBe(artist.length);
    const counts = (await world.catalogue.genres()).reduce((sum, { trackCount }) => sum + trackCount, 0);
    expect(counts).toBe(33);
    const why = await world.recommender.explain(listener, world.idOf('t20'), {});
    expect([why!.excludedBy, why!.summary('EN'), why!.summary('ZH')]).toEqual([
      ['WITHDRAWN'],
      'It is not in the list: it has been withdrawn.',
      '它不在列表中：它已下架。',
    ]);
    const liked = (await world.recommender.recommend(listener, { diversity: 0 }, { first: 30 })).edges.flatMap(
      ({ node }) =>
        node.explanation.reasons.filter((reason) => reason.kind === 'history' && reason.trackId === world.idOf('t3')),
    );
    expect(liked.length).toBeGreaterThan(0);
    await world.recommender.train();
    expect((await world.list(ann)).filter(isGone)).toEqual([]);
    const [kept] = await world.database.sql<
      { count: number }[]
    >`select count(*)::int as count from feedback where track_id = ${world.idOf('t3')}`;
    expect(kept!.count).toBeGreaterThan(1);
  });

  it('is restored when it is sent again, unchanged or changed', async () => {
    const tracks = someTracks(4);
    const world = await startRecommending(tracks);
    const ann = await world.heard('ann', []);
    const both = { externalIds: ['t1', 't2'], ids: [world.idOf('t2')] };
    expect(await world.catalogue.withdrawTracks(both)).toEqual({ withdrawn: 2, unchanged: 0 });
    expect(await world.catalogue.withdrawTracks(both)).toEqual({ withdrawn: 0, unchanged: 2 });
    expect((await world.list(ann)).sort()).toEqual(['t0', 't3']);
    expect(await world.catalogue.upsertTracks([tracks[1]!])).toEqual({ created: 0, updated: 1, unchanged: 0 });
    expect((await world.list(ann)).sort()).toEqual(['t0', 't1', 't3']);
  });
});

it('[CAT4] a track that one node withdraws is in no list of another', async () => {
  const database = await testDatabase();
  await addTracks(database, someTracks(5));
  const [here, there] = [await nodeOn(database), await nodeOn(database)];
  const { id } = await there.listeners.ensure('ann');
  const ending = new AbortController();
  const live = there.recommender.live(id, {}, 10, ending.signal)[Symbol.asyncIterator]();
  onTestFinished(() => ending.abort());
  const first = (await live.next()) as IteratorResult<RecommendationPage, undefined>;
  expect(first.value?.edges).toHaveLength(5);
  const gone = first.value!.edges[2]!.node.trackId;
  await here.catalogue.withdrawTracks({ ids: [gone] });
  const next = (await live.next()) as IteratorResult<RecommendationPage, undefined>;
  expect(next.value?.edges.map(({ node }) => node.trackId)).not.toContain(gone);
  const { edges } = await there.recommender.recommend(id, {}, { first: 10 });
  expect(edges.map(({ node }) => node.trackId)).not.toContain(gone);
  const neighbours = await there.recommender.similar(edges[0]!.node.trackId, { first: 10 });
  expect(neighbours.edges.map(({ node }) => node.trackId)).not.toContain(gone);
});

/** What one node has of its own: connections, wake-ups over the database, caches. */
async function nodeOn({ url }: Database) {
  const parts = new Disposal();
  onTestFinished(() => parts[Symbol.asyncDispose]());
  const database = parts.use(connect(url, { connections: 2 }));
  const wakeups = parts.use(await openWakeups(database, silentLogger));
  const catalogue = createCatalogue({ database, wakeups, clock: systemClock });
  const listeners = createListeners({ database, wakeups, clock: systemClock });
  const options = { database, catalogue, listeners, wakeups, clock: systemClock, log: silentLogger };
  const recommender = parts.use(await createRecommender(options));
  return { catalogue, listeners, recommender };
}

describe('withdrawTracks', () => {
  it('[CAT4] withdraws in the whole API, keeps references, and reports the time', async () => {
    const { database, graphqlUrl, services } = await startListening();
    const { ids } = await addTracks(database, someTracks(5));
    await services.catalogue.refreshPopularity();
    const trackId = encodeId('Track', ids[2]!);
    await ask(graphqlUrl, 'mutation ($input: FeedbackInput!) { recordFeedback(input: $input) { __typename } }', {
      input: { trackId, kind: 'LIKE' },
    });
    const { data } = await ask(graphqlUrl, WITHDRAW, { input: { externalIds: ['t1'], ids: [trackId] } });
    expect(data).toEqual({ withdrawTracks: { __typename: 'WithdrawTracksSuccess', withdrawn: 2, unchanged: 0 } });
    const seen = await ask(
      graphqlUrl,
      `query ($id: ID!) { track(id: $id) { withdrawnAt } node(id: $id) { ... on Track { title } } tracks { totalCount nodes { withdrawnAt } }
        viewer { feedback { nodes { track { title } } } } }`,
      { id: trackId },
    );
    expect(seen.data).toEqual({
      track: { withdrawnAt: expect.stringMatching(/^20/) as unknown },
      node: { title: 'Title 2' },
      tracks: { totalCount: 3, nodes: [{ withdrawnAt: null }, { withdrawnAt: null }, { withdrawnAt: null }] },
      viewer: { feedback: { nodes: [{ track: { title: 'Title 2' } }] } },
    });
  });

  it.each([
    [
      { externalIds: ['t1', 'nope'] },
      { __typename: 'NotFoundError', id: 'nope', message: 'input.externalIds.1: "nope" is not in the catalogue' },
    ],
    [
      { externalIds: ['x', 't1', 'y'] },
      {
        __typename: 'NotFoundError',
        id: 'x',
        message: 'input.externalIds.0: "x" is not in the catalogue, nor are 1 others',
      },
    ],
    [
      { ids: [encodeId('Track', 999)] },
      { __typename: 'NotFoundError', id: encodeId('Track', 999), message: 'input.ids.0: is not in the catalogue' },
    ],
    [
      { ids: ['t1'] },
      { __typename: 'InvalidInputError', field: 'input.ids.0', message: 'input.ids.0 is not an id: "t1"' },
    ],
    [
      {},
      {
        __typename: 'InvalidInputError',
        field: 'input',
        message: 'input must name at least one track, by externalIds or ids',
      },
    ],
    [
      { externalIds: ['a\0'] },
      {
        __typename: 'InvalidInputError',
        field: 'input.externalIds.0',
        message: 'input.externalIds.0 must not contain the character U+0000',
      },
    ],
  ])('[ERR2] of %j reports the problem, and changes nothing', async (input, error) => {
    const { database, graphqlUrl } = await startListening();
    await addTracks(database, someTracks(3));
    expect((await ask(graphqlUrl, WITHDRAW, { input })).data).toEqual({ withdrawTracks: error });
    expect(await database.sql`select from tracks where withdrawn_at is not null`).toHaveLength(0);
  });
});

describe('[REC17] similar', () => {
  it('excludes what the listener hid, disliked or does not want, and includes known tracks', async () => {
    const genres = (i: number) => [i % 2 ? 'Jazz' : 'Metal'];
    const world = await startRecommending(
      Array.from({ length: 12 }, (_, i) => ({
        externalId: `t${i}`,
        title: `Title ${i}`,
        artist: 'One',
        explicit: i === 3 || i === 4,
        genres: genres(i),
      })),
    );
    const ann = await world.heard('ann', [
      ['t5', 'HIDE'],
      ['t7', 'DISLIKE'],
      ['t9', 'LIKE'],
    ]);
    const similar = async () =>
      world.externalIdsOf(await world.recommender.similar(world.idOf('t1'), { first: 20 }, ann.listener.id)).sort();
    expect(await similar()).toEqual(['t0', 't10', 't11', 't2', 't3', 't4', 't6', 't8', 't9']);
    await world.listeners.setPreferences(ann.listener.id, { allowExplicit: false });
    expect(await similar()).toEqual(['t0', 't10', 't11', 't2', 't6', 't8', 't9']);
    await world.listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'metal', weight: -1 }] });
    expect(await similar()).toEqual(['t11', 't9']);
  });

  it('does so for the viewer, in GraphQL', async () => {
    const database = await testDatabase();
    const { ids } = await addTracks(
      database,
      someTracks(6).map((track, i) => ({ ...track, artist: 'One', genres: ['Jazz'], explicit: i === 2 })),
    );
    const { graphqlUrl } = await startListening({ database });
    const known = ids.map((id) => encodeId('Track', id));
    const similar = async (listener: string): Promise<string[]> => {
      const query = 'query ($id: ID!) { track(id: $id) { similar(first: 20) { nodes { track { id } } } } }';
      const { data } = await ask(graphqlUrl, query, { id: known[0]! }, { 'x-listener-id': listener });
      const { track } = data as { track: { similar: { nodes: { track: { id: string } }[] } } };
      return track.similar.nodes.map(({ track: { id } }) => id).sort();
    };
    const others = known.slice(1).sort();
    expect([await similar('ann'), await similar('ben')]).toEqual([others, others]);
    const change = (mutation: string) => ask(graphqlUrl, `mutation { ${mutation} }`, {}, { 'x-listener-id': 'ann' });
    await change(`recordFeedback(input: { trackId: "${known[1]}", kind: HIDE }) { __typename }`);
    await change('setPreferences(input: { allowExplicit: false }) { __typename }');
    await expect.poll(() => similar('ann')).toEqual(others.filter((id) => id !== known[1] && id !== known[2]));
    expect(await similar('ben')).toEqual(others);
  });

  it('keeps them on later pages', async () => {
    const world = await startRecommending(
      Array.from({ length: 12 }, (_, i) => ({
        externalId: `t${i}`,
        title: `Title ${i}`,
        artist: 'One',
        explicit: i > 6,
      })),
    );
    const ann = await world.heard('ann', [['t2', 'HIDE']]);
    await world.listeners.setPreferences(ann.listener.id, { allowExplicit: false });
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page = await world.recommender.similar(world.idOf('t0'), { first: 2, after }, ann.listener.id);
      seen.push(...world.externalIdsOf(page));
      after = page.hasNextPage ? page.edges.at(-1)!.cursor : null;
    } while (after !== null);
    expect(seen.sort()).toEqual(['t1', 't3', 't4', 't5', 't6']);
  });
});
