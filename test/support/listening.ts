import { onTestFinished } from 'vitest';
import { AuditLog, createApiKeys, TrustedDocuments, UsageMeter } from '../../src/access/access.ts';
import { createAssists } from '../../src/assist/assist.ts';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import {
  type Config,
  type ConnectionLimits,
  type CostLimits,
  loadConfig,
  type RateConfig,
  type VisitorConfig,
} from '../../src/config.ts';
import type { Database } from '../../src/db/client.ts';
import type { RateStore } from '../../src/db/queries/rate-limits.ts';
import { createDocuments } from '../../src/documents/documents.ts';
import { createDrafts } from '../../src/drafts/drafts.ts';
import { createLanguage, type Language } from '../../src/language/language.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/log.ts';
import type { Tracing } from '../../src/lib/tracing/tracing.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { VisitorTokens } from '../../src/listeners/listeners.ts';
import { createRemoteEngine } from '../../src/ml/engine.ts';
import { createRecommender } from '../../src/recommend/recommender.ts';
import { createReports } from '../../src/report/report.ts';
import type { Services } from '../../src/resolvers/context.ts';
import { TuneLinks } from '../../src/resolvers/drafts/tune-links.ts';
import { TextScoring } from '../../src/resolvers/language/scoring.ts';
import type { CompilingLimits } from '../../src/transport/documents/compiled-queries.ts';
import { listen, type Listening } from '../../src/transport/server.ts';
import { createTuneRenderer } from '../../src/tunes/rendering.ts';
import { ScriptedEngine } from './models/scripted-engine.ts';
import { testDatabase } from './postgres/database.ts';

export interface ListeningOptions {
  database?: Database;
  engine?: ScriptedEngine;
  config?: Partial<
    Pick<Config, 'auth' | 'corsOrigins' | 'port' | 'documents' | 'graphiql' | 'takesGet' | 'introspection' | 'studio'>
  >;
  log?: Logger;
  /** Nothing is traced unless told. */
  tracing?: Tracing;
  /** Without it, services on texts have no model. */
  language?: Language;
  limits?: Partial<ConnectionLimits>;
  /** There are no visitors unless told. */
  visitors?: VisitorConfig | null;
  /** There are none unless told. */
  rates?: Partial<RateConfig>;
  rateStore?: RateStore;
  /** What differs from the defaults. */
  cost?: Partial<CostLimits>;
  initMs?: number;
  compiling?: CompilingLimits;
  /**
   * Is given the functions that end the server and its parts, to be called in reverse order. Unless told, they are called
   * at the end of the running test. A server that outlives a test needs a `database` that does.
   */
  onEnd?: (end: () => PromiseLike<void>) => void;
}

export interface TestListening extends Listening {
  services: Services;
  engine: ScriptedEngine;
  database: Database;
  /** Whoever waits for something is one of its watchers. */
  wakeups: LocalWakeups;
  wsUrl: string;
  graphqlUrl: string;
}

export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: string[]; extensions?: Record<string, unknown> }[];
  extensions?: Record<string, unknown>;
}

/** The whole server but for the writer, in this process, on real sockets and a real database. */
export async function startListening(options: ListeningOptions = {}): Promise<TestListening> {
  const { engine = new ScriptedEngine(), log = silentLogger, initMs, onEnd = onTestFinished } = options;
  const database = options.database ?? (await testDatabase());
  const wakeups = new LocalWakeups();
  const visitors = options.visitors ? new VisitorTokens(options.visitors, systemClock) : null;
  const services = {
    ...(await createServices({ ...{ database, engine, wakeups, log, onEnd }, given: options.language })),
    visitors,
  };
  const limits = {
    messageBytes: 1 << 20,
    documentBytes: 1 << 14,
    operations: 100,
    bufferBytes: 16_384,
    operationMs: 30_000,
    heartbeatMs: 15_000,
    ...options.limits,
  };
  const cost = { ...loadConfig({}).cost, ...options.cost };
  const config = {
    port: 0,
    host: '127.0.0.1',
    auth: null,
    corsOrigins: [],
    limits,
    cost,
    rates: { ...unlimited, ...options.rates },
    ...options.config,
  };
  const readiness = () => Promise.resolve({ ready: true, database: 'up' as const, writer: 'READY' });
  const listening = await listen({
    ...{ config, services, readiness, log, rateStore: options.rateStore ?? null },
    ...(initMs !== undefined && { initMs }),
    ...(options.tracing && { tracing: options.tracing }),
    compiling: options.compiling,
  });
  onEnd(async () => {
    await listening.close('the test is over', 200);
    await services.drafts[Symbol.asyncDispose]();
    await services.recommender[Symbol.asyncDispose]();
  });
  const graphqlUrl = `${listening.url}/graphql`;
  return { ...listening, services, engine, database, wakeups, graphqlUrl, wsUrl: graphqlUrl.replace('http', 'ws') };
}

export const unlimited: RateConfig = {
  ...{ requests: null, mutations: null, feedback: null, address: null, failures: null, visitors: null },
  ...{ socketsPerListener: null, socketsPerAddress: null, trustedProxies: [] },
};

interface Parts extends Required<Pick<ListeningOptions, 'database' | 'engine' | 'log' | 'onEnd'>> {
  wakeups: LocalWakeups;
  given: Language | undefined;
}

async function createServices(parts: Parts): Promise<Omit<Services, 'visitors'>> {
  const { database, engine, wakeups, log, onEnd, given } = parts;
  const clock = systemClock;
  const catalogue = createCatalogue({ database, wakeups, clock });
  const listeners = createListeners({ database, wakeups, clock });
  const recommender = await createRecommender({ database, catalogue, listeners, wakeups, clock, log });
  // Counts are noted when the test says so, or at its end.
  const usage = new UsageMeter({ database, wakeups, clock, log });
  onEnd(() => usage[Symbol.asyncDispose]());
  const drafts = createDrafts({ database, engine, wakeups, clock, log, usage });
  const documents = createDocuments({ database, wakeups, clock, log });
  onEnd(() => documents[Symbol.asyncDispose]());
  const assists = createAssists({ database, documents, drafts, listeners, engine, wakeups, clock, log });
  onEnd(() => assists[Symbol.asyncDispose]());
  assists.recover();
  const reports = createReports();
  onEnd(() => reports[Symbol.asyncDispose]());
  const renderer = createTuneRenderer();
  onEnd(() => renderer[Symbol.asyncDispose]());
  const tunes = { renderer, links: new TuneLinks(null, clock) };
  const language =
    given ??
    createLanguage({
      vectors: createRemoteEngine(() => []),
      translation: createRemoteEngine(() => []),
      encoder: () => null,
      dataDir: 'nowhere',
    });
  onEnd(() => language[Symbol.asyncDispose]());
  const trusted = await TrustedDocuments.open({ database, wakeups, log });
  onEnd(() => trusted[Symbol.asyncDispose]());
  const keys = createApiKeys({ database, listeners, wakeups, clock });
  onEnd(() => keys[Symbol.asyncDispose]());
  return {
    catalogue,
    listeners,
    recommender,
    drafts,
    documents,
    assists,
    engine,
    reports,
    language,
    scoring: new TextScoring({ engine, meter: usage, mostAtOnce: { listener: 2, visitor: 1 } }),
    tunes,
    keys,
    audit: new AuditLog(database),
    usage,
    trusted,
  };
}

/** One operation over HTTP; anything but a GraphQL answer fails. */
export async function ask(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}
