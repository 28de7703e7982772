import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { selectEvaluations } from '../db/recommend/recommend-queries.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import { type Clock, type Sleep, systemSleep } from '../lib/clock.ts';
import { InvalidInputError, ModelUnavailableError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, type Page, type PageArgs } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { listenerKey, type Listeners, noSuchListener } from '../listeners/listeners.ts';
import type { TextVectors } from '../ml/engine.ts';
import type {
  AskedBy,
  GroupRecommendation,
  GroupRequest,
  MeaningSearch,
  ModelVersion,
  OnboardingQuestions,
  RecommendationPage,
  RecommendationQuery,
  Recommender,
  RecommenderEvaluation,
  TrackExplanation,
  TrainerOptions,
} from './contract.ts';
import { explainTrack } from './explain/track-explanation.ts';
import { groupList, type GroupMember } from './lists/group-list.ts';
import { checkGenres, ListCache } from './lists/list-cache.ts';
import { laterPage, resume, servedPositionOf } from './lists/list-pages.ts';
import { checkGroup, checkQuery } from './lists/list-query.ts';
import { listChanges, live, type LiveOptions } from './lists/live-list.ts';
import { onboardingQuestions } from './lists/onboarding.ts';
import type { FirstPage } from './lists/opened-list.ts';
import { nextPart, playedUntil } from './lists/radio.ts';
import { ServedLists } from './lists/served-lists.ts';
import { similar } from './lists/similar.ts';
import { Meanings } from './meaning/meanings.ts';
import { NameVectors } from './meaning/name-vectors.ts';
import { TracksByMeaning } from './meaning/tracks-by-meaning.ts';
import { readAnalytics, readBreakdown, readCoverage } from './measure/analytics.ts';
import type {
  Analytics,
  AnalyticsAxis,
  AnalyticsPeriod,
  AnalyticsQuery,
  ExportKind,
  OffPolicyEstimate,
} from './measure/contract.ts';
import { exportRows } from './measure/exports.ts';
import { estimateOffPolicy } from './measure/off-policy.ts';
import { periodOf } from './measure/period.ts';
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
  /** Computes what texts mean. Without it they count by their words alone. */
  vectors?: TextVectors;
  /** Probability that a position is filled at random ([EXPLORE1]). */
  exploration?: number;
  /** For how many days served lists are kept; 90 unless told. */
  listDays?: number;
  /** False if training is only started explicitly, as in commands. */
  trainsByItself?: boolean;
  /** How often what there is to train on is looked at where no feedback arrives. */
  looksEveryMs?: number;
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
  readonly #byMeaning: TracksByMeaning | null;
  readonly #listDays: number;

  constructor(options: RecommenderOptions, model: ModelState) {
    const { database, listeners, wakeups, clock, sleep = systemSleep, log, exploration = 0, vectors } = options;
    const load = (listenerId: number, known: LoadedTaste | null) => loadTaste(database, listeners, listenerId, known);
    this.#database = database;
    this.#listDays = options.listDays ?? 90;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#sleep = sleep;
    this.#model = model;
    this.#tastes = new TasteCache(wakeups, load);
    this.#served = new ServedLists(database, clock, log);
    const names = vectors ? new NameVectors(vectors) : null;
    const meanings = names && new Meanings(names);
    this.#byMeaning = names && new TracksByMeaning(names);
    this.#lists = new ListCache({ tastes: this.#tastes, model, served: this.#served, clock, exploration, meanings });
    this.#measurements = new ServedMeasurements({
      ...{ database, wakeups, log },
      current: () => model.upToDate(),
      load: async (listenerId) => (await load(listenerId, null)).taste,
    });
  }

  async recommend(
    listenerId: number,
    query: RecommendationQuery,
    page: PageArgs,
    { isStaff = false }: AskedBy = {},
  ): Promise<RecommendationPage> {
    const first = checkFirst(page.first);
    checkQuery(query);
    if (page.after == null) return this.#lists.begin(listenerId, query, first, isStaff);
    const [list, position] = await resume(this.#served, page.after, listenerId, query);
    return laterPage(this.#served, await this.#model.of(list.modelVersion), list, position, first);
  }

  async radio(
    listenerId: number,
    query: RecommendationQuery,
    page: PageArgs,
    { isStaff = false }: AskedBy = {},
  ): Promise<RecommendationPage> {
    const first = checkFirst(page.first);
    checkQuery(query);
    const played = page.after == null ? [] : await playedUntil(this.#served, page.after, listenerId);
    return nextPart(played, first, async (without) => {
      const { page: part, sent } = await this.#lists.unkept(listenerId, query, first, without);
      return { page: part, sent: () => sent(isStaff) };
    });
  }

  async forGroup(group: GroupRequest, first: number): Promise<GroupRecommendation[]> {
    checkFirst(first);
    checkGroup(group);
    const { listenerIds, strategy, filter = null, includeHeard = false } = group;
    const members = await Promise.all(listenerIds.map((listenerId, i) => this.#memberOf(listenerId, i)));
    const serving = await this.#model.current();
    checkGenres({ filter }, serving);
    return groupList(serving, members, { strategy, filter, includeHeard, first });
  }

  async #memberOf(listenerId: number, i: number): Promise<GroupMember> {
    const taste = await this.#tastes.get(listenerId);
    if (await this.#tastes.has(listenerId)) return { listenerId, taste };
    throw new InvalidInputError(`listenerIds.${i} is not a listener`, `listenerIds.${i}`);
  }

  async explain(listenerId: number, trackId: number, query: RecommendationQuery): Promise<TrackExplanation | null> {
    checkQuery(query);
    return explainTrack(await this.#lists.open(listenerId, query), trackId);
  }

  async similar(
    trackId: number,
    page: PageArgs,
    listenerId?: number,
    { isStaff = false }: AskedBy = {},
  ): Promise<RecommendationPage> {
    const known = listenerId === undefined ? undefined : await this.#tastes.get(listenerId);
    const found = similar(await this.#model.current(), trackId, page, known);
    const [begins] = found.edges;
    if (listenerId !== undefined && begins && !isStaff) {
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

  async tracksByMeaning(search: MeaningSearch): Promise<Page<number>> {
    if (!this.#byMeaning) throw new ModelUnavailableError('There is no model that reads meanings');
    return this.#byMeaning.search(search, (await this.#model.current()).snapshot);
  }

  async versionsOf(trackId: number): Promise<number[]> {
    return otherRecordingsOf((await this.#model.current()).snapshot, trackId);
  }

  live(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    signal?: AbortSignal,
    { isStaff = false }: AskedBy = {},
  ) {
    return live(this.#liveOptions(listenerId, query, first), isStaff, signal);
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
    return readAnalytics({ database: this.#database, clock: this.#clock, listDays: this.#listDays }, query, signal);
  }

  breakdown(period: AnalyticsPeriod, axes: readonly AnalyticsAxis[], first: number, signal?: AbortSignal) {
    return readBreakdown(this.#database, period, axes, first, signal);
  }

  coverage(period: AnalyticsPeriod, signal?: AbortSignal) {
    return readCoverage(this.#database, period, signal);
  }

  export(kind: ExportKind, query: Omit<AnalyticsQuery, 'modelVersion'>, signal: AbortSignal) {
    return exportRows(this.#database, kind, periodOf(query, this.#clock), signal);
  }

  async offPolicy(modelVersion: string, signal?: AbortSignal): Promise<OffPolicyEstimate | null> {
    const version = await this.#model.of(checkText(modelVersion, 'modelVersion', { max: 200 }));
    if (version.neighbours.version !== modelVersion) return null;
    const servedAfter = await this.#model.learnedUntil(modelVersion);
    const versionOf = (name: string) => this.#model.of(name);
    return estimateOffPolicy(this.#database, { version, servedAfter, versionOf, signal });
  }

  async evaluations(first: number): Promise<RecommenderEvaluation[]> {
    return selectEvaluations(this.#database.db, checkFirst(first));
  }

  async train(options?: TrainerOptions): Promise<string> {
    const version = await this.#model.train(options);
    await this.#measurements.measure();
    return version;
  }

  state(): { version: string; isTraining: boolean } {
    return this.#model.state();
  }

  async versions(first: number): Promise<ModelVersion[]> {
    return this.#model.versions(checkFirst(first));
  }

  async activate(version: string, byListenerId?: number): Promise<ModelVersion> {
    return this.#model.activate(checkText(version, 'modelVersion', { max: 200 }), byListenerId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tastes[Symbol.asyncDispose]();
    await this.#measurements[Symbol.asyncDispose]();
    await this.#model[Symbol.asyncDispose]();
    await this.#served[Symbol.asyncDispose]();
  }
}
