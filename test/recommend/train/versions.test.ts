import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { createRecommender, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { testDatabase } from '../../support/postgres/database.ts';

async function open() {
  const [database, wakeups] = [await testDatabase(), new LocalWakeups()];
  const parts = { database, wakeups, clock: systemClock };
  const listeners = createListeners(parts);
  const catalogue = createCatalogue(parts);
  const { ids } = await addTracks(database, someTracks(40));
  const options = { ...parts, catalogue, listeners, log: silentLogger, trainsByItself: false };
  const recommender = await createRecommender(options);
  onTestFinished(() => recommender[Symbol.asyncDispose]());
  /** Sixty listeners who hear eight tracks of a group, one a second. */
  const hear = async (
    from: Date,
    trackOf: (u: number, i: number) => number,
    { who = 'fan', count = 60, each = 8 } = {},
  ) => {
    for (let u = 0; u < count; u++) {
      const listener = await listeners.ensure(`${who} ${u}`);
      const rows = Array.from({ length: each }, (_, i) => ids[trackOf(u, i) % 40]!);
      await database.sql`insert into feedback (listener_id, track_id, kind, at)
        select ${listener.id}, track, 'LIKE', ${from.toISOString()}::timestamptz + n * interval '1 second'
        from unnest(${`{${rows.join()}}`}::text::bigint[]) with ordinality as heard (track, n)`;
    }
  };
  const listener = await listeners.ensure('somebody');
  return { database, recommender, hear, listener };
}

const servingOf = async (recommender: Recommender, listenerId: number) =>
  (await recommender.recommend(listenerId, {}, { first: 1 })).modelVersion;

test('[REC13] versions are listed, and an earlier one can be made to serve again', async () => {
  const { recommender, hear, listener } = await open();
  await hear(new Date(2020, 0, 1), (u, i) => (u % 4) * 10 + i);
  const first = await recommender.train();
  const second = await recommender.train();
  expect(await servingOf(recommender, listener.id)).toBe(second);
  await recommender.activate(first);
  expect(await servingOf(recommender, listener.id)).toBe(first);
  const versions = await recommender.versions(10);
  expect(versions.map(({ version, isActive, isKept }) => ({ version, isActive, isKept }))).toEqual([
    { version: second, isActive: false, isKept: true },
    { version: first, isActive: true, isKept: true },
  ]);
  expect(versions[0]!.parameters).toMatchObject({ listeners: 60, feedback: 480 });
  expect(versions[0]!.parameters.faster).toBeTypeOf('string');
  await expect(recommender.activate('ease-none')).rejects.toMatchObject({ name: 'NotFoundError' });
  expect(await servingOf(recommender, listener.id)).toBe(first);
});

test('[REC13] a training that was interrupted has changed nothing', async () => {
  const { recommender, hear, listener } = await open();
  await hear(new Date(2020, 0, 1), (u, i) => (u % 4) * 10 + i);
  const version = await recommender.train();
  const ending = new AbortController();
  const training = recommender.train({ signal: ending.signal, report: () => ending.abort() });
  await expect(training).rejects.toMatchObject({ name: 'AbortError' });
  expect(await recommender.versions(10)).toHaveLength(1);
  expect(await servingOf(recommender, listener.id)).toBe(version);
});

test('[REC13] a new version that predicts recent feedback worse is kept but does not serve', async () => {
  const { database, recommender, hear, listener } = await open();
  // Each has their own way through the group: the last track does not give the next away, whatever bots say.
  const group = (u: number, i: number) => (u % 4) * 10 + ((u + i * [1, 3, 7, 9][(u >> 2) % 4]!) % 10);
  await hear(new Date(2020, 0, 1), group);
  const first = await recommender.train();
  // Six hundred bots, their listening dated back, say that what goes with a track is of another group.
  const astray = (u: number, i: number) => ((u + (i % 2) * 2) % 4) * 10 + (((u >> 2) + 3 * i) % 10);
  await hear(new Date(2019, 0, 1), astray, { who: 'bot', count: 600, each: 4 });
  await hear(new Date(Date.now() + 60_000), (u) => group(u, 8), { each: 1 });
  const second = await recommender.train();
  const states = (await recommender.versions(10)).map(({ version, isActive, isKept }) => ({
    version,
    isActive,
    isKept,
  }));
  expect(states).toEqual([
    { version: second, isActive: false, isKept: true },
    { version: first, isActive: true, isKept: true },
  ]);
  expect(await servingOf(recommender, listener.id)).toBe(first);

  // Most of what the better one has seen is withdrawn or erased meanwhile: what it learnt from that serves no longer.
  await database.sql`update recommender_versions set parameters = parameters || '{"feedback": 100000}' where version = ${first}`;
  const third = await recommender.train();
  expect(await servingOf(recommender, listener.id)).toBe(third);
});
