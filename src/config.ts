import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import { unsafeForProduction } from './config/production.ts';
import { proxyUrl, proxyVariables, uselessProxies, withProxies } from './config/proxies.ts';
import { isHost, isLoopback, type purposes } from './config/values.ts';
import {
  configVariables,
  type devices,
  type documentModes,
  environment,
  type kernels,
  type roles,
} from './config/variables.ts';
import { StartupError } from './lib/errors.ts';
import type { LogOptions } from './lib/log.ts';
import { nearest } from './lib/text/nearest.ts';
import type { TracingConfig } from './lib/tracing/otlp.ts';

/** How requests are authenticated. `Config.auth` is null if they are not. */
export type AuthConfig = {
  issuer: string | null;
  audience: string | null;
  /** Maximum time until a token's expiry, in hours; 720 by default. */
  maxHours?: number;
} & ({ kind: 'secret'; secret: string } | { kind: 'jwks'; url: string });

/** How visitors' tokens are signed, and for how many hours they are valid. */
export interface VisitorConfig {
  secret: string;
  hours: number;
}

/** Storage of the drafts' logs: the database or NATS JetStream. */
export type DraftLogConfig = { kind: 'postgres' } | { kind: 'nats'; url: string; replicas: number };

/** Where the keys are that wrap the listeners' data keys. All of it is secret. */
export type MasterKeyConfig =
  { kind: 'key'; keys: string } | { kind: 'file'; path: string } | { kind: 'command'; command: string };

/** For how many days each kind of data is kept. Null: until somebody deletes it. */
export interface KeptDays {
  /** Finished drafts since their last change. */
  drafts: number | null;
  /** Events of finished drafts, of which only the text is kept afterwards. */
  logs: number;
  lists: number;
  feedback: number | null;
  usage: number | null;
  audit: number;
}

/** The limits of one connection. */
export interface ConnectionLimits {
  /** Maximum size of a request body or a WebSocket message. */
  messageBytes: number;
  /** Maximum size of a document. */
  documentBytes: number;
  /** Maximum number of concurrent operations on one WebSocket. */
  operations: number;
  /** Maximum amount of unsent data for one reader. */
  bufferBytes: number;
  /** Time limit for a query or mutation. */
  operationMs: number;
  /** Interval between heartbeats. */
  heartbeatMs: number;
}

/** Limits of one listener or address per minute, and on open connections. Null means unlimited. */
export interface RateConfig {
  /** Operations, mutation fields and feedback items per minute of one listener. */
  requests: number | null;
  mutations: number | null;
  feedback: number | null;
  /** Requests and invalid tokens per minute from one address. */
  address: number | null;
  failures: number | null;
  /** New visitors per minute from one address. */
  visitors: number | null;
  socketsPerListener: number | null;
  socketsPerAddress: number | null;
  /** Addresses and networks whose `X-Forwarded-For` is trusted. */
  trustedProxies: readonly string[];
}

/** The proxies and the hub token for fetching model files. All of it is secret. */
interface NetworkConfig {
  hubToken: string | null;
  /** A mirror of the hub. */
  hubEndpoint: string | null;
  proxies: { http: string | null; https: string | null; except: string } | null;
}

/** Limits on the cost of operations, in units of the schema's `@cost`, and on the size of responses. */
export interface CostLimits {
  /** Maximum cost of one operation. */
  budget: number;
  /** Maximum cost of one operation of an ANALYST or ADMIN. */
  staffBudget: number;
  /** Maximum cost per minute of all operations and events of one connection. */
  socketPerMinute: number;
  /** Maximum size of one response as JSON. */
  resultBytes: number;
}

export interface Config extends Readonly<LogOptions> {
  /** 0 selects any free port. */
  readonly port: number;
  readonly host: string;
  /** Null for the embedded PostgreSQL. It may contain a password: print it with `maskPassword` only. */
  readonly databaseUrl: string | null;
  /** The schema of the tables. */
  readonly databaseSchema: string;
  /** Maximum number of connections to the database, all together. */
  readonly databaseConnections: number;
  /** Null: an embedded database has its key in the data folder, and another stores what people write as it is. */
  readonly masterKey: Readonly<MasterKeyConfig> | null;
  /** Absolute path. */
  readonly dataDir: string;
  /** Whether what is unsafe prevents the start. */
  readonly production: boolean;
  /** Whether the built-in demo is loaded into an empty database. */
  readonly demo: boolean;
  readonly auth: Readonly<AuthConfig> | null;
  /** Null if nothing is traced. */
  readonly tracing: Readonly<TracingConfig> | null;
  /** Null if there are no visitors. */
  readonly visitors: Readonly<VisitorConfig> | null;
  /** Origins of web pages that may call the server in addition to its own. */
  readonly corsOrigins: readonly string[];
  /** Whether the GraphQL path serves GraphiQL to browsers. */
  readonly graphiql: boolean;
  /** Whether operations are taken by GET. */
  readonly takesGet: boolean;
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  /** Which GraphQL documents are executed. */
  readonly documents: (typeof documentModes)[number];
  /** Whether the Studio is served. */
  readonly studio: boolean;
  readonly limits: Readonly<ConnectionLimits>;
  readonly rates: Readonly<RateConfig>;
  readonly cost: Readonly<CostLimits>;
  /** Absolute path of the operator's model catalogue. */
  readonly modelsFile: string | null;
  /** Absolute path of the price table. */
  readonly pricesFile: string | null;
  readonly fetchModels: boolean;
  readonly network: Readonly<NetworkConfig>;
  /** Where models run. */
  readonly device: (typeof devices)[number];
  readonly kernels: (typeof kernels)[number];
  /** Threads of the inference engine. */
  readonly threads: number;
  /** Number of drafts that a model writes at the same time. */
  readonly slots: number;
  /** Number of drafts that may wait for a model. */
  readonly queue: number;
  /** Number of drafts of one listener that may wait or be written at once. */
  readonly draftsAtOnce: number;
  /** The same of one visitor. */
  readonly visitorDraftsAtOnce: number;
  /** Probability that a position of a list is filled at random. */
  readonly exploration: number;
  /** `api` serves clients, `engine` writes drafts, `all` does both. */
  readonly role: (typeof roles)[number];
  /** Storage of the drafts' logs. */
  readonly draftLog: Readonly<DraftLogConfig>;
  /** Whether the alternatives of each token are kept with a draft. */
  readonly keepsAlternatives: boolean;
  /** What the feedback of listeners who have not said may be used for. */
  readonly consentUnlessSaid: Readonly<Record<(typeof purposes)[number], boolean>>;
  /** For how many days each kind of data is kept. */
  readonly retention: Readonly<KeptDays>;
  /** Memory for all loaded models together, in MiB. Null means half of the machine's memory. */
  readonly modelMemoryMb: number | null;
  /** Minutes after which an idle model is unloaded. */
  readonly modelIdleMinutes: number;
  /** Problems that do not prevent the start, for the log. */
  readonly warnings: readonly string[];
}

const PREFIX = 'CADENZA_';

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

const retentionOf = (values: z.infer<typeof environment>): Readonly<KeptDays> =>
  Object.freeze({
    drafts: values.CADENZA_DRAFT_DAYS ?? null,
    logs: values.CADENZA_LOG_DAYS,
    lists: values.CADENZA_LIST_DAYS,
    feedback: values.CADENZA_FEEDBACK_DAYS ?? null,
    usage: values.CADENZA_USAGE_DAYS ?? null,
    audit: values.CADENZA_AUDIT_DAYS,
  });

function tracingOf(values: z.infer<typeof environment>): Readonly<TracingConfig> | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = {} } = values;
  if (endpoint === undefined) return null;
  return { endpoint, headers, serviceName: values.OTEL_SERVICE_NAME, ratio: values.OTEL_TRACES_SAMPLER_ARG };
}

/**
 * The environment, with what the file of CADENZA_ENV_FILE says instead of it or besides it. Empty values are none.
 * @throws StartupError if the file cannot be read
 */
export function readVariables(env: NodeJS.ProcessEnv = process.env): Variables {
  const stated = Object.entries({ ...env, ...fileOf(env.CADENZA_ENV_FILE) });
  return withProxies(Object.fromEntries(stated.filter(([, value]) => value !== '')));
}

function fileOf(path: string | undefined): Variables {
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

type Variables = Record<string, string | undefined>;
interface Problem {
  name: string;
  problem: string;
}

const fieldProblem = ({ path, message }: z.core.$ZodIssue): Problem => ({ name: String(path[0]), problem: message });

/** Problems of variables that are valid by themselves but contradict each other. */
function contradictions(given: Variables): Problem[] {
  const { HOST: host, CADENZA_JWT_SECRET: secret, CADENZA_JWKS_URL: jwks } = given;
  const hasAuth = secret !== undefined || jwks !== undefined;
  const problems: Problem[] = [];
  if (secret !== undefined && jwks !== undefined) {
    problems.push({ name: 'CADENZA_JWKS_URL', problem: 'cannot be set together with CADENZA_JWT_SECRET: choose one' });
  }
  if (host !== undefined && isHost(host) && !isLoopback(host) && !hasAuth) {
    const problem =
      'can be reached from other machines, so it needs CADENZA_JWT_SECRET or CADENZA_JWKS_URL to be set as well';
    problems.push({ name: 'HOST', problem });
  }
  if (given.CADENZA_ROLE !== undefined && given.CADENZA_ROLE !== 'all' && given.DATABASE_URL === undefined) {
    const problem = 'needs DATABASE_URL to be set: an embedded database supports one node only';
    problems.push({ name: 'CADENZA_ROLE', problem });
  }
  const [first, second] = MASTER_KEYS.filter((name) => given[name] !== undefined);
  if (first !== undefined && second !== undefined)
    problems.push({ name: second, problem: `cannot be set together with ${first}: choose one` });
  const { CADENZA_LOG: storage, CADENZA_NATS_URL: nats } = given;
  if (storage === 'nats' && nats === undefined)
    problems.push({ name: 'CADENZA_LOG', problem: 'needs CADENZA_NATS_URL to be set' });
  if (storage !== 'nats' && nats !== undefined)
    problems.push({ name: 'CADENZA_NATS_URL', problem: 'has no effect without CADENZA_LOG=nats' });
  for (const name of ['CADENZA_JWT_ISSUER', 'CADENZA_JWT_AUDIENCE', 'CADENZA_VISITOR_SECRET']) {
    if (given[name] === undefined || hasAuth) continue;
    problems.push({ name, problem: 'has no effect without CADENZA_JWT_SECRET or CADENZA_JWKS_URL' });
  }
  return problems;
}

function report(problems: readonly Problem[], given: Variables): string {
  const lines = problems.map(({ name, problem }) => {
    const variable = configVariables.find((candidate) => candidate.name === name);
    const value = variable?.secret ? '(its value is not shown)' : JSON.stringify(given[name]);
    return `  ${name} ${value} ${problem}. For example: ${name}=${variable?.example ?? ''}`;
  });
  return ['Cadenza cannot start because its configuration is invalid:', ...lines].join('\n');
}

const reportUnsafe = (reasons: readonly string[]): string =>
  ['With CADENZA_PRODUCTION=on Cadenza does not start, because:', ...reasons.map((reason) => `  ${reason}.`)].join(
    '\n',
  );

/** In production what only helps those who explore is off, unless it is asked for by name. */
const isOn = (
  given: 'on' | 'off' | undefined,
  { CADENZA_PRODUCTION: production }: z.output<typeof environment>,
): boolean => (given ?? (production === 'on' ? 'off' : 'on')) === 'on';

function unknownVariables(given: Variables): string[] {
  const ours = (names: readonly string[]) => names.filter((name) => name.startsWith(PREFIX));
  const known = ours(configVariables.map(({ name }) => name)).map((name) => name.slice(PREFIX.length));
  return ours(Object.keys(given)).flatMap((name) => {
    const rest = name.slice(PREFIX.length);
    if (known.includes(rest)) return [];
    const meant = nearest(rest, known);
    return `${name} is set, but Cadenza has no such variable${meant ? `; did you mean ${PREFIX}${meant}?` : ''}`;
  });
}

function networkOf(values: z.output<typeof environment>): Readonly<NetworkConfig> {
  const [http, https] = [proxyUrl(values.HTTP_PROXY), proxyUrl(values.HTTPS_PROXY)];
  const proxies = (http ?? https) ? { http, https, except: values.NO_PROXY ?? '' } : null;
  const hubEndpoint = values.HF_ENDPOINT?.replace(/\/+$/, '') ?? null;
  return Object.freeze({ hubToken: values.HF_TOKEN ?? null, hubEndpoint, proxies: proxies && Object.freeze(proxies) });
}

function limitsOf(values: z.output<typeof environment>): Readonly<ConnectionLimits> {
  return Object.freeze({
    messageBytes: values.CADENZA_MESSAGE_KB * 1024,
    documentBytes: values.CADENZA_DOCUMENT_KB * 1024,
    operations: values.CADENZA_SOCKET_OPERATIONS,
    bufferBytes: values.CADENZA_SOCKET_BUFFER_KB * 1024,
    operationMs: values.CADENZA_OPERATION_SECONDS * 1000,
    heartbeatMs: values.CADENZA_HEARTBEAT_SECONDS * 1000,
  });
}

const draftsAtOnce = ({
  CADENZA_DRAFTS_AT_ONCE: given,
  CADENZA_SLOTS: slots,
  CADENZA_QUEUE: queue,
}: z.output<typeof environment>): number => given ?? Math.floor((slots + queue) / 2);

function visitorDraftsAtOnce(values: z.output<typeof environment>): number {
  const most = draftsAtOnce(values);
  return Math.min(most, values.CADENZA_VISITOR_DRAFTS_AT_ONCE ?? Math.max(1, Math.floor(most / 4)));
}

/** Without authentication only this machine is served, under any name it likes, so there are no limits by default. */
function ratesOf(values: z.output<typeof environment>): Readonly<RateConfig> {
  const isOpen = authOf(values) === null;
  const limit = (given: number | undefined, usual: number) => given ?? (isOpen ? null : usual);
  return Object.freeze({
    requests: limit(values.CADENZA_RATE_REQUESTS, 3_000),
    mutations: limit(values.CADENZA_RATE_MUTATIONS, 600),
    feedback: limit(values.CADENZA_RATE_FEEDBACK, 6_000),
    address: limit(values.CADENZA_RATE_ADDRESS, 12_000),
    failures: limit(values.CADENZA_RATE_FAILURES, 120),
    visitors: limit(values.CADENZA_RATE_VISITORS, 10),
    socketsPerListener: limit(values.CADENZA_SOCKETS_PER_LISTENER, 50),
    socketsPerAddress: limit(values.CADENZA_SOCKETS_PER_ADDRESS, 500),
    trustedProxies: Object.freeze(values.CADENZA_TRUSTED_PROXIES),
  });
}

/** Without authentication every caller has every role, so the staff's higher budget does not apply. */
function costOf(values: z.output<typeof environment>): Readonly<CostLimits> {
  const hasAuth = authOf(values) !== null;
  return Object.freeze({
    budget: values.CADENZA_COST_BUDGET,
    staffBudget: hasAuth ? values.CADENZA_STAFF_COST_BUDGET : values.CADENZA_COST_BUDGET,
    socketPerMinute: values.CADENZA_SOCKET_COST,
    resultBytes: values.CADENZA_RESULT_KB * 1024,
  });
}

const MASTER_KEYS = ['CADENZA_MASTER_KEY', 'CADENZA_MASTER_KEY_FILE', 'CADENZA_MASTER_KEY_COMMAND'];

function masterKeyOf(values: z.output<typeof environment>): Readonly<MasterKeyConfig> | null {
  const { CADENZA_MASTER_KEY: keys, CADENZA_MASTER_KEY_FILE: path, CADENZA_MASTER_KEY_COMMAND: command } = values;
  if (keys !== undefined) return Object.freeze({ kind: 'key', keys });
  if (path !== undefined) return Object.freeze({ kind: 'file', path: resolve(path) });
  return command === undefined ? null : Object.freeze({ kind: 'command', command });
}

function draftLogOf(values: z.output<typeof environment>): Readonly<DraftLogConfig> {
  const { CADENZA_LOG: kind, CADENZA_NATS_URL: url, CADENZA_NATS_REPLICAS: replicas } = values;
  return Object.freeze(kind === 'nats' && url !== undefined ? { kind, url, replicas } : { kind: 'postgres' });
}

function visitorsOf(values: z.output<typeof environment>): Readonly<VisitorConfig> | null {
  const { CADENZA_VISITOR_SECRET: secret, CADENZA_VISITOR_HOURS: hours } = values;
  return secret === undefined ? null : Object.freeze({ secret, hours });
}

function authOf(values: z.output<typeof environment>): Readonly<AuthConfig> | null {
  const claims = {
    issuer: values.CADENZA_JWT_ISSUER ?? null,
    audience: values.CADENZA_JWT_AUDIENCE ?? null,
    maxHours: values.CADENZA_JWT_MAX_HOURS,
  };
  if (values.CADENZA_JWT_SECRET !== undefined) {
    return Object.freeze({ kind: 'secret', secret: values.CADENZA_JWT_SECRET, ...claims });
  }
  if (values.CADENZA_JWKS_URL === undefined) return null;
  return Object.freeze({ kind: 'jwks', url: values.CADENZA_JWKS_URL, ...claims });
}
