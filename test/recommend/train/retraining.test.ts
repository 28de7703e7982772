import { describe, expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { createRecommender } from '../../../src/recommend/recommender.ts';
import { isTrainingDue } from '../../../src/recommend/versions/training-due.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { testDatabase } from '../../support/postgres/database.ts';

/** A clock whose time goes on when it is told to. */
class SteppedClock implements Clock {
  #elapsed = 0;
  now = () => systemClock.now() + this.#elapsed;
  monotonic = () => this.#elapsed;
  advance = (ms: number) => void (this.#elapsed += ms);
}

/** What recommends six tracks, and trains by itself. */
async function start({ looksEveryMs }: { looksEveryMs?: number } = {}) {
  const [database, wakeups, clock] = [await testDatabase(), new LocalWakeups(), new SteppedClock()];
  const listeners = createListeners({ database, wakeups, clock });
  const catalogue = createCatalogue({ database, wakeups, clock });
  const names = Array.from({ length: 6 }, (_, i) => `Track ${i}`);
  const { ids } = await addTracks(
    database,
    names.map((title) => ({ externalId: title, title, artist: 'Somebody', genres: ['Jazz'] })),
  );
  const services = { database, catalogue, listeners, wakeups, clock, log: silentLogger };
  const recommender = await createRecommender({ ...services, ...(looksEveryMs !== undefined && { looksEveryMs }) });
  onTestFinished(() => recommender[Symbol.asyncDispose]());
  const like = async (name: string, count: number) => {
    const listener = await listeners.ensure(name);
    const liked = ids.slice(0, count).map((trackId) => ({ trackId, kind: 'LIKE' as const }));
    await listeners.recordBatch({ listener, roles: new Set([]) }, liked);
    return listener;
  };
  /** How much feedback each version was trained on, the oldest first; null while another is being trained. */
  const trainedOn = async () => {
    const versions = await recommender.versions(20);
    if (recommender.state().isTraining) return null;
    return versions.map(({ parameters }) => Number(parameters.feedback)).reverse();
  };
  return { ...services, ids, recommender, like, trainedOn };
}

// A worker has to start, which a busy machine takes its time for.
const PATIENCE = { timeout: 60_000 };

test('[REC10] feedback trains a first version after a minute, and not before', async () => {
  const { clock, ids, listeners, recommender, trainedOn } = await start();
  const listener = await listeners.ensure('a fan');
  const viewer = { listener, roles: new Set([] as const) };
  const versionAfter = async (trackId: number) => {
    await listeners.record(viewer, { trackId, kind: 'LIKE' });
    return (await recommender.recommend(listener.id, {}, { first: 1 })).modelVersion;
  };

  expect(await versionAfter(ids[0]!)).toBe('untrained');
  clock.advance(59_999);
  expect(await versionAfter(ids[1]!)).toBe('untrained');
  clock.advance(1);
  await versionAfter(ids[2]!);
  // A training before the minute had passed would have counted fewer rows.
  await expect.poll(trainedOn, PATIENCE).toEqual([3]);
  await expect
    .poll(async () => (await recommender.recommend(listener.id, {}, { first: 1 })).modelVersion, PATIENCE)
    .toMatch(/^ease-/);
});

test('[REC10] consent that is withdrawn and feedback that is erased train a version without them', async () => {
  const { clock, like, listeners, recommender, trainedOn } = await start();
  await like('ann', 6);
  const bob = await like('bob', 3);
  const cat = await like('cat', 2);
  await recommender.train();
  expect(await trainedOn()).toEqual([11]);

  clock.advance(60_000);
  await listeners.setConsent(bob.id, { training: false });
  await expect.poll(trainedOn, PATIENCE).toEqual([11, 8]);
  clock.advance(60_000);
  await listeners.erase(cat.id, () => Promise.resolve(0));
  await expect.poll(trainedOn, PATIENCE).toEqual([11, 8, 6]);
  // Of nobody who allows it: what was learnt from others serves no longer.
  clock.advance(60_000);
  await listeners.setConsent((await listeners.ensure('ann')).id, { training: false });
  await expect.poll(trainedOn, PATIENCE).toEqual([11, 8, 6, 0]);
  const { modelVersion } = await recommender.recommend(bob.id, {}, { first: 1 });
  expect((await recommender.versions(1))[0]).toMatchObject({ version: modelVersion, isActive: true });
});

test('[REC10] feedback that is removed for its age trains a version without it, also where no other arrives', async () => {
  const { database, like, trainedOn } = await start({ looksEveryMs: 20 });
  await like('ann', 6);
  await expect.poll(trainedOn, PATIENCE).toEqual([6]);
  await database.sql`delete from feedback where id in (select id from feedback order by id limit 2)`;
  await expect.poll(trainedOn, PATIENCE).toEqual([6, 4]);
});

describe('[REC10] what differs little from what the newest version has seen', () => {
  const trainedAt = new Date('2026-01-01');
  const days = (n: number) => trainedAt.getTime() + n * 86_400_000;
  const newest = { trainedAt, parameters: { feedback: 100, latestFeedback: 500, readAt: trainedAt.getTime() } };
  const due = (count: number, latest: number, day: number) => isTrainingDue({ count, latest }, newest, days(day));

  test('is trained on once that is thirty days old, and not if nothing has changed', () => {
    expect([due(100, 500, 1), due(100, 500, 400)]).toEqual([false, false]);
    expect([due(100, 600, 30), due(150, 600, 30), due(80, 500, 30)]).toEqual([false, false, false]);
    expect([due(100, 600, 31), due(99, 500, 31)]).toEqual([true, true]);
    expect([due(151, 600, 1), due(79, 500, 1)]).toEqual([true, true]);
  });

  test('is trained on where an old version does not say what it had seen last', () => {
    const { trainedAt, parameters } = newest;
    const old = { trainedAt, parameters: { feedback: parameters.feedback } };
    expect(isTrainingDue({ count: 100, latest: 500 }, old, days(31))).toBe(true);
    expect(isTrainingDue({ count: 0, latest: 0 }, null, days(31))).toBe(false);
  });
});
