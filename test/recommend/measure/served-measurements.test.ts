import { expect, it, onTestFinished } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { ServedMeasurements } from '../../../src/recommend/measure/served-measurements.ts';
import { loadTaste } from '../../../src/recommend/taste/load-taste.ts';
import { ModelState } from '../../../src/recommend/versions/model-state.ts';
import { someTracks } from '../../support/catalogue/catalogue.ts';
import { testDatabase } from '../../support/postgres/database.ts';

/** A version that serves and that nobody has measured. A node begins to measure it when it starts. */
async function unmeasuredVersion() {
  const database = await testDatabase();
  const wakeups = new LocalWakeups();
  const services = { database, wakeups, clock: systemClock, log: silentLogger };
  const listeners = createListeners(services);
  await createCatalogue(services).upsertTracks(someTracks(30));
  const [row] = await database.sql<{ id: number }[]>`select id::float8 as id from tracks limit 1`;
  for (let u = 0; u < 10; u++) {
    const viewer = { listener: await listeners.ensure(`listener ${u}`), roles: new Set(['LISTENER'] as const) };
    await listeners.recordBatch(viewer, [{ trackId: row!.id, kind: 'LIKE' }]);
  }
  const trainer = await ModelState.open({ ...services, trainsByItself: false });
  await trainer.train();
  await trainer[Symbol.asyncDispose]();
  const loads = { count: 0, onLoad: (): void => undefined };
  const startNode = async (): Promise<ServedMeasurements> => {
    const model = await ModelState.open({ ...services, trainsByItself: false });
    onTestFinished(() => model[Symbol.asyncDispose]());
    const node = new ServedMeasurements({
      ...services,
      current: () => model.upToDate(),
      load: async (listenerId) => {
        loads.count += 1;
        loads.onLoad();
        return (await loadTaste(database, listeners, listenerId, null)).taste;
      },
    });
    onTestFinished(() => node[Symbol.asyncDispose]());
    return node;
  };
  return { database, startNode, loads };
}

const evaluated = async ({ database }: Awaited<ReturnType<typeof unmeasuredVersion>>) => {
  const rows = await database.sql`select 1 from evaluations where protocol = 'served-lists'`;
  return rows.length;
};

it('[BEYOND6] one of the nodes measures what is served, and the others wait for it', async () => {
  const world = await unmeasuredVersion();
  const nodes = await Promise.all([world.startNode(), world.startNode(), world.startNode()]);
  await Promise.all(nodes.map((node) => node.measure()));
  expect(world.loads.count).toBe(10);
  expect(await evaluated(world)).toBe(8);
});

it('[BEYOND6] a node that stops ends the measurement, and another takes it up', async () => {
  const world = await unmeasuredVersion();
  const hasBegun = new Promise<void>((resolve) => (world.loads.onLoad = resolve));
  const first = await world.startNode();
  await hasBegun;
  await first[Symbol.asyncDispose]();
  expect(world.loads.count).toBeLessThan(10);
  expect(await evaluated(world)).toBe(0);
  const second = await world.startNode();
  await second.measure();
  expect(await evaluated(world)).toBe(8);
});
