import { AuditLog, createApiKeys, removalsOf, Retention, TrustedDocuments, UsageMeter } from './access/access.ts';
import { createAssists } from './assist/assist.ts';
import type { StartFacts } from './banner.ts';
import { type Catalogue, createCatalogue } from './catalogue/catalogue.ts';
import type { Config } from './config.ts';
import type { Database } from './db/client.ts';
import { countUnowned } from './db/drafts/draft-queue.ts';
import { openDatabase } from './db/open.ts';
import { createRateStore } from './db/queries/rate-limits.ts';
import { answersWithin, selectServerFacts } from './db/queries/server-queries.ts';
import { openWakeups } from './db/wakeups.ts';
import { createDocuments } from './documents/documents.ts';
import { type AroundAppend, createDrafts, joinNodes, openLogStore } from './drafts/drafts.ts';
import { refuseDemo, seedDemo } from './ingest/ingest.ts';
import { createLanguage } from './language/language.ts';
import { acquiring, type Disposal } from './lib/async/disposal.ts';
import { repeat } from './lib/async/schedule.ts';
import type { Wakeups } from './lib/async/wakeups.ts';
import { systemClock } from './lib/clock.ts';
import { maskPassword } from './lib/database-url.ts';
import type { Logger } from './lib/log.ts';
import { openTracing } from './lib/tracing/otlp.ts';
import type { Tracing } from './lib/tracing/tracing.ts';
import { createListeners } from './listeners/listeners.ts';
import { VisitorTokens } from './listeners/listeners.ts';
import { createEngine, createRemoteEngine, DEMONSTRATION, type Engine, type Model } from './ml/engine.ts';
import { createRecommender } from './recommend/recommender.ts';
import { createReports } from './report/report.ts';
import type { Services } from './resolvers/context.ts';
import { TuneLinks } from './resolvers/drafts/tune-links.ts';
import { TextScoring } from './resolvers/language/scoring.ts';
import type { Readiness } from './transport/health.ts';
import { GenerationMetrics } from './transport/measures/generation-metrics.ts';
import { tracedEngine } from './transport/measures/generation-traces.ts';
import { LogMetrics } from './transport/measures/log-metrics.ts';
import type { NodeState } from './transport/measures/metrics.ts';
import { listen } from './transport/server.ts';
import { createTuneRenderer } from './tunes/rendering.ts';
import { loadVerseWords } from './verse/verse.ts';

/** The whole server, running. Disposing it drains it and releases everything in reverse order ([START2]). */
export interface App extends AsyncDisposable {
  readonly facts: StartFacts;
  /** Sets the reason that readers get when their streams end. Call it before disposing. */
  endFor(reason: string): void;
  /** Uses its authentication and limits from now on. */
  reload(config: Config): void;
}

/** Time that running requests have to finish at shutdown. */
const DRAIN_MS = 10_000;

const UNSEALED = 'What people write is stored as it is: set CADENZA_MASTER_KEY to encrypt it (docs/privacy.md)';

/**
 * Builds each service on the previous ones, then listens.
 * @throws StartupError after releasing what was built ([START4])
 */
export function createApp(config: Config, log: Logger, signal: AbortSignal): Promise<App> {
  return acquiring(async (disposal) => {
    const tracing = config.tracing && disposal.use(openTracing(config.tracing, log)).tracing;
    const database = disposal.use(await openDatabase(config, log, { signal, tracing }));
    if (config.databaseUrl !== null && !config.masterKey) log.warn(UNSEALED);
    if (config.production) await refuseDemo(database);
    if (config.demo) await seedDemo({ database, clock: systemClock, log });
    const [generations, appends] = [new GenerationMetrics(), new LogMetrics()];
    const measured = { generations, appends, tracing };
    const { services, logsAnswer } = await createServices(disposal, { database, config, log, measured });
    const readiness = () => readinessOf(database, services.engine, logsAnswer);
    // An embedded database has one node, which counts by itself.
    const rateStore = config.databaseUrl === null ? null : createRateStore(database);
    const state: NodeState = {
      recommender: () => services.recommender.state(),
      connections: () => database.openConnections(),
      mostConnections: config.databaseConnections,
      waitingDrafts: () => countUnowned(database).catch(() => null),
      measures: [generations, appends],
    };
    const listening = await listen({ config, services, readiness, log, rateStore, state, tracing });
    let reason = 'the server is stopping';
    disposal.defer(() => listening.close(reason, DRAIN_MS));
    services.drafts.recover();
    services.assists.recover();
    return {
      facts: {
        url: listening.url,
        database: await describeDatabase(config, database),
        catalogue: await describeCatalogue(services.catalogue),
        writer: describeWriter(services.engine.defaultModel('TEXT_GENERATION')),
        viewer: describeViewer(config),
        studio: config.studio,
      },
      endFor: (why) => {
        reason = why;
      },
      reload: (changed) => listening.reload(changed),
      [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose](),
    };
  });
}

interface Building {
  database: Database;
  config: Config;
  log: Logger;
  measured: { generations: GenerationMetrics; appends: LogMetrics; tracing: Tracing | null };
}

async function createServices(disposal: Disposal, { database, config, log, measured }: Building) {
  const clock = systemClock;
  const wakeups = disposal.use(await openWakeups(database, log));
  const catalogue = createCatalogue({ database, wakeups, clock });
  const listeners = createListeners({ database, wakeups, clock });
  disposal.use(keepPopularityFresh(catalogue, log));
  const { engine: bare, node } = await createWriting(disposal, { database, wakeups, config, log });
  const engine = tracedEngine(measured.generations.measured(bare), measured.tracing);
  const { exploration } = config;
  const listDays = config.retention.lists;
  const parts = { database, catalogue, listeners, wakeups, clock, log };
  const recommender = disposal.use(await createRecommender({ ...parts, exploration, listDays, vectors: engine }));
  const language = disposal.use(
    createLanguage({
      vectors: engine,
      translation: engine,
      encoder: () => engine.defaultModel('EMBEDDING'),
      dataDir: config.dataDir,
    }),
  );
  const backlog = config.role === 'api' ? { queue: config.queue } : null;
  const {
    store,
    answersWithin: logsAnswer,
    release,
  } = await openLogStore({ database, config: config.draftLog, wakeups });
  disposal.defer(release);
  const aroundAppend = tracedAppends(measured.tracing, (events, append) => measured.appends.around(events, append));
  const usage = disposal.use(new UsageMeter({ database, wakeups, clock, log }));
  disposal.use(usage.keep());
  const drafting = {
    database,
    engine,
    wakeups,
    clock,
    log,
    backlog,
    store,
    aroundAppend,
    usage,
    ...(node && { node }),
  };
  const mostAtOnce = { listener: config.draftsAtOnce, visitor: config.visitorDraftsAtOnce };
  const drafts = disposal.use(
    createDrafts({
      ...drafting,
      mostAtOnce,
      keepsAlternatives: config.keepsAlternatives,
    }),
  );
  const documents = disposal.use(createDocuments({ database, wakeups, clock, log }));
  const assists = disposal.use(createAssists({ database, documents, drafts, listeners, engine, wakeups, clock, log }));
  const reports = disposal.use(createReports());
  disposal.defer(readVerseWordsWith(engine, log));
  const renderer = disposal.use(createTuneRenderer());
  const links = new TuneLinks(linkSecret(config), clock);
  const visitors = config.visitors && new VisitorTokens(config.visitors, clock);
  const tunes = { renderer, links };
  const keys = disposal.use(createApiKeys({ database, listeners, wakeups, clock }));
  const audit = new AuditLog(database);
  const { retention: days } = config;
  const removals = removalsOf(database, drafts, audit, days.audit);
  disposal.use(new Retention({ database, clock, log, days, removals }).keep());
  const trusted = disposal.use(await TrustedDocuments.open({ database, wakeups, log }));
  const scoring = new TextScoring({ engine, meter: usage, mostAtOnce });
  const domain = { catalogue, listeners, recommender, drafts, documents, assists, engine, reports, language, scoring };
  const services: Services = { ...domain, tunes, visitors, keys, audit, usage, trusted };
  return { services, logsAnswer };
}

/** Appends of texts that nobody asked this node for, as after a crash, have no trace to be in. */
const tracedAppends =
  (tracing: Tracing | null, around: AroundAppend): AroundAppend =>
  (events, append) => {
    const measured = () => around(events, append);
    if (!tracing?.isForRequest()) return measured();
    return tracing.around({ name: 'append', attributes: { 'cadenza.events': events } }, measured);
  };

interface Surroundings {
  database: Database;
  wakeups: Wakeups;
  config: Config;
  log: Logger;
}

/**
 * Creates the engine, and this process's identity among the nodes on the database. An embedded database is not shared
 * ([OWN4]).
 */
async function createWriting(disposal: Disposal, { database, wakeups, config, log }: Surroundings) {
  const join = async (models: () => readonly Model[]) =>
    config.databaseUrl === null ? null : disposal.use(await joinNodes({ database, wakeups, log, models }));
  if (config.role === 'api') {
    const node = await join(() => []);
    return { engine: createRemoteEngine(() => node?.models() ?? []), node };
  }
  const engine = disposal.use(createEngine(engineOptions(config, log)));
  return { engine, node: await join(() => withForecasts(engine)) };
}

/** What other nodes need to know about an engine to compute `retryAfterMs`. */
function withForecasts(engine: Engine): readonly Model[] {
  const forecasts = new Map(engine.load().map(({ modelId, forecast }) => [modelId, forecast]));
  return engine.models().map((model) => {
    const forecast = forecasts.get(model.id);
    return forecast ? { ...model, forecast } : model;
  });
}

/** As soon as there is a model that writes texts, so that the first verse does not wait for the words ([FORM11]). */
function readVerseWordsWith(engine: Engine, log: Logger): () => void {
  const closing = new AbortController();
  const read = async ({ id }: Model): Promise<void> => {
    await engine.whenReady(id, closing.signal);
    await loadVerseWords();
    log.debug('the words of verse are ready');
  };
  const model = engine.defaultModel('TEXT_GENERATION');
  // Whoever asks for a verse is told, and tries again.
  if (model) read(model).catch(() => undefined);
  return () => closing.abort();
}

const POPULARITY_PERIOD_MS = 10 * 60_000;

function keepPopularityFresh(catalogue: Catalogue, log: Logger): AsyncDisposable {
  const report = (error: unknown): void =>
    log.warn({ err: error }, 'Popularity could not be refreshed; will retry later');
  return repeat(POPULARITY_PERIOD_MS, () => catalogue.refreshPopularity(POPULARITY_PERIOD_MS), report);
}

function engineOptions(config: Config, log: Logger) {
  const { dataDir, modelsFile, device, kernels, threads, slots, queue, modelMemoryMb, modelIdleMinutes } = config;
  return {
    dataDir,
    catalogueFile: modelsFile,
    device,
    kernels,
    threads,
    slots,
    queue,
    ...(modelMemoryMb !== null && { memoryBytes: modelMemoryMb * 2 ** 20 }),
    sleepAfterMs: modelIdleMinutes * 60_000,
    network: config.network,
    fetch: config.fetchModels ? 'auto' : 'off',
    log,
  } as const;
}

const READINESS_TIMEOUT_MS = 1_000;

async function readinessOf(database: Database, engine: Engine, logsAnswer: LogsAnswer): Promise<Readiness> {
  const [isUp, areLogsUp] = await Promise.all([
    answersWithin(database, READINESS_TIMEOUT_MS),
    logsAnswer?.(READINESS_TIMEOUT_MS),
  ]);
  return {
    ready: isUp,
    database: isUp ? 'up' : 'down',
    ...(areLogsUp !== undefined && { nats: areLogsUp ? 'up' : 'down' }),
    writer: engine.defaultModel('TEXT_GENERATION')?.status ?? 'NONE',
  };
}

type LogsAnswer = Awaited<ReturnType<typeof openLogStore>>['answersWithin'];

async function describeDatabase(config: Config, database: Database): Promise<string> {
  const version = `PostgreSQL ${(await selectServerFacts(database.sql)).text}`;
  return config.databaseUrl
    ? `${version} at ${maskPassword(config.databaseUrl)}`
    : `${version} in ${config.dataDir}/postgres`;
}

async function describeCatalogue(catalogue: Catalogue): Promise<string> {
  const tracks = await catalogue.searchTracks({ first: 1, orderBy: 'POPULARITY' });
  const [count, genres] = await Promise.all([tracks.total(), catalogue.genres()]);
  return count === 0
    ? 'empty; add tracks and feedback with npm run import'
    : `${count} tracks, ${genres.length} genres`;
}

function describeWriter(model: Model | null): string {
  if (!model) return 'no model writes texts';
  const better = model.id === DEMONSTRATION ? '; a demonstration: "npm run models -- suggest" lists better ones' : '';
  // COMPILING also while a model that was compiled before is opened.
  const status = model.status === 'COMPILING' ? 'being made ready' : model.status.toLowerCase();
  return `${model.name}: ${status}${better}`;
}

function describeViewer({ auth }: Config): string {
  if (auth) return 'the subject of each request’s JSON Web Token';
  return 'the demo listener, or the one in the header X-Listener-Id (no authentication is configured)';
}

/** What signs links to tunes: with it they are valid at every node that shares the tokens' secret. */
function linkSecret({ auth }: Config): string | null {
  return auth?.kind === 'secret' ? auth.secret : null;
}
