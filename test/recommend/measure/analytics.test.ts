import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { deleteOldLists } from '../../../src/db/access/retention-queries.ts';
import type { Database } from '../../../src/db/client.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type FeedbackKind, type Listeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { wilson } from '../../../src/recommend/math/statistics.ts';
import { startOfDay } from '../../../src/recommend/measure/period.ts';
import { createRecommender, type Engagement, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening } from '../../support/listening.ts';
import { createDatabase } from '../../support/postgres/database.ts';

let database: Database;
let listeners: Listeners;
let recommender: Recommender;
let ids: number[];
let ann: Viewer;
let bob: Viewer;

beforeAll(async () => {
  database = await createDatabase();
  const [wakeups, clock] = [new LocalWakeups(), systemClock];
  listeners = createListeners({ database, wakeups, clock });
  // Tracks 0, 3, 6, 9 are jazz first and rock besides; 1, 4, 7 rock; 2, 5, 8 without a genre.
  const genres = [['Jazz', 'Rock'], ['Rock'], []];
  ({ ids } = await addTracks(
    database,
    Array.from({ length: 10 }, (_, i) => {
      return { externalId: `t${i}`, title: `T${i}`, artist: `A${i}`, genres: genres[i % 3]! };
    }),
  ));
  const catalogue = createCatalogue({ database, wakeups, clock });
  recommender = await createRecommender({ database, catalogue, listeners, wakeups, clock, log: silentLogger });
  const viewerOf = async (name: string): Promise<Viewer> => ({
    listener: await listeners.ensure(name),
    roles: new Set(),
  });
  [ann, bob] = [await viewerOf('ann'), await viewerOf('bob')];
  await listeners.setPreferences(ann.listener.id, { genres: [{ genre: 'jazz', weight: 1 }] });
});
afterAll(async () => {
  await recommender[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const react = (viewer: Viewer, trackId: number, kind: FeedbackKind, requestId: string) =>
  listeners.record(viewer, { trackId, kind, requestId });
const isStored = async (requestId: string, positions: number) => {
  const rows = await database.sql`
    select 1 from recommendation_lists where id = ${requestId} and cardinality(track_ids) = ${positions}`;
  return rows.length === 1;
};
const stored = (requestId: string, positions: number) => expect.poll(() => isStored(requestId, positions)).toBe(true);
const counts = (row: Engagement | undefined) =>
  row && [row.impressions, row.clicks, row.completions, row.likes, row.skips, row.rejections];

describe('attribution', () => {
  it('[ATTR1] [ATTR2] [ATTR3] joins feedback to lists, versions, positions, genres and reasons', async () => {
    const query = { diversity: 0 };
    const first = await recommender.recommend(ann.listener.id, query, { first: 4 });
    const rest = await recommender.recommend(ann.listener.id, query, {
      ...{ first: 2, after: first.edges.at(-1)!.cursor },
    });
    expect(rest.requestId).toBe(first.requestId);
    // Opened again: the same list, and no further impressions.
    expect((await recommender.recommend(ann.listener.id, query, { first: 4 })).requestId).toBe(first.requestId);
    await stored(first.requestId, 6);
    const shown = [...first.edges, ...rest.edges].map(({ node }) => node.trackId);
    // The jazz that ann asked for comes first, then what has no reason, by its number in the catalogue.
    expect(shown).toEqual([0, 3, 6, 9, 1, 2].map((i) => ids[i]));
    const similar = await recommender.similar(ids[1]!, { first: 3 }, ann.listener.id);
    await stored(similar.requestId, 3);

    await react(ann, shown[0]!, 'PLAY', first.requestId);
    await react(ann, shown[0]!, 'COMPLETE', first.requestId);
    await react(ann, shown[1]!, 'SKIP', first.requestId);
    await react(ann, shown[4]!, 'LIKE', first.requestId);
    await react(ann, shown[5]!, 'HIDE', first.requestId);
    await react(ann, similar.edges[1]!.node.trackId, 'PLAY', similar.requestId);
    // A track that the list did not have, and a listener who was never shown it.
    await react(ann, ids[8]!, 'PLAY', first.requestId);
    await react(bob, shown[2]!, 'PLAY', first.requestId);
    await listeners.record(ann, { trackId: ids[7]!, kind: 'PLAY' });

    const found = await recommender.analytics({});
    expect(counts(found.totals)).toEqual([9, 3, 1, 1, 1, 1]);
    expect(found.unattributed).toBe(2);
    expect(found.byModelVersion.map((row) => [row.modelVersion, ...counts(row)!])).toEqual([
      ['untrained', 9, 3, 1, 1, 1, 1],
    ]);
    expect(found.bySurface.map((row) => [row.surface, ...counts(row)!])).toEqual([
      ['RECOMMENDATIONS', 6, 2, 1, 1, 1, 1],
      ['SIMILAR', 3, 1, 0, 0, 0, 0],
    ]);
    expect(found.byPosition.map((row) => [row.position, ...counts(row)!])).toEqual([
      [1, 2, 1, 1, 0, 0, 0],
      [2, 2, 1, 0, 0, 1, 0],
      [3, 2, 0, 0, 0, 0, 0],
      [4, 1, 0, 0, 0, 0, 0],
      [5, 1, 1, 0, 1, 0, 0],
      [6, 1, 0, 0, 0, 0, 1],
    ]);
    // Of the similar ones two share the genre rock as their only one, one has it beside jazz.
    const genreOf = (slug: string | null) => found.byGenre.find(({ genre }) => (genre?.slug ?? null) === slug);
    expect(counts(genreOf(null))).toEqual([1, 0, 0, 0, 0, 1]);
    expect(counts(genreOf('rock'))!.slice(0, 2)).toEqual([3, 2]);
    expect(counts(genreOf('jazz'))!.slice(0, 2)).toEqual([5, 1]);
    const reasons = Object.fromEntries(found.byReasonKind.map((row) => [row.reasonKind, row.impressions]));
    expect(reasons).toEqual({ PREFERENCE: 7, NONE: 2 });
    for (const rows of [found.byModelVersion, found.bySurface, found.byPosition, found.byGenre, found.byReasonKind]) {
      const sums = rows.map((row) => counts(row)!).reduce((sum, row) => sum.map((value, i) => value + row[i]!));
      expect(sums).toEqual(counts(found.totals));
    }
    expect(found.byDay.reduce((sum, { impressions }) => sum + impressions, 0)).toBe(9);
  });

  it('[ATTR1] counts only what was served in the range, and by the named version if there is one', async () => {
    const now = Date.now();
    const yesterday = await recommender.analytics({ from: new Date(now - 2e8), to: new Date(now - 1e8) });
    expect(counts(yesterday.totals)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(yesterday.byPosition).toEqual([]);
    await expect(recommender.analytics({ modelVersion: 'another' })).rejects.toMatchObject({ field: 'modelVersion' });
    expect((await recommender.analytics({ modelVersion: 'untrained' })).totals.impressions).toBe(9);
  });

  it('[ATTR10] counts along several axes at once, and says which part of the catalogue was served', async () => {
    const period = await recommender.analytics({});
    const { rows, isComplete } = await recommender.breakdown(
      period,
      ['MODEL_VERSION', 'SURFACE', 'GENRE', 'REASON_KIND', 'DAY'],
      100,
    );
    expect(isComplete).toBe(true);
    const sums = rows.map((row) => counts(row)!).reduce((sum, row) => sum.map((value, i) => value + row[i]!));
    expect(sums).toEqual(counts(period.totals));
    const jazz = rows.find(({ genre, surface }) => genre?.slug === 'jazz' && surface === 'RECOMMENDATIONS')!;
    expect(counts(jazz)).toEqual([4, 1, 1, 0, 1, 0]);
    expect(jazz).toMatchObject({ modelVersion: 'untrained', reasonKind: 'PREFERENCE', position: null, segment: null });
    expect(jazz.date).toBe(period.byDay[0]!.date);

    const because = await recommender.breakdown(period, ['PREFERENCE', 'SEGMENT'], 100);
    expect(because.rows.map(({ preference, segment, impressions }) => [preference, segment, impressions])).toEqual([
      ['genre jazz', 'NEW', 4],
      [`seed ${ids[1]}`, 'NEW', 3],
      [null, 'NEW', 2],
    ]);
    expect(await recommender.breakdown(period, ['POSITION'], 2)).toMatchObject({
      rows: [{ position: 1 }, { position: 2 }],
      isComplete: false,
    });
    await expect(recommender.breakdown(period, [], 5)).rejects.toMatchObject({ field: 'by' });
    await expect(recommender.breakdown(period, ['DAY', 'DAY'], 5)).rejects.toMatchObject({ field: 'by' });
    const coverage = await recommender.coverage(period);
    expect(coverage).toMatchObject({ tracks: 10, share: coverage.served / 10 });
    expect(coverage.served).toBeGreaterThanOrEqual(6);
    expect(coverage.topShare).toBeCloseTo(2 / 9, 9);
  });

  it('[ATTR10] by the heard track, and by how much a listener had done before the period', async () => {
    const kim: Viewer = { listener: await listeners.ensure('kim'), roles: new Set() };
    const early = new Date(Date.now() - 3_600_000);
    await listeners.recordBatch(kim, [{ trackId: ids[4]!, kind: 'LIKE', at: early }]);
    const page = await recommender.recommend(kim.listener.id, { diversity: 0 }, { first: 1 });
    await stored(page.requestId, 1);
    const period = await recommender.analytics({ from: new Date(Date.now() - 600_000) });
    const { rows } = await recommender.breakdown(period, ['REASON_TRACK', 'SEGMENT'], 100);
    expect(rows.find(({ segment }) => segment === 'LIGHT')).toMatchObject({ impressions: 1, reasonTrackId: ids[4] });
    await database.sql`delete from recommendation_lists where id = ${page.requestId}`;
  });

  it('[ATTR10] takes dates, in a time zone, and warns of what is not kept', async () => {
    // Clocks in Berlin go forward on 29 March 2026, and back on 25 October.
    for (const [date, zone, start] of [
      ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00Z'],
      ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00Z'],
      ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00Z'],
      ['2026-01-01', 'Asia/Kathmandu', '2025-12-31T18:15:00Z'],
      ['2026-01-01', 'UTC', '2026-01-01T00:00:00Z'],
    ] as const)
      expect(startOfDay(date, zone)).toEqual(new Date(start));
    const dayOf = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const found = await recommender.analytics({ from: dayOf(-2), to: dayOf(2), timeZone: 'Asia/Tokyo' });
    expect(found.from).toEqual(new Date(`${dayOf(-3)}T15:00:00Z`));
    expect(counts(found.totals)![0]).toBe(9);
    expect(found.byDay[0]!.day.getUTCHours()).toBe(15);
    expect(found.warnings).toEqual(['The period has not ended yet.']);
    expect((await recommender.analytics({ from: dayOf(-100) })).warnings[0]).toMatch(/^Lists are kept for 90 days/);
    for (const timeZone of ['Europe/Nowhere', '+05:00', '']) {
      await expect(recommender.analytics({ timeZone })).rejects.toMatchObject({ field: 'timeZone' });
    }
  });

  it('[ATTR10] has intervals that hold for few impressions too', () => {
    // Wilson 1927, as in any table of it.
    expect(wilson(0.5, 10).low).toBeCloseTo(0.2366, 4);
    expect(wilson(0.5, 10).high).toBeCloseTo(0.7634, 4);
    expect(wilson(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) as number });
    expect(wilson(1, 10).high).toBeCloseTo(1, 12);
  });

  it('[ERR2] refuses an invalid range by name', async () => {
    const now = Date.now();
    const refused = (query: object, field: string) =>
      expect(recommender.analytics(query)).rejects.toMatchObject({ name: 'InvalidInputError', field });
    await refused({ from: new Date(now), to: new Date(now) }, 'from');
    await refused({ from: new Date(now - 4e10) }, 'from');
    await refused({ to: new Date(now + 4e10) }, 'to');
  });

  it('[ATTR4] keeps the contents of a list that is too old to be continued, and deletes it after 90 days', async () => {
    const days = (count: number) => count * 24 * 3_600_000;
    let ahead = 0;
    const clock: Clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
    const parts = { database, wakeups: new LocalWakeups(), clock, log: silentLogger };
    const catalogue = createCatalogue(parts);
    await using later = await createRecommender({ ...parts, catalogue, listeners });
    const kept = await later.recommend(bob.listener.id, {}, { first: 3 });
    await stored(kept.requestId, 3);
    ahead = days(2);
    await later.recommend(bob.listener.id, { diversity: 0.5 }, { first: 3 });
    const stateOf = () => database.sql`select state from recommendation_lists where id = ${kept.requestId}`;
    await expect.poll(stateOf).toEqual([{ state: null }]);
    const after = kept.edges.at(-1)!.cursor;
    await expect(later.recommend(bob.listener.id, {}, { first: 3, after })).rejects.toMatchObject({ field: 'after' });
    const removedAfter = (count: number) =>
      deleteOldLists(database, new Date(Date.now() + days(count) - days(90)), 1_000);
    await removedAfter(89);
    expect(await stateOf()).toHaveLength(1);
    await removedAfter(91);
    expect(await stateOf()).toEqual([]);
  });
});

describe('permission to see it', () => {
  const secret = 'a secret that is thirty-two bytes long, or longer';
  const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
  const tokenOf = (roles: string[]) =>
    new SignJWT({ sub: 'x', roles })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
  const query = '{ analytics { totals { impressions ctr } byPosition { position ctr } } }';

  it('[AUTH3] ANALYST and ADMIN, and everybody without authentication', async () => {
    const { graphqlUrl } = await startListening({ database, config: { auth } });
    const asked = async (roles: string[]) =>
      ask(graphqlUrl, query, {}, { authorization: `Bearer ${await tokenOf(roles)}` });
    expect((await asked(['LISTENER'])).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect((await asked(['SERVICE'])).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    for (const role of ['ANALYST', 'ADMIN']) expect((await asked([role])).errors).toBeUndefined();
    const open = await startListening({ database });
    expect((await ask(open.graphqlUrl, query)).errors).toBeUndefined();
  });

  it('[ATTR9] what staff looks at is no impression, until a listener is shown it', async () => {
    const { graphqlUrl } = await startListening({ database, config: { auth } });
    const list = '{ recommendations(first: 2) { requestId } }';
    const surfaceOf = async (roles: string[]) => {
      const { data } = await ask(graphqlUrl, list, {}, { authorization: `Bearer ${await tokenOf(roles)}` });
      const { requestId } = (data as { recommendations: { requestId: string } }).recommendations;
      await expect.poll(() => isStored(requestId, 2)).toBe(true);
      const [row] = await database.sql<[{ surface: string }]>`
        select surface from recommendation_lists where id = ${requestId}`;
      return row.surface;
    };
    const impressions = async () => (await recommender.analytics({})).totals.impressions;
    const before = await impressions();
    expect(await surfaceOf(['ANALYST'])).toBe('PREVIEW');
    expect(await impressions()).toBe(before);
    await expect.poll(() => surfaceOf(['LISTENER'])).toBe('RECOMMENDATIONS');
    expect(await impressions()).toBe(before + 2);
    // Once shown, it stays so.
    expect(await surfaceOf(['ADMIN'])).toBe('RECOMMENDATIONS');
  });
});
