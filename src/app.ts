import type { StartFacts } from './banner.ts';
import { type Catalogue, createCatalogue } from './catalogue/catalogue.ts';
import type { Config } from './config.ts';
import type { Database } from './db/client.ts';
import { openDatabase } from './db/open.ts';
import { createRateStore } from './db/queries/rate-limits.ts';
import { answersWithin, selectServerVersion } from './db/queries/server-queries.ts';
import { openWakeups } from './db/wakeups.ts';
import { createDrafts, type Drafts, joinNodes, openLogStore } from './drafts/drafts.ts';
import { seedDemo } from './ingest/ingest.ts';
import { acquiring, type Disposal } from './lib/async/disposal.ts';
import { repeat } from './lib/async/schedule.ts';
import type { Wakeups } from './lib/async/wakeups.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { maskPassword } from './lib/database-url.ts';
import type { Logger } from './lib/log.ts';
import { createListeners } from './listeners/listeners.ts';
import { createEngine, createRemoteEngine, type Engine, type Model } from './ml/engine.ts';
import { createRecommender } from './recommend/recommender.ts';
import type { Services } from './resolvers/context.ts';
import { TuneLinks } from './resolvers/tune-links.ts';
import type { Readiness } from './transport/health.ts';
import { listen } from './transport/server.ts';
import { createTuneRenderer } from './tunes/rendering.ts';

/** The whole server, running. Disposing it drains it and releases everything in reverse order ([START2]). */
export interface App extends AsyncDisposable {
  readonly facts: StartFacts;
  /** Sets the reason that readers get when their streams end. Call it before disposing. */
  endFor(reason: string): void;
}

/** Time that running requests have to finish at shutdown. */
const DRAIN_MS = 10_000;

/**
 * Builds each service on the previous ones, then listens.
 * @throws StartupError after releasing what was built ([START4])
 */
export function createApp(config: Config, log: Logger, signal: AbortSignal): Promise<App> {
  return acquiring(async (disposal) => {
    const database = disposal.use(await openDatabase(config, log, { signal }));
    if (config.demo) await seedDemo({ database, clock: systemClock, log });
    const services = await createServices(disposal, database, config, log);
    const readiness = () => readinessOf(database, services.engine);
    // An embedded database has one node, which counts by itself.
    const rateStore = config.databaseUrl === null ? null : createRateStore(database);
    const listening = await listen({ config, services, readiness, log, rateStore });
    let reason = 'the server is stopping';
    disposal.defer(() => listening.close(reason, DRAIN_MS));
    services.drafts.recover();
    return {
      facts: {
        url: listening.url,
        database: await describeDatabase(config, database),
        catalogue: await describeCatalogue(services.catalogue),
        writer: describeWriter(services.engine.defaultModel('TEXT_GENERATION')),
        viewer: describeViewer(config),
      },
      endFor: (why) => {
        reason = why;
      },
      [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose](),
    };
  });
}

async function createServices(disposal: Disposal, database: Database, config: Config, log: Logger): Promise<Services> {
  const clock = systemClock;
  const wakeups = disposal.use(await openWakeups(database, log));
  const catalogue = createCatalogue({ database, wakeups, clock });
  const listeners = createListeners({ database, wakeups, clock });
  disposal.use(keepPopularityFresh(catalogue, log));
  const { exploration } = config;
  const recommender = disposal.use(
    await createRecommender({ database, catalogue, listeners, wakeups, clock, log, exploration }),
  );
  const { engine, node } = await createWriting(disposal, { database, wakeups, config, log });
  const backlog = config.role === 'api' ? { queue: config.queue } : null;
  const { store, release } = await openLogStore({ database, config: config.draftLog, wakeups });
  disposal.defer(release);
  const drafting = { database, engine, wakeups, clock, log, backlog, store, ...(node && { node }) };
  const drafts = disposal.use(createDrafts({ ...drafting, mostAtOnce: config.draftsAtOnce }));
  disposal.use(keepLogsShort(drafts, clock, config, log));
  const renderer = disposal.use(createTuneRenderer());
  const links = new TuneLinks(linkSecret(config), clock);
  return { catalogue, listeners, recommender, drafts, engine, tunes: { renderer, links } };
}

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

const COMPACTION_PERIOD_MS = 10 * 60_000;
/** Number of drafts compacted in one statement. */
const COMPACTED_AT_ONCE = 50;
const DAY_MS = 24 * 3_600_000;

function keepLogsShort(drafts: Drafts, clock: Clock, { logDays }: Config, log: Logger): AsyncDisposable {
  const report = (error: unknown): void =>
    log.warn({ err: error }, 'Old drafts could not be compacted; will retry later');
  const compact = async (): Promise<void> => {
    const before = new Date(clock.now() - logDays * DAY_MS);
    while ((await drafts.compact(before, COMPACTED_AT_ONCE)) === COMPACTED_AT_ONCE);
  };
  return repeat(COMPACTION_PERIOD_MS, compact, report);
}

const POPULARITY_PERIOD_MS = 10 * 60_000;

function keepPopularityFresh(catalogue: Catalogue, log: Logger): AsyncDisposable {
  const report = (error: unknown): void =>
    log.warn({ err: error }, 'Popularity could not be refreshed; will retry later');
  return repeat(POPULARITY_PERIOD_MS, () => catalogue.refreshPopularity(POPULARITY_PERIOD_MS), report);
}

function engineOptions(config: Config, log: Logger) {
  const { dataDir, modelsFile, device, threads, slots, queue, modelMemoryMb, modelIdleMinutes } = config;
  return {
    dataDir,
    catalogueFile: modelsFile,
    device,
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

async function readinessOf(database: Database, engine: Engine): Promise<Readiness> {
  const up = await answersWithin(database, READINESS_TIMEOUT_MS);
  return { ready: up, database: up ? 'up' : 'down', writer: engine.defaultModel('TEXT_GENERATION')?.status ?? 'NONE' };
}

async function describeDatabase(config: Config, database: Database): Promise<string> {
  const version = `PostgreSQL ${(await selectServerVersion(database)).text}`;
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
  return model ? `${model.name}: ${model.status.toLowerCase()}` : 'no model writes texts';
}

function describeViewer({ auth }: Config): string {
  if (auth) return 'the subject of each request’s JSON Web Token';
  return 'the demo listener, or the one in the header X-Listener-Id (no authentication is configured)';
}

/** What signs links to tunes: with it they are valid at every node that shares the tokens' secret. */
function linkSecret({ auth }: Config): string | null {
  return auth?.kind === 'secret' ? auth.secret : null;
}
