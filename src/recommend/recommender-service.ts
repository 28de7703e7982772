import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { selectEvaluations } from '../db/queries/recommend-queries.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import { type Clock, type Sleep, systemSleep } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, type PageArgs } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { listenerKey, type Listeners, noSuchListener } from '../listeners/listeners.ts';
import type {
  Analytics,
  AnalyticsQuery,
  ModelVersion,
  OffPolicyEstimate,
  OnboardingQuestions,
  RecommendationPage,
  RecommendationQuery,
  Recommender,
  RecommenderEvaluation,
  TrackExplanation,
  TrainerOptions,
} from './contract.ts';
import { explainTrack } from './explain/track-explanation.ts';
import { ListCache } from './lists/list-cache.ts';
import { laterPage, resume, servedPositionOf } from './lists/list-pages.ts';
import { checkQuery } from './lists/list-query.ts';
import { listChanges, live, type LiveOptions } from './lists/live-list.ts';
import { onboardingQuestions } from './lists/onboarding.ts';
import type { FirstPage } from './lists/opened-list.ts';
import { ServedLists } from './lists/served-lists.ts';
import { similar } from './lists/similar.ts';
import { readAnalytics } from './measure/analytics.ts';
import { estimateOffPolicy } from './measure/off-policy.ts';
import { ServedMeasurements } from './measure/served-measurements.ts';
import { otherRecordingsOf } from './model/songs.ts';
import { type LoadedTaste, loadTaste } from './taste/load-taste.ts';
import { TasteCache } from './taste/taste-cache.ts';
import { ModelState } from './versions/model-state.ts';
import { servingWakeup } from './wakeup-keys.ts';

export interface RecommenderOptions {
  database: Database;
  catalogue: Catalogue;
  listeners: Listeners;
  wakeups: Wakeups;
  clock: Clock;
  sleep?: Sleep;
  log: Logger;
  /** Probability that a position is filled at random ([EXPLORE1]). */
  exploration?: number;
  /** False if training is only started explicitly, as in commands. */
  trainsByItself?: boolean;
}

/** Recommends with the active version from the first request on. If there is none, one is trained in the background. */
export async function createRecommender(options: RecommenderOptions): Promise<Recommender> {
  return new RecommenderService(options, await ModelState.open(options));
}

class RecommenderService implements Recommender {
  readonly #database: Database;
  readonly #wakeups: Wakeups;
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #model: ModelState;
  readonly #tastes: TasteCache;
  readonly #served: ServedLists;
  readonly #lists: ListCache;
  readonly #measurements: ServedMeasurements;

  constructor(options: RecommenderOptions, model: ModelState) {
    const { database, listeners, wakeups, clock, sleep = systemSleep, log, exploration = 0 } = options;
    const load = (listenerId: number, known: LoadedTaste | null) => loadTaste(database, listeners, listenerId, known);
    this.#database = database;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#sleep = sleep;
    this.#model = model;
    this.#tastes = new TasteCache(wakeups, load);
    this.#served = new ServedLists(database, clock, log);
    this.#lists = new ListCache({ tastes: this.#tastes, model, served: this.#served, clock, exploration });
    this.#measurements = new ServedMeasurements({
      ...{ database, wakeups, log },
      current: () => model.upToDate(),
      load: async (listenerId) => (await load(listenerId, null)).taste,
    });
  }

  async recommend(listenerId: number, query: RecommendationQuery, page: PageArgs): Promise<RecommendationPage> {
    const first = checkFirst(page.first);
    checkQuery(query);
    if (page.after == null) return this.#lists.begin(listenerId, query, first);
    const [list, position] = await resume(this.#served, page.after, listenerId, query);
    return laterPage(this.#served, await this.#model.of(list.modelVersion), list, position, first);
  }

  async explain(listenerId: number, trackId: number, query: RecommendationQuery): Promise<TrackExplanation | null> {
    checkQuery(query);
    const { ranking } = await this.#lists.open(listenerId, query);
    return explainTrack(ranking, trackId);
  }

  async similar(trackId: number, page: PageArgs, listenerId?: number): Promise<RecommendationPage> {
    const known = listenerId === undefined ? undefined : await this.#tastes.get(listenerId);
    const found = similar(await this.#model.current(), trackId, page, known);
    const [begins] = found.edges;
    if (listenerId !== undefined && begins) {
      const positions = found.edges.map(({ node }) => servedPositionOf(node));
      const { requestId: id, modelVersion } = found;
      this.#served.log({ id, listenerId, modelVersion, firstRank: begins.node.rank, positions });
    }
    return found;
  }

  async onboarding(listenerId: number): Promise<OnboardingQuestions> {
    const serving = await this.#model.current();
    return onboardingQuestions(serving, await this.#tastes.get(listenerId));
  }

  async versionsOf(trackId: number): Promise<number[]> {
    return otherRecordingsOf((await this.#model.current()).snapshot, trackId);
  }

  live(listenerId: number, query: RecommendationQuery, first: number, signal?: AbortSignal) {
    return live(this.#liveOptions(listenerId, query, first), signal);
  }

  changes(listenerId: number, query: RecommendationQuery, first: number, signal?: AbortSignal) {
    return listChanges(this.#liveOptions(listenerId, query, first), signal);
  }

  /** @throws InvalidInputError */
  #liveOptions(listenerId: number, query: RecommendationQuery, first: number): LiveOptions {
    checkFirst(first);
    checkQuery(query);
    const follow = this.#lists.follow(listenerId, query, first);
    const look = async (): Promise<FirstPage> => {
      const list = await follow();
      if (await this.#tastes.has(listenerId)) return list;
      throw noSuchListener();
    };
    const keys = { listener: listenerKey(listenerId), serving: servingWakeup };
    return { wakeups: this.#wakeups, sleep: this.#sleep, keys, look };
  }

  async upToDate(): Promise<void> {
    await this.#model.upToDate();
  }

  analytics(query: AnalyticsQuery, signal?: AbortSignal): Promise<Analytics> {
    return readAnalytics(this.#database, this.#clock, query, signal);
  }

  async offPolicy(modelVersion: string, signal?: AbortSignal): Promise<OffPolicyEstimate | null> {
    const serving = await this.#model.of(checkText(modelVersion, 'modelVersion', { max: 200 }));
    if (serving.neighbours.version !== modelVersion) return null;
    return estimateOffPolicy(this.#database, serving, await this.#model.learnedUntil(modelVersion), signal);
  }

  async evaluations(first: number): Promise<RecommenderEvaluation[]> {
    return selectEvaluations(this.#database.db, checkFirst(first));
  }

  async train(options?: TrainerOptions): Promise<string> {
    const version = await this.#model.train(options);
    await this.#measurements.measure();
    return version;
  }

  async versions(first: number): Promise<ModelVersion[]> {
    return this.#model.versions(checkFirst(first));
  }

  async activate(version: string): Promise<ModelVersion> {
    return this.#model.activate(checkText(version, 'modelVersion', { max: 200 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tastes[Symbol.asyncDispose]();
    await this.#measurements[Symbol.asyncDispose]();
    await this.#model[Symbol.asyncDispose]();
    await this.#served[Symbol.asyncDispose]();
  }
}
