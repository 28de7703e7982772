import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../src/listeners/listeners.ts';
import { createRecommender } from '../../src/recommend/recommender.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { ask, startListening } from '../support/listening.ts';
import { createDatabase, testMasterKeys } from '../support/postgres/database.ts';

const GENRES = 70;
let database: Database;

/** A listener with a long history, many preferences and many drafts, in a catalogue with a trained recommender. */
beforeAll(async () => {
  database = await createDatabase();
  const tracks = someTracks(200).map((track, i) => ({
    ...track,
    genres: [...track.genres!, `Genre ${i % GENRES}`],
    artist: null,
    artists: [
      // An artist of its own for each, so that no page finds another share of them known than the next.
      { name: `Artist ${i}` },
      { name: `Guest ${i}`, role: 'FEATURED' as const },
    ],
    album: { title: `Album ${i}`, covers: [{ url: `https://img.example/${i}` }] },
    isrc: `USRC1760${String(i).padStart(4, '0')}`,
  }));
  const { catalogue, ids } = await addTracks(database, tracks);
  const [clock, wakeups] = [systemClock, new LocalWakeups()];
  const listeners = createListeners({ database, wakeups, clock });
  const names = ['demo', 'ann', 'bob', 'cem'];
  for (const [i, name] of names.entries()) {
    const viewer: Viewer = { listener: await listeners.ensure(name), roles: new Set(['LISTENER']) };
    const heard = ids.filter((_, at) => at % names.length <= i).slice(0, 70);
    await listeners.recordBatch(
      viewer,
      heard.map((trackId) => ({ trackId, kind: 'LIKE' })),
    );
  }
  const demo = await listeners.ensure('demo');
  const genres = Array.from({ length: GENRES }, (_, i) => ({ genre: `genre-${i}`, weight: 1 - i / GENRES }));
  await listeners.setPreferences(demo.id, { genres, tags: ['tag 1', 'tag 2'] });
  await addDrafts(database, demo.id, 70);
  await using recommender = await createRecommender({
    ...{ database, catalogue, listeners, wakeups, clock },
    log: silentLogger,
  });
  await recommender.train();
});

afterAll(() => database[Symbol.asyncDispose]());

/**
 * Statements that are no part of an answer: lists are kept after it was sent, training and measuring are considered at
 * the start, a node reads a listener's data key once, and looks every second for models that write into documents.
 */
const isBehind = (statement: string) =>
  /recommendation_lists|document_assists|data_keys|count\(\*\)::float8 as count from feedback|^select "version" from/.test(
    statement,
  );

/** The SQL statements of one operation, on a server that has just started and then again, with what it then knows. */
async function statementsOf(query: string, variables: Record<string, unknown>): Promise<[string[], string[]]> {
  const statements: string[] = [];
  await using counted = connect(database.url, {
    masterKeys: testMasterKeys(),
    onStatement: (statement) => statements.push(statement),
  });
  const { graphqlUrl } = await startListening({
    database: counted,
    cost: { budget: 1_000_000, staffBudget: 1_000_000 },
  });
  await ask(graphqlUrl, '{ viewer { id } }');
  const take = async (): Promise<string[]> => {
    statements.length = 0;
    const { errors } = await ask(graphqlUrl, query, variables);
    expect(errors).toBeUndefined();
    return statements.filter((statement) => !isBehind(statement));
  };
  return [await take(), await take()];
}

const track =
  '{ title artist { name genres { slug trackCount } } genres { name } tags { name weight } artists { role artist { name } } album { title coverUrl artists { name } } coverUrl isrc externalUrls { url } metadata viewerFeedback { reaction isSaved isHidden lastPlayedAt playCount } }';

describe('[PAGE3] the number of SQL statements does not grow with the page', () => {
  it.each([
    [
      'recommendations with their reasons',
      `query ($first: Int!) { recommendations(first: $first) { nodes { score track ${track} explanation { summary
        reasons(first: 10) { summary contribution without { rank } ... on HistoryReason { track ${track} } } } } } }`,
    ],
    [
      'recommendations after a long history, by popularity of the tracks',
      `query ($first: Int!) { recommendations(first: $first, includeHeard: true, diversity: 0) { nodes { track { ...Track } } } } fragment Track on Track ${track}`,
    ],
    ['tracks', `query ($first: Int!) { tracks(first: $first, search: "title") { totalCount nodes ${track} } }`],
    [
      'tracks with those similar to each',
      `query ($first: Int!) { tracks(first: $first) { nodes { similar(first: 3) { nodes { track ${track} explanation { summary } } } } } }`,
    ],
    [
      "tracks with others of their artists'",
      `query ($first: Int!) { tracks(first: $first) { nodes { artist { tracks(first: 2) { totalCount nodes ${track} pageInfo { hasNextPage } } } } } }`,
    ],
    [
      "artists with their albums and those albums' tracks",
      `query ($first: Int!) { artists(first: $first) { totalCount nodes { name trackCount
        albums(first: 2) { totalCount nodes { title trackCount tracks(first: 2) { totalCount nodes ${track} } } } } } }`,
    ],
    [
      'albums and tags',
      `query ($first: Int!) { albums(first: $first) { totalCount nodes { title trackCount artists { name trackCount } } }
        tags(first: $first) { totalCount nodes { name trackCount } } }`,
    ],
    [
      "drafts with their owner's lists",
      `query ($first: Int!) { viewer { drafts(first: $first) { nodes { owner {
        feedback(first: 2, kinds: [LIKE]) { totalCount nodes { track { title } } } drafts(first: 1) { totalCount nodes { title } } } } } } }`,
    ],
    [
      'feedback',
      `query ($first: Int!) { viewer { feedback(first: $first) { totalCount nodes { kind at track ${track} } } } }`,
    ],
    [
      'drafts',
      `query ($first: Int!) { viewer { drafts(first: $first) { totalCount nodes { title text model { name } owner { displayName preferences { tags } } } } } }`,
    ],
  ])('%s', async (_, query) => {
    const counts = [];
    for (const first of [5, 20, 60]) {
      const [cold, warm] = await statementsOf(query, { first });
      counts.push([cold.length, warm.length]);
    }
    expect(counts).toEqual([counts[0], counts[0], counts[0]]);
    const [cold, warm] = counts[0]!;
    expect(cold).toBeGreaterThan(0);
    expect(cold).toBeLessThanOrEqual(22);
    expect(warm).toBeLessThanOrEqual(cold!);
  });

  it('nodes of several types', async () => {
    const { graphqlUrl } = await startListening({ database });
    const { data } = await ask(
      graphqlUrl,
      '{ tracks(first: 30) { nodes { id artist { id } } } viewer { id feedback(first: 30) { nodes { id } } drafts(first: 30) { nodes { id } } } }',
    );
    const ids = [...JSON.stringify(data).matchAll(/"id":"([\w-]+)"/g)].map(([, id]) => id);
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Track ${track} ... on Draft { text } ... on Feedback { track { title } } } }`;
    const [few] = await statementsOf(query, { ids: [...ids.slice(0, 4), ...ids.slice(-40, -36), ...ids.slice(-4)] });
    const [many] = await statementsOf(query, { ids: [...ids.slice(0, 40), ...ids.slice(-60)] });
    expect(many.length).toBe(few.length);
  });

  it('listeners with their lists', async () => {
    const rows = await database.sql<{ id: string }[]>`select id from listeners order by id`;
    const ids = rows.map(({ id }) => encodeId('Listener', Number(id)));
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Listener { displayName
      feedback(first: 3) { totalCount nodes { at } } drafts(first: 3) { totalCount nodes { title } } } } }`;
    const [few] = await statementsOf(query, { ids: ids.slice(0, 1) });
    const [many] = await statementsOf(query, { ids });
    expect(ids.length).toBeGreaterThan(3);
    expect(many.length).toBe(few.length);
  });

  it('preferences with many genres', async () => {
    const [cold] = await statementsOf('{ viewer { preferences { genres { weight genre { name trackCount } } } } }', {});
    expect(cold).toHaveLength(2);
  });
});
