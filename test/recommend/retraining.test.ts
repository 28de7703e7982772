import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { createRecommender } from '../../src/recommend/recommender.ts';
import { addTracks } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';

/** A clock whose monotonic time goes on when it is told to. */
class SteppedClock implements Clock {
  #elapsed = 0;
  now = () => systemClock.now();
  monotonic = () => this.#elapsed;
  advance = (ms: number) => void (this.#elapsed += ms);
}

test('[REC10] feedback trains a first version after a minute, and not before', async () => {
  const [database, wakeups, clock] = [await testDatabase(), new LocalWakeups(), new SteppedClock()];
  const listeners = createListeners({ database, wakeups, clock });
  const catalogue = createCatalogue({ database, wakeups, clock });
  const names = Array.from({ length: 6 }, (_, i) => `Track ${i}`);
  const { ids } = await addTracks(
    database,
    names.map((title) => ({ externalId: title, title, artist: 'Somebody', genres: ['Jazz'] })),
  );
  const recommender = await createRecommender({ database, catalogue, listeners, wakeups, clock, log: silentLogger });
  onTestFinished(() => recommender[Symbol.asyncDispose]());
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
  const trainedOn = () => database.sql`SELECT parameters->>'feedback' AS rows FROM recommender_versions`;
  // A training before the minute had passed would have counted fewer rows.
  // A worker has to start, which a busy machine takes its time for.
  await expect.poll(trainedOn, { timeout: 10_000 }).toEqual([{ rows: '3' }]);
  await expect
    .poll(async () => (await recommender.recommend(listener.id, {}, { first: 1 })).modelVersion, { timeout: 10_000 })
    .toMatch(/^ease-/);
});
