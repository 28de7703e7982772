import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startRecommending } from '../../support/recommend/recommending.ts';

const tracks = Array.from({ length: 60 }, (_, i) => ({
  ...{ externalId: `t${i}`, title: `Title ${i}`, artist: `Artist ${i % 9}`, genres: [i % 2 ? 'Jazz' : 'Rock'] },
}));

/** The changes of a list of ten, followed from now on. */
async function following() {
  const world = await startRecommending(tracks, { sleep: () => turn() });
  const ann = await world.heard('ann', [['t59', 'LIKE']]);
  const { id } = ann.listener;
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const changes = world.recommender.changes(id, {}, 10, leaving.signal);
  const first = (async () => {
    const next = await changes.next();
    return next.done === true ? null : next.value;
  })().catch(() => null);
  const settled = async (): Promise<boolean> => Promise.race([first.then(() => true), turn(false)]);
  /** What happens before the list was first looked at is no change of it, so it happens until one was told. */
  const until = async (happen: (n: number) => Promise<unknown>) => {
    for (let n = 0; !(await settled()); n++) await happen(n);
    return first;
  };
  const asked = () => world.recommender.recommend(id, {}, { first: 10 });
  return { ...world, ann, changes, leaving, until, asked };
}

it('[LIVE4] says that the listener changed the list; the query then returns the announced one', async () => {
  const { ann, listeners, idOf, until, asked, leaving, changes } = await following();
  const change = await until((n) => listeners.record(ann, { trackId: idOf(`t${n}`), kind: 'LIKE' }));
  expect(change).toMatchObject({ cause: 'LISTENER' });
  leaving.abort();
  expect((await changes.next()).done).toBe(true);
  expect((await asked()).requestId).toMatch(/^[0-9a-f-]{36}$/);
});

it('[LIVE4] announces the list that the query returns, and nothing counts as served until then', async () => {
  const { ann, listeners, idOf, changes, until, asked, database, leaving } = await following();
  await until((n) => listeners.record(ann, { trackId: idOf(`t${n}`), kind: 'LIKE' }));
  const served = async () => (await database.sql`select id from recommendation_lists`).length;
  expect(await served()).toBe(0);
  // What was recorded after the first change may be announced by a second one.
  let announced = '';
  const reading = (async () => {
    for await (const { requestId } of changes) announced = requestId;
  })();
  // One of so many is in the list, whatever was announced before.
  for (let n = 30; n < 59; n++) await listeners.record(ann, { trackId: idOf(`t${n}`), kind: 'HIDE' });
  await expect.poll(async () => announced !== '' && (await asked()).requestId === announced).toBe(true);
  leaving.abort();
  await reading;
  await expect.poll(served).toBe(1);
});

it('[LIVE4] tells the catalogue and the model from the listener', async () => {
  const { catalogue, until } = await following();
  const change = await until((n) => catalogue.withdrawTracks({ externalIds: [`t${n}`] }));
  expect(change).toMatchObject({ cause: 'CATALOGUE' });
  const other = await following();
  const trained = await other.until(() => other.recommender.train());
  expect(trained).toMatchObject({ cause: 'MODEL' });
});

it('[LIVE4] refuses what the query refuses', async () => {
  const { recommender, ann } = await following();
  expect(() => recommender.changes(ann.listener.id, {}, 0)).toThrow(/first/);
});
