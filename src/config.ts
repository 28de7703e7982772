import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { proxyUrl, proxyVariables, uselessProxies, withProxies } from './config/proxies.ts';
import { isHost, isLoopback } from './config/values.ts';
import { configVariables, type devices, environment, type roles } from './config/variables.ts';
import { StartupError } from './lib/errors.ts';
import type { LogOptions } from './lib/log.ts';
import { nearest } from './lib/text/nearest.ts';

/** How requests prove who they are; null in `Config.auth` means that nobody has to. */
export type AuthConfig = {
  issuer: string | null;
  audience: string | null;
  /** How many hours from now a token may end; 720 unless told. */
  maxHours?: number;
} & ({ kind: 'secret'; secret: string } | { kind: 'jwks'; url: string });

/** Where drafts' logs are kept: in the database, or in NATS JetStream. */
export type DraftLogConfig = { kind: 'postgres' } | { kind: 'nats'; url: string; replicas: number };

/** What one connection may take. */
export interface ConnectionLimits {
  /** Of a request's body, or of one WebSocket message. */
  messageBytes: number;
  /** Of a document. */
  documentBytes: number;
  /** Operations that one WebSocket may have under way. */
  operations: number;
  /** What may wait for a reader. */
  bufferBytes: number;
  /** How long a query or a mutation may be worked on. */
  operationMs: number;
  /** How often a silent connection is given or asked for a sign of life. */
  heartbeatMs: number;
}

/** What one listener or one address may take in a minute, and hold at once; null is without limit. */
export interface RateConfig {
  /** Operations, fields of mutations, and items of feedback, of one listener. */
  requests: number | null;
  mutations: number | null;
  feedback: number | null;
  /** Requests of one address, and tokens from there that are no good. */
  address: number | null;
  failures: number | null;
  socketsPerListener: number | null;
  socketsPerAddress: number | null;
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
}

/** How model files are fetched: through which proxies, and with which token for a hub's gated repositories. All of it is secret. */
interface NetworkConfig {
  hubToken: string | null;
  proxies: { http: string | null; https: string | null; except: string } | null;
}

/** What operations may cost, in the schema's `@cost`, and how much they may answer. */
export interface CostLimits {
  /** Of one operation. */
  budget: number;
  /** Of one operation of an ANALYST or ADMIN. */
  staffBudget: number;
  /** Of all operations and events of one connection in a minute. */
  socketPerMinute: number;
  /** Of one answer, as JSON. */
  resultBytes: number;
}

export interface Config extends Readonly<LogOptions> {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  /** Null: the embedded PostgreSQL. Holds a password: never print it, see lib/database-url. */
  readonly databaseUrl: string | null;
  /** Absolute path. */
  readonly dataDir: string;
  /** Whether an empty database starts with the built-in demo. */
  readonly demo: boolean;
  readonly auth: Readonly<AuthConfig> | null;
  /** Origins of web pages that may call the server besides its own. */
  readonly corsOrigins: readonly string[];
  /** Whether the GraphQL path shows GraphiQL to browsers. */
  readonly graphiql: boolean;
  readonly limits: Readonly<ConnectionLimits>;
  readonly rates: Readonly<RateConfig>;
  readonly cost: Readonly<CostLimits>;
  /** Absolute path of a model catalogue of the operator's own. */
  readonly modelsFile: string | null;
  readonly fetchModels: boolean;
  readonly network: Readonly<NetworkConfig>;
  /** Where models run. */
  readonly device: (typeof devices)[number];
  /** Threads of the inference engine. */
  readonly threads: number;
  /** Drafts that a model writes at a time. */
  readonly slots: number;
  /** Drafts that may wait for the writer. */
  readonly queue: number;
  /** Drafts of one listener that may wait or be written at once. */
  readonly draftsAtOnce: number;
  /** The chance that a place of a list explores. */
  readonly exploration: number;
  /** `api` serves and leaves writing to other nodes on the same database, `engine` and `all` write as well. */
  readonly role: (typeof roles)[number];
  /** Where the drafts' logs are kept. */
  readonly draftLog: Readonly<DraftLogConfig>;
  /** After so many days a finished draft's events are reduced to its text. */
  readonly logDays: number;
  /** What models in memory may take together, in MiB; null: half of the machine's. */
  readonly modelMemoryMb: number | null;
  /** Minutes after which a model that nobody needs gives its memory back. */
  readonly modelIdleMinutes: number;
  /** What is odd but does not stop the start; for the log. */
  readonly warnings: readonly string[];
}

const PREFIX = 'CADENZA_';

/** Reads the whole configuration. @throws StartupError that lists every wrong variable with its problem and an example ([CONF1]) */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = withProxies(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const parsed = environment.safeParse(given);
  const problems = [...(parsed.error?.issues.map(fieldProblem) ?? []), ...contradictions(given)];
  if (!parsed.success || problems.length > 0) throw new StartupError(report(problems, given));
  const values = parsed.data;
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    databaseUrl: values.DATABASE_URL ?? null,
    dataDir: resolve(values.CADENZA_DATA_DIR),
    demo: values.CADENZA_DEMO === 'auto',
    logLevel: values.CADENZA_LOG_LEVEL,
    logFormat: values.CADENZA_LOG_FORMAT,
    auth: authOf(values),
    corsOrigins: Object.freeze(values.CADENZA_CORS_ORIGINS),
    graphiql: values.CADENZA_GRAPHIQL === 'on',
    limits: limitsOf(values),
    rates: ratesOf(values),
    cost: costOf(values),
    modelsFile: values.CADENZA_MODELS === undefined ? null : resolve(values.CADENZA_MODELS),
    fetchModels: values.CADENZA_FETCH_MODELS === 'auto',
    network: networkOf(values),
    device: values.CADENZA_DEVICE,
    threads: values.CADENZA_THREADS ?? availableParallelism(),
    slots: values.CADENZA_SLOTS,
    queue: values.CADENZA_QUEUE,
    draftsAtOnce: values.CADENZA_DRAFTS_AT_ONCE ?? halfOfPlaces(values),
    exploration: values.CADENZA_EXPLORATION,
    role: values.CADENZA_ROLE,
    draftLog: draftLogOf(values),
    logDays: values.CADENZA_LOG_DAYS,
    modelMemoryMb: values.CADENZA_MODEL_MEMORY_MB ?? null,
    modelIdleMinutes: values.CADENZA_MODEL_IDLE_MINUTES,
    warnings: Object.freeze([...unknownVariables(given), ...uselessProxies(given)]),
  });
}

/** The environment for child processes: all of it but our secrets. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const secrets = new Set(configVariables.filter(({ secret }) => secret).map(({ name }) => name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name.toUpperCase())));
}

/** For child processes that fetch something: the proxies too, although their URLs may hold a password. */
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

/** Variables that are each well-formed and yet cannot hold together. */
function contradictions(given: Variables): Problem[] {
  const { HOST: host, CADENZA_JWT_SECRET: secret, CADENZA_JWKS_URL: jwks } = given;
  const hasAuth = secret !== undefined || jwks !== undefined;
  const problems: Problem[] = [];
  if (secret !== undefined && jwks !== undefined) {
    problems.push({ name: 'CADENZA_JWKS_URL', problem: 'cannot be set together with CADENZA_JWT_SECRET: choose one' });
  }
  if (host !== undefined && isHost(host) && !isLoopback(host) && !hasAuth) {
    const problem = 'can be reached by others, so it needs CADENZA_JWT_SECRET or CADENZA_JWKS_URL to be set as well';
    problems.push({ name: 'HOST', problem });
  }
  if (given.CADENZA_ROLE !== undefined && given.CADENZA_ROLE !== 'all' && given.DATABASE_URL === undefined) {
    const problem = 'needs DATABASE_URL to be set: an embedded database has one node';
    problems.push({ name: 'CADENZA_ROLE', problem });
  }
  const { CADENZA_LOG: place, CADENZA_NATS_URL: nats } = given;
  if (place === 'nats' && nats === undefined)
    problems.push({ name: 'CADENZA_LOG', problem: 'needs CADENZA_NATS_URL to be set' });
  if (place !== 'nats' && nats !== undefined)
    problems.push({ name: 'CADENZA_NATS_URL', problem: 'has no effect without CADENZA_LOG=nats' });
  for (const name of ['CADENZA_JWT_ISSUER', 'CADENZA_JWT_AUDIENCE']) {
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
  return ['The configuration has to be mended before Cadenza can start:', ...lines].join('\n');
}

function unknownVariables(given: Variables): string[] {
  const ours = (names: readonly string[]) => names.filter((name) => name.startsWith(PREFIX));
  const known = ours(configVariables.map(({ name }) => name)).map((name) => name.slice(PREFIX.length));
  return ours(Object.keys(given)).flatMap((name) => {
    const rest = name.slice(PREFIX.length);
    if (known.includes(rest)) return [];
    const meant = nearest(rest, known);
    return `${name} is set, but Cadenza knows no such variable${meant ? `; did you mean ${PREFIX}${meant}?` : ''}`;
  });
}

function networkOf(values: z.output<typeof environment>): Readonly<NetworkConfig> {
  const [http, https] = [proxyUrl(values.HTTP_PROXY), proxyUrl(values.HTTPS_PROXY)];
  const proxies = (http ?? https) ? { http, https, except: values.NO_PROXY ?? '' } : null;
  return Object.freeze({ hubToken: values.HF_TOKEN ?? null, proxies: proxies && Object.freeze(proxies) });
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

const halfOfPlaces = ({ CADENZA_SLOTS: slots, CADENZA_QUEUE: queue }: z.output<typeof environment>): number =>
  Math.floor((slots + queue) / 2);

/** Without authentication nobody but this machine comes, as whom it likes: there is nobody to be fair to. */
function ratesOf(values: z.output<typeof environment>): Readonly<RateConfig> {
  const isOpen = authOf(values) === null;
  const limit = (given: number | undefined, usual: number) => given ?? (isOpen ? null : usual);
  return Object.freeze({
    requests: limit(values.CADENZA_RATE_REQUESTS, 3_000),
    mutations: limit(values.CADENZA_RATE_MUTATIONS, 600),
    feedback: limit(values.CADENZA_RATE_FEEDBACK, 6_000),
    address: limit(values.CADENZA_RATE_ADDRESS, 12_000),
    failures: limit(values.CADENZA_RATE_FAILURES, 120),
    socketsPerListener: limit(values.CADENZA_SOCKETS_PER_LISTENER, 50),
    socketsPerAddress: limit(values.CADENZA_SOCKETS_PER_ADDRESS, 500),
    trustedProxies: Object.freeze(values.CADENZA_TRUSTED_PROXIES),
  });
}

/** Where nobody proves who they are, everybody has every role, and nobody may do more for it. */
function costOf(values: z.output<typeof environment>): Readonly<CostLimits> {
  const hasAuth = authOf(values) !== null;
  return Object.freeze({
    budget: values.CADENZA_COST_BUDGET,
    staffBudget: hasAuth ? values.CADENZA_STAFF_COST_BUDGET : values.CADENZA_COST_BUDGET,
    socketPerMinute: values.CADENZA_SOCKET_COST,
    resultBytes: values.CADENZA_RESULT_KB * 1024,
  });
}

function draftLogOf(values: z.output<typeof environment>): Readonly<DraftLogConfig> {
  const { CADENZA_LOG: kind, CADENZA_NATS_URL: url, CADENZA_NATS_REPLICAS: replicas } = values;
  return Object.freeze(kind === 'nats' && url !== undefined ? { kind, url, replicas } : { kind: 'postgres' });
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
