import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { RecommendationPage, RecommendationQuery } from '../../../src/recommend/recommender.ts';
import { type Recommending, startRecommending } from '../../support/recommend/recommending.ts';
import { ManualSleep } from '../../support/time/manual-sleep.ts';

const tracks = Array.from({ length: 80 }, (_, i) => ({
  ...{ externalId: `t${i}`, title: `Title ${i}`, artist: `Artist ${i % 9}`, genres: [i % 2 ? 'Jazz' : 'Rock'] },
}));
const REACTIONS = Array.from({ length: 30 }, (_, i) => `t${i}`);

interface Watched {
  /** Settles when the list has none of the tracks that were reacted to. */
  ended: Promise<void>;
  /** Lists that were sent, by what they were computed as. */
  requestIds: string[];
}

/** Live lists with these arguments, each as it was sent first. */
async function watch(
  world: Recommending,
  listenerId: number,
  queries: readonly RecommendationQuery[],
  signal: AbortSignal,
): Promise<Watched[]> {
  return Promise.all(
    queries.map(async (query) => {
      const lists = world.recommender.live(listenerId, query, 10, signal)[Symbol.asyncIterator]();
      const requestIds: string[] = [];
      const next = async (): Promise<RecommendationPage> => {
        const page = (await lists.next()).value as RecommendationPage;
        requestIds.push(page.requestId);
        return page;
      };
      await next();
      const until = async (): Promise<void> => {
        const reacted = (page: RecommendationPage) =>
          world.externalIdsOf(page).some((externalId) => REACTIONS.includes(externalId));
        while (reacted(await next()));
      };
      return { ended: until(), requestIds };
    }),
  );
}

it.each([
  ['equal ones', () => ({}), 3],
  ['ones that all differ', (i: number) => ({ context: { text: `Title ${70 + i}` } }), 3 * 8],
])('[LIVE2] thirty reactions cause two more lists for all live lists of a listener: %s', async (_, queryOf, most) => {
  const manual = new ManualSleep();
  const world = await startRecommending(tracks, { sleep: manual.sleep });
  const ann = await world.heard('ann', [['t79', 'LIKE']]);
  const leaving = new AbortController();
  const queries = Array.from({ length: 8 }, (_, i) => queryOf(i));
  const watched = await watch(world, ann.listener.id, queries, leaving.signal);
  for (const externalId of REACTIONS)
    await world.listeners.record(ann, { trackId: world.idOf(externalId), kind: 'LIKE' });
  const over = new AbortController();
  const ended = Promise.all(watched.map((one) => one.ended)).finally(() => over.abort());
  while (!over.signal.aborted) {
    manual.pass();
    await turn();
  }
  await ended;
  leaving.abort();
  expect(new Set(watched.flatMap(({ requestIds }) => requestIds)).size).toBeLessThanOrEqual(most);
  await world.recommender[Symbol.asyncDispose]();
  const [stored] = await world.database.sql<
    { lists: number }[]
  >`select count(*)::int as lists from recommendation_lists`;
  expect(stored?.lists).toBeLessThanOrEqual(most);
});
