import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Config } from './config/contract.ts';
import {
  contradictions,
  type EnvironmentVariables,
  fieldProblem,
  report,
  reportUnsafe,
  unknownVariables,
} from './config/problems.ts';
import { unsafeForProduction } from './config/production.ts';
import { proxyVariables, uselessProxies, withProxies } from './config/proxies.ts';
import {
  authOf,
  costOf,
  draftLogOf,
  draftsAtOnce,
  isOn,
  limitsOf,
  masterKeyOf,
  networkOf,
  ratesOf,
  retentionOf,
  tracingOf,
  visitorDraftsAtOnce,
  visitorsOf,
} from './config/sections.ts';
import { configVariables, environment } from './config/variables.ts';
import { StartupError } from './lib/errors.ts';

export type {
  AuthConfig,
  Config,
  ConnectionLimits,
  CostLimits,
  DraftLogConfig,
  KeptDays,
  MasterKeyConfig,
  RateConfig,
  VisitorConfig,
} from './config/contract.ts';

/** Reads the whole configuration. @throws StartupError that lists every invalid variable, its problem and an example ([CONF1]) */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = readVariables(env);
  const parsed = environment.safeParse(given);
  const problems = [...(parsed.error?.issues.map(fieldProblem) ?? []), ...contradictions(given)];
  if (!parsed.success || problems.length > 0) throw new StartupError(report(problems, given));
  const values = parsed.data;
  const unsafe = values.CADENZA_PRODUCTION === 'on' ? unsafeForProduction(given) : [];
  if (unsafe.length > 0) throw new StartupError(reportUnsafe(unsafe));
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    databaseUrl: values.DATABASE_URL ?? null,
    databaseSchema: values.CADENZA_SCHEMA,
    databaseConnections: values.CADENZA_DATABASE_CONNECTIONS,
    masterKey: masterKeyOf(values),
    dataDir: resolve(values.CADENZA_DATA_DIR),
    production: values.CADENZA_PRODUCTION === 'on',
    demo: (values.CADENZA_DEMO ?? (values.CADENZA_PRODUCTION === 'on' ? 'off' : 'auto')) === 'auto',
    logLevel: values.CADENZA_LOG_LEVEL,
    logFormat: values.CADENZA_LOG_FORMAT,
    auth: authOf(values),
    tracing: tracingOf(values),
    visitors: visitorsOf(values),
    corsOrigins: Object.freeze(values.CADENZA_CORS_ORIGINS),
    graphiql: isOn(values.CADENZA_GRAPHIQL, values),
    takesGet: isOn(values.CADENZA_GET, values),
    introspection: isOn(values.CADENZA_INTROSPECTION, values),
    documents: values.CADENZA_DOCUMENTS,
    studio: values.CADENZA_STUDIO === 'on',
    limits: limitsOf(values),
    rates: ratesOf(values),
    cost: costOf(values),
    modelsFile: values.CADENZA_MODELS === undefined ? null : resolve(values.CADENZA_MODELS),
    pricesFile: values.CADENZA_PRICES === undefined ? null : resolve(values.CADENZA_PRICES),
    fetchModels: values.CADENZA_FETCH_MODELS === 'auto',
    network: networkOf(values),
    device: values.CADENZA_DEVICE,
    kernels: values.CADENZA_KERNELS,
    threads: values.CADENZA_THREADS ?? availableParallelism(),
    slots: values.CADENZA_SLOTS,
    queue: values.CADENZA_QUEUE,
    draftsAtOnce: draftsAtOnce(values),
    visitorDraftsAtOnce: visitorDraftsAtOnce(values),
    exploration: values.CADENZA_EXPLORATION,
    role: values.CADENZA_ROLE,
    draftLog: draftLogOf(values),
    keepsAlternatives: values.CADENZA_ALTERNATIVES === 'on',
    consentUnlessSaid: values.CADENZA_CONSENT,
    retention: retentionOf(values),
    modelMemoryMb: values.CADENZA_MODEL_MEMORY_MB ?? null,
    modelIdleMinutes: values.CADENZA_MODEL_IDLE_MINUTES,
    warnings: Object.freeze([...unknownVariables(given), ...uselessProxies(given)]),
  });
}

/**
 * The environment, with what the file of CADENZA_ENV_FILE says instead of it or besides it. Empty values are none.
 * @throws StartupError if the file cannot be read
 */
export function readVariables(env: NodeJS.ProcessEnv = process.env): EnvironmentVariables {
  const stated = Object.entries({ ...env, ...fileOf(env.CADENZA_ENV_FILE) });
  return withProxies(Object.fromEntries(stated.filter(([, value]) => value !== '')));
}

function fileOf(path: string | undefined): EnvironmentVariables {
  if (!path) return {};
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new StartupError(`Cadenza cannot read ${path}, which CADENZA_ENV_FILE names (${code}).`);
  }
}

/** The environment for child processes: everything except our secrets. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const secrets = new Set(configVariables.filter(({ secret }) => secret).map(({ name }) => name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name.toUpperCase())));
}

/** The environment for child processes that fetch files. It includes the proxies, whose URLs may contain a password. */
export function fetchingEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const proxies = Object.entries(env).filter(([name]) => proxyVariables.includes(name.toUpperCase()));
  return { ...childEnvironment(env), ...Object.fromEntries(proxies) };
}
