import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogue, type TrackFilter } from '../../../src/catalogue/catalogue.ts';
import type { Database } from '../../../src/db/client.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners, type FeedbackKind, type Listeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { topK } from '../../../src/recommend/math/top-k.ts';
import { createRecommender, type RecommendationPage, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { createDatabase } from '../../support/postgres/database.ts';
import { keepNextVersion, NEXT_VERSION } from '../../support/recommend/next-version.ts';

const GENRES = ['Jazz', 'Rock', 'Classical', 'Metal'] as const;
const KINDS: readonly FeedbackKind[] = ['LIKE', 'SAVE', 'COMPLETE', 'PLAY', 'SKIP', 'DISLIKE', 'HIDE'];
const tracks = Array.from({ length: 60 }, (_, i) => ({
  externalId: `t${String(i).padStart(2, '0')}`,
  title: `Title ${i}`,
  artist: `Artist ${i % 6}`,
  releaseYear: i % 7 === 0 ? null : 1960 + i,
  durationMs: i % 11 === 0 ? null : 60_000 + i * 1_000,
  explicit: i % 10 === 3,
  genres: [GENRES[i % 4]!, ...(i % 9 === 0 ? [GENRES[(i + 1) % 4]!] : [])],
  tags: i % 4 === 0 ? ['piano'] : [],
}));

interface World extends AsyncDisposable {
  database: Database;
  listeners: Listeners;
  recommender: Recommender;
  explorer: Recommender;
  /** By the track's number here. */
  ids: number[];
  /** The version that was trained on this listening. */
  trained: string;
}

/** The same catalogue and the same listening, sent in the order given. */
async function createWorld(order: readonly number[]): Promise<World> {
  const database = await createDatabase();
  const parts = { database, wakeups: new LocalWakeups(), clock: systemClock };
  const listeners = createListeners(parts);
  const sent = await addTracks(
    database,
    order.map((i) => tracks[i]!),
  );
  const ids = tracks.map((_, i) => sent.ids[order.indexOf(i)]!);
  const catalogue = createCatalogue(parts);
  const fans = order.filter((i) => i < 24);
  for (const u of fans) {
    const random = randomStream(u);
    const heard = tracks.flatMap((_, i) => (random() < (i % 4 === u % 4 ? 0.7 : 0.1) ? [i] : []));
    const input = order
      .filter((i) => heard.includes(i))
      .map((i) => {
        return { trackId: ids[i]!, kind: 'PLAY' as const, at: new Date(Date.UTC(2026, 0, 1, 0, u, i)) };
      });
    await listeners.recordBatch({ listener: await listeners.ensure(`fan ${u}`), roles: new Set() }, input);
  }
  await catalogue.refreshPopularity();
  // On a slow machine it would train by itself, on what the tests before have added here and not there.
  const options = { ...parts, catalogue, listeners, log: silentLogger, trainsByItself: false };
  const recommender = await createRecommender(options);
  const trained = await recommender.train();
  await keepNextVersion(database, ids);
  const explorer = await createRecommender({ ...options, exploration: 0.3 });
  const close = async () => {
    await explorer[Symbol.asyncDispose]();
    await recommender[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
  return { database, listeners, recommender, explorer, ids, trained, [Symbol.asyncDispose]: close };
}

let world: World;
let ann: Viewer;
let sequence = 0;
beforeAll(async () => {
  world = await createWorld(tracks.map((_, i) => i));
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  ann = { listener: await world.listeners.ensure(`ann ${sequence++}`), roles: new Set() };
});

const list = (query = {}, first = 20, after: string | null = null) =>
  world.recommender.recommend(ann.listener.id, { diversity: 0, ...query }, { first, after });
const react = (i: number, kind: FeedbackKind, at: Date | null = null) =>
  world.listeners.record(ann, { trackId: world.ids[i]!, kind, at });
/** Where the order of a history decides, it is not left to how fast the machine is. */
const secondOf = (i: number): Date => new Date(Date.UTC(2026, 5, 1, 0, 0, i));
const numbersOf = (page: RecommendationPage) => page.edges.map(({ node }) => world.ids.indexOf(node.trackId));

/** What holds, holds of both versions: the one that was trained here, and one with rows of what comes next. */
const VERSIONS = ['trained', NEXT_VERSION] as const;
const serve = ({ recommender, trained }: World, version: (typeof VERSIONS)[number]) =>
  recommender.activate(version === 'trained' ? trained : version);

/** All pages of a list, of sizes drawn, with something happening between them. */
async function pagesOf(from: Recommender, query: object, draw: () => number): Promise<RecommendationPage[]> {
  const pages: RecommendationPage[] = [];
  let after: string | null = null;
  do {
    const first = 1 + Math.floor(draw() * 20);
    const page: RecommendationPage = await from.recommend(ann.listener.id, query, { first, after });
    pages.push(page);
    after = page.edges.at(-1)?.cursor ?? null;
    await react(Math.floor(draw() * tracks.length), KINDS[Math.floor(draw() * 4)]!);
  } while (pages.at(-1)!.hasNextPage);
  return pages;
}

describe.each(VERSIONS)('properties of lists, version %s', (version) => {
  beforeAll(() => serve(world, version));
  afterAll(() => serve(world, 'trained'));

  it('[REC4] [REC7] [EXPLORE2] filters never leak or drop, and pages never repeat or skip, however lists are made', async () => {
    for (let round = 0; round < 24; round++) {
      const draw = randomStream(round);
      const chance = (p: number) => draw() < p;
      const genres = GENRES.filter(() => chance(0.5)).map((name) => name.toLowerCase());
      const filter: TrackFilter = {
        genres: chance(0.5) && genres.length > 0 ? genres : null,
        excludeGenres: chance(0.3) ? ['metal'] : null,
        releaseYear: chance(0.4) ? { min: 1960 + Math.floor(draw() * 20), max: null } : null,
        durationMs: chance(0.4) ? { min: null, max: 90_000 + Math.floor(draw() * 30_000) } : null,
        explicit: chance(0.3) ? false : null,
        excludeTrackIds: chance(0.3) ? [world.ids[5]!, world.ids[6]!] : null,
      };
      const query = {
        filter,
        diversity: chance(0.5) ? draw() : 0,
        calibration: chance(0.5) ? draw() : 0,
        includeHeard: true,
      };
      await react(round, 'LIKE');
      const pages = await pagesOf(round % 2 ? world.explorer : world.recommender, query, draw);
      const passing = tracks.flatMap((track, i) => (passes(track, world.ids[i]!, filter) ? [i] : []));
      const shown = pages.flatMap(numbersOf);
      expect(shown.toSorted((a, b) => a - b)).toEqual(passing);
      expect(pages.flatMap(({ edges }) => edges.map(({ node }) => node.rank))).toEqual(shown.map((_, i) => i + 1));
      expect(new Set(pages.map(({ requestId }) => requestId)).size).toBe(1);
    }
  });

  it('[REC2] a counterfactual equals the ranking of a listener without the event', async () => {
    const deeds = [3, 8, 14, 21, 30].map((i, at) => [i, KINDS[at]!] as const);
    for (const [i, kind] of deeds) await react(i, kind, secondOf(i));
    const { edges } = await list({ includeHeard: true }, 30);
    let checked = 0;
    for (const [gone] of deeds) {
      const other: Viewer = { listener: await world.listeners.ensure(`without ${gone} ${sequence}`), roles: new Set() };
      for (const [i, kind] of deeds) {
        if (i !== gone) await world.listeners.record(other, { trackId: world.ids[i]!, kind, at: secondOf(i) });
      }
      for (const { node } of edges) {
        const reason = node.explanation.reasons.find(
          (one) => one.kind === 'history' && one.trackId === world.ids[gone],
        );
        if (!reason) continue;
        const page = await world.recommender.recommend(other.listener.id, { includeHeard: true }, { first: 60 });
        const found = page.edges.find((edge) => edge.node.trackId === node.trackId)!.node;
        expect(reason.without().score).toBeCloseTo(found.score, 6);
        expect(reason.without().rank).toBe(found.scoreRank);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(20);
  });

  it('[REC14] a like raises all neighbours of its track by its own term, and a negative reaction lowers them and raises nothing', async () => {
    const termsOf = async (listenerId: number, trackId: number): Promise<Map<number, number>> => {
      const page = await world.recommender.recommend(listenerId, { includeHeard: true }, { first: 60 });
      return new Map(
        page.edges.map(({ node }) => {
          const own = node.explanation.reasons.filter((one) => one.kind === 'history' && one.trackId === trackId);
          return [node.trackId, own.reduce((sum, { contribution }) => sum + contribution, 0)];
        }),
      );
    };
    let [raised, lowered] = [0, 0];
    for (const i of [0, 7, 13, 22, 41]) {
      const trackId = world.ids[i]!;
      const similar = await world.recommender.similar(trackId, { first: 60 });
      const neighbours = similar.edges.flatMap(({ node }) =>
        node.explanation.reasons.some(({ kind, contribution }) => kind === 'preference' && contribution > 0)
          ? [node.trackId]
          : [],
      );
      for (const kind of KINDS) {
        const listener = await world.listeners.ensure(`says ${kind} of ${i} to ${version}`);
        const viewer: Viewer = { listener, roles: new Set() };
        await world.listeners.record(viewer, { trackId: world.ids[(i + 4) % 60]!, kind: 'LIKE', at: secondOf(1) });
        await world.listeners.record(viewer, { trackId, kind, at: secondOf(2) });
        const terms = await termsOf(viewer.listener.id, trackId);
        const isNo = ['SKIP', 'DISLIKE', 'HIDE'].includes(kind);
        for (const [track, term] of terms) {
          if (isNo) expect(term).toBeLessThanOrEqual(0);
          if (!neighbours.includes(track)) continue;
          if (isNo) expect(term).toBeLessThan(0);
          else expect(term).toBeGreaterThan(0);
          if (isNo) lowered += 1;
          else raised += 1;
        }
      }
    }
    expect(raised).toBeGreaterThan(100);
    expect(lowered).toBeGreaterThan(100);
  });

  it('[REC11] the order in which catalogue and feedback arrived changes no list', async () => {
    const random = randomStream(5);
    const order = tracks.map((_, i) => [random(), i] as const).toSorted(([a], [b]) => a - b);
    await using other = await createWorld(order.map(([, i]) => i));
    await serve(other, version);
    const listOf = async ({ recommender, listeners, ids }: World, deeds: readonly number[]) => {
      const listener = await listeners.ensure(`same ${deeds.join()} ${version}`);
      const viewer = { listener, roles: new Set<never>() };
      for (const i of deeds) await listeners.record(viewer, { trackId: ids[i]!, kind: 'LIKE', at: secondOf(i) });
      const { edges } = await recommender.recommend(listener.id, { diversity: 0.2 }, { first: 40 });
      return edges.map(({ node }) => ({ i: ids.indexOf(node.trackId), score: node.score }));
    };
    for (const deeds of [[], [1], [4, 9, 13], [30, 2]]) {
      const [here, there] = [await listOf(world, deeds), await listOf(other, deeds)];
      expect(there.map(({ i }) => i)).toEqual(here.map(({ i }) => i));
      here.forEach(({ score }, at) => expect(there[at]!.score).toBeCloseTo(score, 6));
    }
  });

  it('the greatest scores are those of a full sort, with ties and masks', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomStream(seed);
      const n = 1 + Math.floor(random() * 60);
      const scores = Float64Array.from({ length: n }, () => Math.floor(random() * 8) / 8 - 0.5);
      const mask = Uint8Array.from({ length: n }, () => (random() < 0.3 ? 4 : 0));
      const sorted = [...scores.keys()]
        .filter((index) => mask[index] === 0)
        .toSorted((a, b) => scores[b]! - scores[a]! || a - b);
      for (const k of [0, 1, 7, n, n + 5]) expect([...topK(scores, mask, k)]).toEqual(sorted.slice(0, k));
    }
  });
});

function passes(track: (typeof tracks)[number], id: number, filter: TrackFilter): boolean {
  const slugs = track.genres.map((name) => name.toLowerCase());
  const within = (value: number | null, range: { min?: number | null; max?: number | null } | null | undefined) =>
    !range || (value !== null && value >= (range.min ?? 0) && value <= (range.max ?? Infinity));
  return (
    (!filter.genres || slugs.some((slug) => filter.genres!.includes(slug))) &&
    !slugs.some((slug) => filter.excludeGenres?.includes(slug)) &&
    within(track.releaseYear, filter.releaseYear) &&
    within(track.durationMs, filter.durationMs) &&
    (filter.explicit !== false || !track.explicit) &&
    !filter.excludeTrackIds?.includes(id)
  );
}

describe.each(VERSIONS)('the cached taste of a listener, version %s', (version) => {
  beforeAll(() => serve(world, version));
  afterAll(() => serve(world, 'trained'));

  it('[REC6] is updated to what a full read would give, whatever is added and removed', async () => {
    const parts = { database: world.database, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger };
    const catalogue = createCatalogue(parts);
    const draw = randomStream(17);
    const events: number[] = [];
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 3; i++) {
        const [track, kind] = [Math.floor(draw() * 12), KINDS[Math.floor(draw() * KINDS.length)]!];
        // Of the same moment, as what a client sends together is.
        const event = await react(track, kind, secondOf(round >> 1));
        events.push(event.id);
      }
      if (draw() < 0.4) await world.listeners.remove(ann, events.splice(Math.floor(draw() * events.length), 1)[0]!);
      if (draw() < 0.3) await world.listeners.setPreferences(ann.listener.id, { tags: draw() < 0.5 ? ['piano'] : [] });
      const remembered = await list({}, 60);
      await using anew = await createRecommender({ ...parts, catalogue, listeners: world.listeners });
      const read = await anew.recommend(ann.listener.id, { diversity: 0 }, { first: 60 });
      expect(numbersOf(remembered)).toEqual(numbersOf(read));
      remembered.edges.forEach(({ node }, i) => expect(node.score).toBeCloseTo(read.edges[i]!.node.score, 9));
    }
  });
});

describe('why not', () => {
  it('[REC12] answers with what excludes the track, or with what outweighs it', async () => {
    await react(0, 'LIKE');
    await react(1, 'HIDE');
    const { edges } = await list({}, 60);
    const explain = async (i: number) => (await world.recommender.explain(ann.listener.id, world.ids[i]!, {}))!;
    const hidden = await explain(1);
    expect(hidden.summary('EN')).toBe('It is not in the list: you disliked or hid it.');
    expect(hidden.summary('ZH')).toBe('它不在列表中：你不喜欢或隐藏了它。');
    expect(hidden.outweighedBy(3)).toEqual([]);
    const numbers = edges.map(({ node }) => world.ids.indexOf(node.trackId));
    const first = await explain(numbers[0]!);
    expect([first.summary('EN'), first.outweighedBy(3)]).toEqual(['It scores highest.', []]);
    const third = await explain(numbers[2]!);
    expect(third.outweighedBy(5).map(({ trackId, rank, score }) => [trackId, rank, score])).toEqual(
      edges.slice(0, 2).map(({ node }) => [node.trackId, node.rank, node.score]),
    );
    const best = tracks[numbers[0]!]!;
    expect(third.summary('EN')).toBe(
      `2 tracks score higher; the highest is “${best.title}” by ${best.artist}. ${edges[0]!.node.explanation.summary('EN')}`,
    );
    expect(() => third.outweighedBy(0)).toThrow('first');
  });
});

describe('evaluating a version before it serves', () => {
  it('[ATTR5] [ATTR6] weighs what was served by the attention that both versions give to it', async () => {
    await react(0, 'LIKE');
    const pages: RecommendationPage[] = [];
    for (let n = 0; n < 60; n++) {
      // Another diversity makes another list, of the same order but for what is explored.
      const page = await world.explorer.recommend(ann.listener.id, { diversity: 0.3 + n * 1e-9 }, { first: 5 });
      pages.push(page);
    }
    for (const { edges, requestId } of pages) {
      // What is clicked depends on the track alone: jazz is.
      const jazz = edges.filter(({ node }) => world.ids.indexOf(node.trackId) % 4 === 0);
      const clicks = jazz.map(({ node }) => ({ trackId: node.trackId, kind: 'PLAY' as const, requestId }));
      await world.listeners.recordBatch(ann, clicks);
    }
    await expect
      .poll(async () => {
        const rows = await world.database.sql`select 1 from recommendation_lists where id in ${world.database.sql(
          pages.map(({ requestId }) => requestId),
        )}`;
        return rows.length;
      })
      .toBe(60);
    await world.database.sql`delete from recommendation_lists where id not in ${world.database.sql(
      pages.map(({ requestId }) => requestId),
    )}`;
    const { modelVersion } = pages[0]!;
    const same = (await world.recommender.offPolicy(modelVersion))!;
    expect(same).toMatchObject({ modelVersion, lists: 60, impressions: 300 });
    // Judged by itself every weight is about 1: a draw that moved a track to where it is counts a little.
    expect(same.meanWeight).toBeCloseTo(1, 1);
    expect(same.snips).toBeCloseTo(same.ctr!, 1);
    expect(same.effectiveSampleSize).toBeGreaterThan(270);

    const other = (await world.recommender.offPolicy('untrained'))!;
    expect(other.effectiveSampleSize).toBeLessThan(300);
    expect(other.meanWeight).toBeGreaterThan(0.2);
    expect(other.snips === null).toBe(other.refusal !== null);
    expect(await world.recommender.offPolicy('never trained')).toBeNull();

    // One that has learned from these clicks is not judged by them.
    const later = (await world.recommender.offPolicy(await world.recommender.train()))!;
    expect(later).toMatchObject({ refusal: 'NO_LISTS', lists: 0, impressions: 0, snips: null, low: null, high: null });
    expect(later.servedAfter!.getTime()).toBeGreaterThan(same.servedAfter!.getTime());
    await world.recommender.activate(modelVersion);
  });
});

describe('beyond the score', () => {
  const genreShares = (page: RecommendationPage) =>
    GENRES.map((_, genre) => numbersOf(page).filter((i) => i % 4 === genre).length / page.edges.length);

  it('[BEYOND1] calibration matches the shares in which the listener hears genres', async () => {
    for (const i of [0, 4, 8]) await react(i, 'LIKE');
    await react(1, 'LIKE');
    const [jazz, rock] = genreShares(await list({ calibration: 0.9 }, 16));
    expect(jazz).toBeGreaterThan(0.6);
    expect(jazz).toBeLessThan(0.9);
    expect(rock).toBeGreaterThanOrEqual(0.1);
    expect(genreShares(await list({ calibration: 0.9, filter: { genres: ['metal'] } }, 5))).toEqual([0, 0, 0, 1]);
  });

  it('[BEYOND2] the number of an artist’s tracks in the whole list is limited to their best', async () => {
    await react(0, 'LIKE');
    const whole = await list({}, 60);
    const capped = await list({ maxPerArtist: 2 }, 7);
    const rest = await list({ maxPerArtist: 2 }, 60, capped.edges.at(-1)!.cursor);
    const shown = [...numbersOf(capped), ...numbersOf(rest)];
    expect(shown).toHaveLength(12);
    for (let artist = 0; artist < 6; artist++) {
      const best = numbersOf(whole).filter((i) => i % 6 === artist);
      expect(shown.filter((i) => i % 6 === artist)).toEqual(best.slice(0, 2));
    }
  });

  it('[BEYOND3] freshness is a term of the score, with a reason', async () => {
    await react(0, 'LIKE');
    const { edges } = await list({ context: { freshness: 1 } }, 5);
    expect(edges.map(({ node }) => world.ids.indexOf(node.trackId)).toSorted()).toEqual(
      [55, 57, 58, 59, 54].toSorted(),
    );
    const [{ node } = edges[0]!] = edges;
    const reason = node.explanation.reasons.find((one) => one.kind === 'preference')!;
    expect(reason.summary('EN')).toBe('You asked for what is new and it is from 2019.');
    expect(reason.without().rank).toBe((await world.recommender.explain(ann.listener.id, node.trackId, {}))!.scoreRank);
  });

  it('[BEYOND4] tracks of recent lists are excluded from the next list and all its pages', async () => {
    const first = await list({ notServedForHours: 24 }, 10);
    const second = await list({ notServedForHours: 24 }, 10);
    const third = await list({ notServedForHours: 24 }, 10, second.edges.at(-1)!.cursor);
    const shown = [first, second, third].flatMap(numbersOf);
    expect(new Set(shown).size).toBe(30);
    expect(second.requestId).not.toBe(first.requestId);
    expect(numbersOf(await list({}, 10))).toEqual(numbersOf(first));
    expect((await list({ notServedForHours: 24 }, 100)).edges).toHaveLength(30);
  });

  it('[ERR2] values out of range are refused by name', async () => {
    const refused = (query: object, field: string) => expect(list(query)).rejects.toMatchObject({ field });
    await refused({ calibration: 1.1 }, 'calibration');
    await refused({ maxPerArtist: 0 }, 'maxPerArtist');
    await refused({ notServedForHours: 721 }, 'notServedForHours');
    await refused({ context: { freshness: -0.1 } }, 'context.freshness');
  });
});
