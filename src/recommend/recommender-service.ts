import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { selectEvaluations, selectReactions } from '../db/recommend-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst } from '../lib/page.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { listenerKey, type Listeners } from '../listeners/listeners.ts';
import { readAnalytics } from './analytics.ts';
import { exclusionNames } from './exclusions.ts';
import { explain } from './explanation.ts';
import { firstPage, laterPage, placeOf, resume } from './list-pages.ts';
import { checkQuery, keyOf } from './list-query.ts';
import { live } from './live.ts';
import { ModelState, type Serving } from './model-state.ts';
import { Opening, Openings } from './openings.ts';
import type { RecommendationPage, RecommendationQuery, Recommender } from './recommender.ts';
import { ServedLists } from './served-lists.ts';
import { similar } from './similar.ts';
import { standingReactions } from './strengths.ts';
import { TasteCache } from './taste-cache.ts';

export interface RecommenderOptions {
  database: Database;
  catalogue: Catalogue;
  listeners: Listeners;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** The chance that a place of a list goes to a track that would not have got it ([EXPLORE1]); none unless told. */
  exploration?: number;
}

/** Rows of history that a request reads: what was heard before these counts neither as a reason nor as heard. */
const HISTORY_ROWS = 5_000;

/** Recommends with the active version, from the first request on; trains one in the background where there is none. */
export async function createRecommender(options: RecommenderOptions): Promise<Recommender> {
  const { database, listeners, wakeups, clock, log, exploration = 0 } = options;
  const model = await ModelState.open(options);
  const lists = new ServedLists(database, clock, log);

  const tastes = new TasteCache(wakeups, async (listenerId) => {
    const [rows, preferences] = await Promise.all([
      selectReactions(database, listenerId, HISTORY_ROWS),
      listeners.preferences([listenerId]),
    ]);
    const stated = preferences.get(listenerId);
    return {
      history: standingReactions(rows.map((row) => ({ ...row, at: row.at.getTime() }))),
      genres: stated?.genres.map(({ slug, weight }) => ({ slug, weight })) ?? [],
      artistIds: stated?.artistIds ?? [],
      tags: stated?.tags ?? [],
      text: stated?.text ?? null,
      allowExplicit: stated?.allowExplicit ?? true,
    };
  });
  const openings = new Openings();

  const open = async (listenerId: number, query: RecommendationQuery): Promise<[Opening, Serving]> => {
    const known = await tastes.get(listenerId);
    const serving = await model.current();
    checkSeeds(query, serving);
    return [openings.get(keyOf(listenerId, query), { ...serving, known }, query), serving];
  };

  const openUnserved = async (listenerId: number, query: RecommendationQuery, hours: number): Promise<Opening> => {
    const servedBefore = await lists.recent(listenerId, hours);
    const known = await tastes.get(listenerId);
    const serving = await model.current();
    checkSeeds(query, serving);
    return new Opening({ ...serving, known }, query, servedBefore);
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
      return {
        trackId,
        score: ranking.scoreOf(index),
        scoreRank: ranking.rankOf(index),
        excludedBy: exclusionNames(ranking.exclusionsOf(index)),
        explanation: explain(ranking, index),
      };
    },

    similar: async (trackId, page, listenerId) => {
      const found = similar(await model.current(), trackId, page);
      const [begins] = found.edges;
      if (listenerId !== undefined && begins) {
        const places = found.edges.map(({ node }) => placeOf(node));
        const { requestId: id, modelVersion } = found;
        lists.log({ id, listenerId, modelVersion, firstRank: begins.node.rank, places });
      }
      return found;
    },
    live: (listenerId, query, first, signal) => {
      const look = () => recommender.recommend(listenerId, query, { first });
      return live(wakeups, [listenerKey(listenerId), ...ModelState.wakeupKeys], look, signal);
    },
    analytics: (query) => readAnalytics(database, clock, query),
    evaluations: (first) => selectEvaluations(database.db, checkFirst(first)),
    train: () => model.train(),
    [Symbol.asyncDispose]: async () => {
      await tastes[Symbol.asyncDispose]();
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
