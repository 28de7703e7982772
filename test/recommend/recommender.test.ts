import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import type { Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { randomStream } from '../../src/lib/random.ts';
import { createListeners, type FeedbackKind, type Listeners, type Viewer } from '../../src/listeners/listeners.ts';
import { createRecommender, type RecommendationPage, type Recommender } from '../../src/recommend/recommender.ts';
import { addTracks } from '../support/catalogue/catalogue.ts';
import { createDatabase } from '../support/postgres/database.ts';
import { keepNextVersion, NEXT_VERSION } from '../support/recommend/next-version.ts';

const GENRES = ['Jazz', 'Rock', 'Classical', 'Metal'] as const;
const KINDS: readonly FeedbackKind[] = ['LIKE', 'SAVE', 'COMPLETE', 'PLAY', 'SKIP', 'DISLIKE', 'HIDE'];

let database: Database;
let wakeups: LocalWakeups;
let listeners: Listeners;
let recommender: Recommender;
let ids: number[];
let trained: string;
let ann: Viewer;
let sequence = 0;
const statements: string[] = [];

beforeAll(async () => {
  database = await createDatabase({ onStatement: (statement) => statements.push(statement) });
  wakeups = new LocalWakeups();
  listeners = createListeners({ database, wakeups, clock: systemClock });
  ({ ids } = await addTracks(
    database,
    Array.from({ length: 80 }, (_, i) => ({
      externalId: `t${i}`,
      title: `Title ${i}`,
      artist: `Artist ${i % 20}`,
      releaseYear: 1950 + i,
      durationMs: 60_000 + i * 1_000,
      explicit: i % 10 === 3,
      genres: [GENRES[i % 4]!],
      tags: i % 4 === 0 ? ['piano'] : i % 8 === 1 ? ['loud'] : [],
    })),
  ));
  await simulateListening();
  const catalogue = createCatalogue({ database, wakeups, clock: systemClock });
  await catalogue.refreshPopularity();
  recommender = await createRecommender({
    database,
    catalogue,
    listeners,
    wakeups,
    clock: systemClock,
    log: silentLogger,
  });
  trained = await recommender.train();
  await keepNextVersion(database, ids);
});
afterAll(async () => {
  await recommender[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const listener = await listeners.ensure(`ann ${sequence++}`);
  ann = { listener, roles: new Set(['LISTENER']) };
});

/** Forty listeners who keep to one genre each, and hear most of it. */
async function simulateListening(): Promise<void> {
  const random = randomStream(3);
  for (let u = 0; u < 40; u++) {
    const listener = await listeners.ensure(`fan ${u}`);
    const input = ids.flatMap((trackId, i) => {
      const likely = i % 4 === u % 4 ? 0.7 : 0.05;
      return random() < likely ? [{ trackId, kind: 'PLAY' as const }] : [];
    });
    await listeners.recordBatch({ listener, roles: new Set() }, input);
  }
}

const list = (query = {}, first = 20, after: string | null = null) =>
  recommender.recommend(ann.listener.id, { diversity: 0, ...query }, { first, after });
const react = (i: number, kind: FeedbackKind) => listeners.record(ann, { trackId: ids[i]!, kind });
const trackIds = (page: RecommendationPage) => page.edges.map(({ node }) => node.trackId);
const numberOf = (trackId: number) => ids.indexOf(trackId);
const genreShare = (page: RecommendationPage, genre: number) =>
  trackIds(page).filter((id) => numberOf(id) % 4 === genre).length / page.edges.length;

describe.each(['trained', NEXT_VERSION])('explanations, version %s', (version) => {
  beforeAll(() => recommender.activate(version === 'trained' ? trained : version));
  afterAll(() => recommender.activate(trained));

  it('[REC1] score = baseline + Σ contributions, to 1e-6, for every recommendation of 30 random listeners', async () => {
    const random = randomStream(11);
    for (let round = 0; round < 30; round++) {
      const listener = await listeners.ensure(`random ${round}`);
      const viewer: Viewer = { listener, roles: new Set() };
      for (let i = 0; i < 1 + 12 * random(); i++) {
        const kind = KINDS[Math.floor(random() * KINDS.length)]!;
        await listeners.record(viewer, { trackId: ids[Math.floor(random() * ids.length)]!, kind });
      }
      await listeners.setPreferences(listener.id, {
        genres: [{ genre: 'jazz', weight: 2 * random() - 1 }],
        tags: random() < 0.5 ? ['piano'] : [],
        text: random() < 0.5 ? 'loud rock of the title' : null,
        allowExplicit: random() < 0.5,
      });
      const context = random() < 0.5 ? { text: 'quiet piano', seedTrackIds: [ids[7]!] } : null;
      const page = await recommender.recommend(listener.id, { diversity: random(), context }, { first: 100 });
      expect(page.edges.length).toBeGreaterThan(0);
      for (const { node } of page.edges) {
        const { baseline, reasons } = node.explanation;
        const sum = reasons.reduce((total, { contribution }) => total + contribution, baseline);
        expect(Math.abs(sum - node.score)).toBeLessThan(1e-6);
        const sizes = reasons.map(({ contribution }) => Math.abs(contribution));
        expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      }
    }
  });

  it('[REC2] a counterfactual is the ranking without the reaction: the same as after removing it', async () => {
    const liked = await react(0, 'LIKE');
    await react(5, 'LIKE');
    await react(9, 'DISLIKE');
    const page = await list({}, 30);
    for (const { node } of page.edges.slice(0, 10)) {
      const reason = node.explanation.reasons.find((one) => one.kind === 'history' && one.trackId === ids[0]);
      const without = reason?.without();
      if (!without) continue;
      const event = liked;
      await listeners.remove(ann, event.id);
      const removed = await recommender.explain(ann.listener.id, node.trackId, {});
      expect(removed?.score).toBeCloseTo(without.score, 9);
      expect(removed?.scoreRank).toBe(without.rank);
      await database.sql`insert into feedback (id, listener_id, track_id, kind, at) overriding system value
        values (${event.id}, ${ann.listener.id}, ${event.trackId}, 'LIKE', ${event.at.toISOString()}::timestamptz)`;
    }
    expect(page.edges.some(({ node }) => node.explanation.reasons.some(({ kind }) => kind === 'history'))).toBe(true);
  });

  it('[REC2] a counterfactual without popularity or a preference is computed too', async () => {
    await listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'jazz', weight: 1 }] });
    const { edges } = await list({}, 1);
    const reasons = edges[0]!.node.explanation.reasons;
    expect(reasons.map(({ kind }) => kind).sort()).toEqual(['popularity', 'preference']);
    for (const reason of reasons) {
      expect(reason.without().score).toBeCloseTo(edges[0]!.node.score - reason.contribution, 9);
    }
  });
});

describe('sentences', () => {
  it('[REC3] summaries name the reasons that count, in English and in Chinese', async () => {
    await react(0, 'LIKE');
    await listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'jazz', weight: 0.5 }] });
    const { edges } = await list({}, 1);
    const { explanation } = edges[0]!.node;
    expect(explanation.summary('EN')).toMatch(/^Because .*you liked “Title 0” by Artist 0.*\.$/);
    expect(explanation.summary('EN')).toContain('you like jazz');
    expect(explanation.summary('ZH')).toMatch(/^因为.*你喜欢Artist 0 的《Title 0》.*。$/);
    expect(explanation.summary('ZH')).toContain('你偏爱爵士乐');
    expect(explanation.reasons[0]!.summary('EN')).toMatch(/^[A-Z].*\.$/);
  });
});

describe('what a list takes into account', () => {
  it('[REC6] a listener without history gets popular tracks, and stated preferences at once', async () => {
    const cold = await list();
    expect(cold.edges[0]!.node.score).toBeGreaterThan(cold.edges.at(-1)!.node.score);
    await listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'classical', weight: 1 }] });
    expect(genreShare(await list(), 2)).toBe(1);
    await listeners.setPreferences(ann.listener.id, { genres: [], artistIds: [], tags: ['piano'] });
    expect(genreShare(await list(), 0)).toBe(1);
    await listeners.setPreferences(ann.listener.id, { tags: [], text: 'I love metal' });
    expect(genreShare(await list(), 3)).toBe(1);
  });

  it('[REC6] feedback changes the very next list, without training', async () => {
    const before = await list();
    await react(1, 'LIKE');
    const after = await list();
    expect(trackIds(after)).not.toEqual(trackIds(before));
    expect(genreShare(after, 1)).toBeGreaterThan(2 * genreShare(before, 1));
    expect(after.modelVersion).toBe(before.modelVersion);
  });

  it('[REC6] a dislike lowers similar tracks and raises none', async () => {
    await react(0, 'LIKE');
    const before = new Map((await list({}, 79)).edges.map(({ node }) => [node.trackId, node.score]));
    await react(4, 'DISLIKE');
    const after = await list({}, 79);
    const changes = after.edges.map(({ node }) => node.score - before.get(node.trackId)!);
    expect(Math.max(...changes)).toBeLessThanOrEqual(1e-12);
    expect(Math.min(...changes)).toBeLessThan(-0.001);
  });

  it('[REC6] seeds and words affect this request only', async () => {
    const steered = await list({ context: { seedTrackIds: [ids[2]!], text: null } });
    expect(genreShare(steered, 2)).toBeGreaterThan(0.8);
    expect(genreShare(await list({ context: { text: 'metal please' } }), 3)).toBe(1);
    expect(genreShare(await list(), 3)).toBeLessThan(0.8);
  });
});

describe('what a list excludes', () => {
  const excluded = async (i: number, query = {}) =>
    (await recommender.explain(ann.listener.id, ids[i]!, query))!.excludedBy;

  it('[REC4] heard, hidden, explicit, avoided and filtered tracks, each with its reason', async () => {
    await react(0, 'PLAY');
    await react(1, 'HIDE');
    await listeners.setPreferences(ann.listener.id, { allowExplicit: false, genres: [{ genre: 'metal', weight: -1 }] });
    const filter = { releaseYear: { min: 1960, max: null } };
    const page = await list({ filter }, 100);
    for (const id of trackIds(page)) {
      const i = numberOf(id);
      expect([0, 1]).not.toContain(i);
      expect(i % 10).not.toBe(3);
      expect(i % 4).not.toBe(3);
      expect(i).toBeGreaterThanOrEqual(10);
    }
    expect(await excluded(0)).toEqual(['HEARD']);
    expect(await excluded(1)).toEqual(['HIDDEN']);
    expect(await excluded(13)).toEqual(['EXPLICIT']);
    expect(await excluded(7)).toEqual(['AVOIDED_GENRE']);
    expect(await excluded(4, { filter })).toEqual(['FILTERED']);
    expect(await excluded(3, { filter })).toEqual(['EXPLICIT', 'FILTERED', 'AVOIDED_GENRE']);
    expect(await excluded(12)).toEqual([]);
    expect((await recommender.explain(ann.listener.id, ids[0]!, {}))!.scoreRank).toBeNull();
    expect(await recommender.explain(ann.listener.id, 999_999, {})).toBeNull();
    expect(trackIds(await list({ includeHeard: true }, 100))).toContain(ids[0]);
  });

  it.each([
    ['genres', { genres: ['jazz', 'rock'] }, (i: number) => i % 4 < 2],
    ['excludeGenres', { excludeGenres: ['jazz'] }, (i: number) => i % 4 !== 0],
    ['excludeTrackIds', () => ({ excludeTrackIds: [ids[2]!] }), (i: number) => i !== 2],
    ['durationMs', { durationMs: { min: 70_000, max: 80_000 } }, (i: number) => i >= 10 && i <= 20],
    ['explicit: false', { explicit: false }, (i: number) => i % 10 !== 3],
  ] as const)('[REC4] the filter %s leaks nothing and drops nothing', async (_, given, passes) => {
    const filter = typeof given === 'function' ? given() : given;
    const found = trackIds(await list({ filter }, 100)).map(numberOf);
    expect(found.sort((a, b) => a - b)).toEqual(ids.map((_, i) => i).filter(passes));
  });
});

describe('order and pages', () => {
  it('[REC5] without diversity the order is that of the scores, and scoreRank is that order in any case', async () => {
    await react(0, 'LIKE');
    const plain = await list({}, 50);
    expect(plain.edges.map(({ node }) => node.scoreRank)).toEqual(plain.edges.map((_, i) => i + 1));
    const varied = await list({ diversity: 0.7 }, 50);
    expect(varied.edges.map(({ node }) => node.rank)).toEqual(varied.edges.map((_, i) => i + 1));
    const byScore = [...varied.edges].sort((a, b) => a.node.scoreRank - b.node.scoreRank).map(({ node }) => node.score);
    expect(byScore).toEqual([...byScore].sort((a, b) => b - a));
    const topGenres = (page: RecommendationPage) =>
      new Set(
        trackIds(page)
          .slice(0, 8)
          .map((id) => numberOf(id) % 4),
      ).size;
    expect(topGenres(varied)).toBeGreaterThan(topGenres(plain));
  });

  it.each([0, 0.5])(
    '[REC7] pages of one list neither repeat nor skip, whatever happens meanwhile (diversity %f)',
    async (diversity) => {
      await react(0, 'LIKE');
      const whole = trackIds(await list({ diversity }, 60));
      const first = await list({ diversity }, 20);
      await react(2, 'LIKE');
      await listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'metal', weight: 1 }] });
      const second = await list({ diversity }, 20, first.edges.at(-1)!.cursor);
      const again = await list({ diversity }, 20, first.edges.at(-1)!.cursor);
      const third = await list({ diversity }, 20, second.edges.at(-1)!.cursor);
      expect([...trackIds(first), ...trackIds(second), ...trackIds(third)]).toEqual(whole);
      expect(trackIds(again)).toEqual(trackIds(second));
      expect(new Set([first, second, third].map(({ requestId }) => requestId)).size).toBe(1);
      expect(second.edges[0]!.node.rank).toBe(21);
      expect([second.hasPreviousPage, second.hasNextPage]).toEqual([true, true]);
    },
  );

  it('[REC7] another process continues the list, and the last page ends it', async () => {
    const first = await list({ diversity: 0.3 }, 50);
    const catalogue = createCatalogue({ database, clock: systemClock });
    const other = await createRecommender({
      database,
      catalogue,
      listeners,
      wakeups,
      clock: systemClock,
      log: silentLogger,
    });
    const rest = await expect
      .poll(() =>
        other.recommend(ann.listener.id, { diversity: 0.3 }, { first: 100, after: first.edges.at(-1)!.cursor }),
      )
      .toBeDefined()
      .then(() =>
        other.recommend(ann.listener.id, { diversity: 0.3 }, { first: 100, after: first.edges.at(-1)!.cursor }),
      );
    await other[Symbol.asyncDispose]();
    expect(new Set([...trackIds(first), ...trackIds(rest)]).size).toBe(80);
    expect(rest.hasNextPage).toBe(false);
  });

  it('[REC7] cursors of other listeners, of other queries and of no list are refused by name', async () => {
    const page = await list({}, 5);
    const cursor = page.edges.at(-1)!.cursor;
    const somebody = await listeners.ensure('somebody else');
    const refused = { name: 'InvalidInputError', field: 'after' };
    await expect(
      recommender.recommend(somebody.id, { diversity: 0 }, { first: 5, after: cursor }),
    ).rejects.toMatchObject(refused);
    await expect(list({ filter: { genres: ['jazz'] } }, 5, cursor)).rejects.toMatchObject(refused);
    await expect(list({}, 5, 'nonsense')).rejects.toMatchObject(refused);
    await expect(list({}, 0)).rejects.toMatchObject({ field: 'first' });
    await expect(list({ diversity: 1.5 })).rejects.toMatchObject({ field: 'diversity' });
    await expect(list({ diversity: NaN })).rejects.toMatchObject({ field: 'diversity' });
    await expect(list({ context: { text: 'x'.repeat(501) } })).rejects.toMatchObject({ field: 'context.text' });
  });

  it('a list costs the same few statements, however long it and the history are', async () => {
    for (let i = 0; i < 20; i++) await react(i, 'PLAY');
    const isStored = async (id: string, positions: number) => {
      const rows = await database.sql`
        select from recommendation_lists where id = ${id} and cardinality(track_ids) >= ${positions}`;
      return rows.length === 1;
    };
    const count = async (first: number) => {
      const { requestId, edges } = await list({}, first);
      // Sent lists are stored in the background.
      await expect.poll(() => isStored(requestId, edges.length)).toBe(true);
      statements.length = 0;
      await list({}, first);
      return statements.length;
    };
    const few = await count(5);
    expect(await count(60)).toBe(few);
    expect(few).toBeLessThanOrEqual(4);
  });
});

describe('similar, live and versions', () => {
  it('similar tracks exclude the track itself, and are paged', async () => {
    const page = await recommender.similar(ids[0]!, { first: 10 });
    expect(genreShare(page, 0)).toBeGreaterThan(0.8);
    expect(trackIds(page)).not.toContain(ids[0]);
    const next = await recommender.similar(ids[0]!, { first: 10, after: page.edges.at(-1)!.cursor });
    expect(trackIds(next).some((id) => trackIds(page).includes(id))).toBe(false);
    const foreign = recommender.similar(ids[1]!, { first: 10, after: page.edges.at(-1)!.cursor });
    await expect(foreign).rejects.toMatchObject({ field: 'after' });
  });

  it('[LIVE1] a live list is sent at once and again when something changes it, and ends at once', async () => {
    const leaving = new AbortController();
    await list();
    // The listener's taste is watched already, as long as it is remembered.
    const watchers = wakeups.size;
    const lists = recommender.live(ann.listener.id, {}, 5, leaving.signal)[Symbol.asyncIterator]();
    const first = await lists.next();
    const next = lists.next();
    await react(0, 'LIKE');
    expect(trackIds((await next).value as RecommendationPage)).not.toEqual(trackIds(first.value as RecommendationPage));
    const idle = lists.next();
    leaving.abort();
    expect((await idle).done).toBe(true);
    expect(wakeups.size).toBe(watchers);
  });

  it('[REC9] training stores a version with its metrics and serves it; without data it does not fail', async () => {
    const all = await recommender.evaluations(20);
    const metrics = all.filter(({ protocol }) => protocol === 'leave-last-out');
    const version = (await list()).modelVersion;
    // [BEYOND5] [TRUTH1] What it serves is measured as well.
    const served = new Map(all.flatMap((one) => (one.protocol === 'served-lists' ? [[one.metric, one.value]] : [])));
    expect([...served.keys()].sort()).toEqual([
      ...['Coverage@20', 'Diversity@20', 'Miscalibration@20', 'Novelty@20', 'PopularityDrop@10'],
      ...['PopularityLeaves@10', 'ReasonDrop@10', 'ReasonLeaves@10'],
    ]);
    expect(served.get('Coverage@20')).toBeGreaterThan(0.9);
    // Reasons that are true decide more than popularity does.
    expect(served.get('ReasonDrop@10')).toBeGreaterThan(served.get('PopularityDrop@10')!);
    expect(metrics.map(({ metric }) => metric).sort()).toEqual(['HR@10', 'NDCG@10', 'NDCG@20', 'Recall@20']);
    expect(metrics.every(({ modelVersion, value }) => modelVersion === version && value > 0 && value <= 1)).toBe(true);
    const empty = await createDatabase();
    const parts = { database: empty, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger };
    const bare = await createRecommender({
      ...parts,
      catalogue: createCatalogue(parts),
      listeners: createListeners(parts),
    });
    const { id } = await createListeners(parts).ensure('first');
    expect((await bare.recommend(id, {}, { first: 5 })).edges).toEqual([]);
    await expect(bare.train()).resolves.toMatch(/^ease-/);
    await bare[Symbol.asyncDispose]();
    await empty[Symbol.asyncDispose]();
  });
});
