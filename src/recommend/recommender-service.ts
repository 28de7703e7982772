import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { selectEvaluations } from '../db/queries/recommend-queries.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { listenerKey, type Listeners, noSuchListener } from '../listeners/listeners.ts';
import type { RecommendationPage, RecommendationQuery, Recommender } from './contract.ts';
import { explain } from './explain/explanation.ts';
import { standingSentence } from './explain/why-not.ts';
import { ListCache, OpenedList, recommendationOf } from './lists/list-cache.ts';
import { firstPage, laterPage, placeOf, resume } from './lists/list-pages.ts';
import { checkQuery, keyOf } from './lists/list-query.ts';
import { live } from './lists/live-list.ts';
import { ServedLists } from './lists/served-lists.ts';
import { similar } from './lists/similar.ts';
import { readAnalytics } from './measure/analytics.ts';
import { estimateOffPolicy } from './measure/off-policy.ts';
import { ServedMeasurements } from './measure/served-measurements.ts';
import { type Serving } from './model/serving.ts';
import { versionsOf } from './model/songs.ts';
import { exclusionNames } from './ranking/exclusions.ts';
import { byScore } from './ranking/ranking.ts';
import { type LoadedTaste, loadTaste } from './taste/load-taste.ts';
import { TasteCache } from './taste/taste-cache.ts';
import { ModelState } from './versions/model-state.ts';

export interface RecommenderOptions {
  database: Database;
  catalogue: Catalogue;
  listeners: Listeners;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** The chance that a place of a list goes to a track that would not have got it ([EXPLORE1]); none unless told. */
  exploration?: number;
  /** Off where training is asked for, as in commands. */
  trainsByItself?: boolean;
}

/** Recommends with the active version, from the first request on; trains one in the background where there is none. */
export async function createRecommender(options: RecommenderOptions): Promise<Recommender> {
  const { database, listeners, wakeups, clock, log, exploration = 0 } = options;
  const model = await ModelState.open(options);
  const lists = new ServedLists(database, clock, log);

  const load = (listenerId: number, known: LoadedTaste | null) => loadTaste(database, listeners, listenerId, known);
  const tastes = new TasteCache(wakeups, load);
  const measurements = new ServedMeasurements({
    ...{ database, wakeups, log },
    current: () => model.current(),
    load: async (listenerId) => (await load(listenerId, null)).taste,
  });
  const openings = new ListCache();

  const open = async (listenerId: number, query: RecommendationQuery): Promise<[OpenedList, Serving]> => {
    const known = await tastes.get(listenerId);
    const serving = await model.current();
    checkSeeds(query, serving);
    return [openings.get(keyOf(listenerId, query), { ...serving, known }, query), serving];
  };

  const openUnserved = async (listenerId: number, query: RecommendationQuery, hours: number): Promise<OpenedList> => {
    const servedBefore = await lists.recent(listenerId, hours);
    const known = await tastes.get(listenerId);
    const serving = await model.current();
    checkSeeds(query, serving);
    return new OpenedList({ ...serving, known }, query, servedBefore);
  };

  const begin = async (listenerId: number, query: RecommendationQuery, first: number): Promise<RecommendationPage> => {
    const { notServedForHours = 0 } = query;
    // What was served before is other each time: such a list is like none before it.
    const opening =
      notServedForHours > 0
        ? await openUnserved(listenerId, query, notServedForHours)
        : (await open(listenerId, query))[0];
    const make = () => firstPage(lists, opening, listenerId, query, first, exploration);
    return opening.page(first, clock.monotonic(), make);
  };

  const recommender: Recommender = {
    recommend: async (listenerId, query, page) => {
      const first = checkFirst(page.first);
      checkQuery(query);
      if (page.after == null) return begin(listenerId, query, first);
      const [list, position] = await resume(lists, page.after, listenerId, query);
      return laterPage(lists, await model.of(list.modelVersion), list, position, first);
    },

    explain: async (listenerId, trackId, query) => {
      checkQuery(query);
      const [{ ranking }, { snapshot }] = await open(listenerId, query);
      const index = snapshot.indexOf.get(trackId);
      if (index === undefined) return null;
      const scoreRank = ranking.rankOf(index);
      const excludedBy = exclusionNames(ranking.exclusionsOf(index));
      const other = ranking.otherVersionOf(index);
      const otherVersionId = other === null ? null : (snapshot.tracks[other]?.id ?? null);
      const above = (first: number) =>
        ranking
          .next([], Math.min(first, (scoreRank ?? 1) - 1), byScore)
          .map((one) => recommendationOf(ranking, one, one.scoreRank));
      return {
        ...{ trackId, score: ranking.scoreOf(index), scoreRank, excludedBy, otherVersionId },
        explanation: explain(ranking, index),
        outweighedBy: (first) => above(checkFirst(first)),
        summary: (locale) => {
          const standing = { excludedBy, otherVersionId, scoreRank, first: above(1)[0] ?? null };
          return standingSentence(standing, snapshot, locale);
        },
      };
    },

    similar: async (trackId, page, listenerId) => {
      const known = listenerId === undefined ? undefined : await tastes.get(listenerId);
      const found = similar(await model.current(), trackId, page, known);
      const [begins] = found.edges;
      if (listenerId !== undefined && begins) {
        const places = found.edges.map(({ node }) => placeOf(node));
        const { requestId: id, modelVersion } = found;
        lists.log({ id, listenerId, modelVersion, firstRank: begins.node.rank, places });
      }
      return found;
    },
    versionsOf: async (trackId) => versionsOf((await model.current()).snapshot, trackId),
    live: (listenerId, query, first, signal) => {
      const look = async () => {
        const list = await recommender.recommend(listenerId, query, { first });
        if (await tastes.has(listenerId)) return list;
        throw noSuchListener();
      };
      return live(wakeups, [listenerKey(listenerId), ...ModelState.wakeupKeys], look, signal);
    },
    analytics: (query) => readAnalytics(database, clock, query),
    offPolicy: async (modelVersion) => {
      const serving = await model.of(checkText(modelVersion, 'modelVersion', { max: 200 }));
      return serving.neighbours.version === modelVersion ? estimateOffPolicy(database, serving) : null;
    },
    evaluations: (first) => selectEvaluations(database.db, checkFirst(first)),
    train: async (trainerOptions) => {
      const version = await model.train(trainerOptions);
      await measurements.measure();
      return version;
    },
    versions: (first) => model.versions(checkFirst(first)),
    activate: async (version) => model.activate(checkText(version, 'modelVersion', { max: 200 })),
    [Symbol.asyncDispose]: async () => {
      await tastes[Symbol.asyncDispose]();
      await measurements[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
      await lists[Symbol.asyncDispose]();
    },
  };
  return recommender;
}

/** A seed that is not there would steer nowhere, and the list would look as if it had. */
function checkSeeds({ context }: RecommendationQuery, { snapshot }: Serving): void {
  context?.seedTrackIds?.forEach((id, i) => {
    const field = `context.seedTrackIds.${i}`;
    if (!snapshot.indexOf.has(id)) throw new InvalidInputError(`${field} is not a track of the catalogue`, field);
  });
}
