import { onTestFinished } from 'vitest';
import { type Catalogue, createCatalogue, type TrackInput } from '../../../src/catalogue/catalogue.ts';
import type { Database } from '../../../src/db/client.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { type Sleep, systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type FeedbackKind, type Listeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { TextVectors } from '../../../src/ml/engine.ts';
import { createRecommender, type RecommendationPage, type Recommender } from '../../../src/recommend/recommender.ts';
import { addTracks } from '../catalogue/catalogue.ts';
import { testDatabase } from '../postgres/database.ts';

/** What recommends, on a database of the test's own, with these tracks; it trains when it is told to. */
export interface Recommending {
  database: Database;
  wakeups: LocalWakeups;
  catalogue: Catalogue;
  listeners: Listeners;
  recommender: Recommender;
  /** By external id. */
  idOf: (externalId: string) => number;
  /** A listener of this name, who then does these things, each so many days ago. */
  heard: (
    name: string,
    what: readonly (readonly [externalId: string, kind: FeedbackKind, daysAgo?: number])[],
  ) => Promise<Viewer>;
  /** The external ids of the listener's list, without diversity unless told. */
  list: (viewer: Viewer, query?: object, first?: number) => Promise<string[]>;
  externalIdsOf: (page: RecommendationPage) => string[];
}

export async function startRecommending(
  tracks: readonly TrackInput[],
  options: { sleep?: Sleep; vectors?: TextVectors } = {},
): Promise<Recommending> {
  const database = await testDatabase();
  const wakeups = new LocalWakeups();
  const catalogue = createCatalogue({ database, wakeups, clock: systemClock });
  const listeners = createListeners({ database, wakeups, clock: systemClock });
  const { ids } = await addTracks(database, tracks);
  const byKey = new Map(tracks.map(({ externalId }, i) => [externalId, ids[i]!]));
  const byId = new Map([...byKey].map(([externalId, id]) => [id, externalId]));
  const services = { database, catalogue, listeners, wakeups, clock: systemClock, log: silentLogger };
  const recommender = await createRecommender({ ...services, ...options, trainsByItself: false });
  onTestFinished(() => recommender[Symbol.asyncDispose]());
  // A list that is asked for next is of what has been changed: tests that mean the time until then say so.
  const caughtUp: Catalogue = {
    ...catalogue,
    upsertTracks: async (input) => {
      const counts = await catalogue.upsertTracks(input);
      await recommender.upToDate();
      return counts;
    },
    refreshPopularity: async () => {
      await catalogue.refreshPopularity();
      await recommender.upToDate();
    },
  };
  const idOf = (externalId: string) => byKey.get(externalId)!;
  const externalIdsOf = (page: RecommendationPage) => page.edges.map(({ node }) => byId.get(node.trackId) ?? '');
  return {
    ...{ database, wakeups, listeners, catalogue: caughtUp, recommender, idOf, externalIdsOf },
    heard: async (name, what) => {
      const viewer: Viewer = { listener: await listeners.ensure(name), roles: new Set(['LISTENER']) };
      const input = what.map(([externalId, kind, daysAgo = 0]) => {
        return { trackId: idOf(externalId), kind, at: new Date(systemClock.now() - daysAgo * 86_400_000) };
      });
      await listeners.recordBatch(viewer, input);
      return viewer;
    },
    list: async ({ listener }, query = {}, first = 100) =>
      externalIdsOf(await recommender.recommend(listener.id, { diversity: 0, ...query }, { first })),
  };
}
