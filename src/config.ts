import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { databaseUrlProblem } from './lib/database-url.ts';
import { StartupError } from './lib/errors.ts';
import { logFormats, logLevels, type LogOptions } from './lib/log.ts';
import { nearest } from './lib/nearest.ts';

/** How requests prove who they are; null in `Config.auth` means that nobody has to. */
export type AuthConfig = { issuer: string | null; audience: string | null } & (
  { kind: 'secret'; secret: string } | { kind: 'jwks'; url: string }
);

/** Where drafts' logs are kept: in the database, or in NATS JetStream. */
export type DraftLogConfig = { kind: 'postgres' } | { kind: 'nats'; url: string; replicas: number };

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
  /** Absolute path of a model catalogue of the operator's own. */
  readonly modelsFile: string | null;
  readonly fetchModels: boolean;
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

/** One row of the README's table, which a test holds to this list. */
export interface ConfigVariable {
  name: string;
  meaning: string;
  /** As a person would write it; null when there is none. */
  default: string | null;
  example: string;
  /** Its value is never printed. */
  secret: boolean;
}

const PREFIX = 'CADENZA_';
const devices = ['auto', 'cpu', 'cuda'] as const;
const roles = ['all', 'api', 'engine'] as const;

type Documentation = Omit<ConfigVariable, 'name' | 'secret'> & { secret?: boolean };
const documentation = z.registry<Documentation>();
function documented<Schema extends z.ZodType>(schema: Schema, entry: Documentation): Schema {
  documentation.add(schema, entry);
  return schema;
}

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `is not a whole number from ${least} to ${most}`,
    })
    .transform(Number);
const share = (most: number) =>
  z
    .string()
    .refine((text) => /^\d*\.?\d+$/.test(text) && Number(text) <= most, { error: `is not a number from 0 to ${most}` })
    .transform(Number);
const oneOf = <Choice extends string>(choices: readonly Choice[]) =>
  z.enum(choices, { error: `is not one of ${choices.join(', ')}` });
const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' });

const environment = z.object({
  PORT: documented(wholeNumber(0, 65_535).prefault('4000'), {
    meaning: 'Port to listen on; 0 takes any free one.',
    default: '4000',
    example: '8080',
  }),
  HOST: documented(
    z.string().refine(isHost, { error: 'is neither an IP address nor a host name' }).prefault('127.0.0.1'),
    {
      meaning: 'Address to listen on. Any other than this machine’s own loopback needs authentication configured.',
      default: '127.0.0.1',
      example: '0.0.0.0',
    },
  ),
  DATABASE_URL: documented(z.string().superRefine(checkDatabaseUrl).optional(), {
    meaning: 'PostgreSQL 15 or later to use in place of the embedded one.',
    default: null,
    example: 'postgres://cadenza:password@db.example.com:5432/cadenza',
    secret: true,
  }),
  CADENZA_DATA_DIR: documented(z.string().prefault('.cadenza'), {
    meaning: 'Folder of everything the server keeps on disk: the embedded database and the models.',
    default: '.cadenza',
    example: '/var/lib/cadenza',
  }),
  CADENZA_DEMO: documented(oneOf(['auto', 'off']).prefault('auto'), {
    meaning: '`auto`: an empty database starts with the built-in demo; `off`: it stays empty.',
    default: 'auto',
    example: 'off',
  }),
  CADENZA_LOG_LEVEL: documented(oneOf(logLevels).prefault('info'), {
    meaning: `Least severe level that is logged: ${logLevels.join(', ')}.`,
    default: 'info',
    example: 'debug',
  }),
  CADENZA_LOG_FORMAT: documented(oneOf(logFormats).prefault('auto'), {
    meaning: '`auto`: readable on a terminal, one JSON object a line otherwise; or always `json` or `pretty`.',
    default: 'auto',
    example: 'json',
  }),
  CADENZA_JWT_SECRET: documented(
    z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= 32, { error: 'is shorter than 32 bytes' })
      .optional(),
    {
      meaning: 'Shared secret (HS256) that requests’ JSON Web Tokens are signed with, at least 32 bytes.',
      default: null,
      example: '"$(openssl rand -base64 48)"',
      secret: true,
    },
  ),
  CADENZA_JWKS_URL: documented(httpUrl.optional(), {
    meaning: 'Where the identity provider publishes the public keys of its tokens (JWKS).',
    default: null,
    example: 'https://id.example.com/.well-known/jwks.json',
  }),
  CADENZA_JWT_ISSUER: documented(z.string().optional(), {
    meaning: 'The `iss` that tokens must carry.',
    default: null,
    example: 'https://id.example.com/',
  }),
  CADENZA_JWT_AUDIENCE: documented(z.string().optional(), {
    meaning: 'The `aud` that tokens must carry.',
    default: null,
    example: 'cadenza',
  }),
  CADENZA_CORS_ORIGINS: documented(z.string().prefault('').transform(splitList).superRefine(checkOrigins), {
    meaning: 'Origins of web pages that may call the server besides its own, separated by commas.',
    default: null,
    example: 'https://app.example.com,http://localhost:5173',
  }),
  CADENZA_MODELS: documented(
    z
      .string()
      .refine((path) => existsSync(path), { error: 'is not a file that exists' })
      .optional(),
    {
      meaning: 'File with further entries of the model catalogue.',
      default: null,
      example: '/etc/cadenza/models.json',
    },
  ),
  CADENZA_FETCH_MODELS: documented(oneOf(['auto', 'off']).prefault('auto'), {
    meaning: '`auto`: a missing model is fetched in the background at start; `off`: only by `npm run models -- pull`.',
    default: 'auto',
    example: 'off',
  }),
  CADENZA_DEVICE: documented(oneOf(devices).prefault('auto'), {
    meaning:
      '`auto`: models run on an NVIDIA GPU where there is one and `npm run cuda` was run, otherwise on the CPU; `cuda`: the start fails without; `cpu`.',
    default: 'auto',
    example: 'cuda',
  }),
  CADENZA_THREADS: documented(wholeNumber(1, 1024).optional(), {
    meaning: 'Threads of the inference engine.',
    default: 'all cores',
    example: '4',
  }),
  CADENZA_SLOTS: documented(wholeNumber(1, 256).prefault('16'), {
    meaning: 'Drafts that a model writes at a time, fewer where memory is short; the text of none depends on it.',
    default: '16',
    example: '32',
  }),
  CADENZA_QUEUE: documented(wholeNumber(1, 10_000).prefault('16'), {
    meaning: 'Drafts that may wait for the writer; one more is refused with `OverloadedError`.',
    default: '16',
    example: '64',
  }),
  CADENZA_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).prefault('100'), {
    meaning: 'Drafts of one listener that may wait or be written at once; one more is refused with `OverloadedError`.',
    default: '100',
    example: '3',
  }),
  CADENZA_EXPLORATION: documented(share(0.5).prefault('0'), {
    meaning:
      'The chance, 0 to 0.5, that a place of a list goes to one of the hundred next best tracks instead of the best; ' +
      'what it tells is needed to judge a new version by what the old one served.',
    default: '0',
    example: '0.05',
  }),
  CADENZA_ROLE: documented(oneOf(roles).prefault('all'), {
    meaning:
      'What this node does of the work on one database: `all` of it; `api` serves and loads no model; `engine` writes drafts and answers to health checks alone.',
    default: 'all',
    example: 'api',
  }),
  CADENZA_LOG: documented(oneOf(['postgres', 'nats']).prefault('postgres'), {
    meaning: 'Where the drafts’ logs are kept: `postgres`, in the database; `nats`, in NATS JetStream.',
    default: 'postgres',
    example: 'nats',
  }),
  CADENZA_NATS_URL: documented(
    z.url({ protocol: /^(nats|tls)$/, error: 'is not a nats:// or tls:// URL' }).optional(),
    {
      meaning: 'Server of NATS with JetStream, for `CADENZA_LOG=nats`.',
      default: null,
      example: 'nats://nats.example.com:4222',
      secret: true,
    },
  ),
  CADENZA_NATS_REPLICAS: documented(wholeNumber(1, 5).prefault('1'), {
    meaning: 'Servers that keep a copy of each log; 3 in production.',
    default: '1',
    example: '3',
  }),
  CADENZA_LOG_DAYS: documented(wholeNumber(1, 36_500).prefault('30'), {
    meaning: 'Days after a draft’s end that its events are kept for; then its text alone is.',
    default: '30',
    example: '7',
  }),
  CADENZA_MODEL_MEMORY_MB: documented(wholeNumber(64, 16_777_216).optional(), {
    meaning: 'What the models in memory may take together, in MiB. Idle ones make room for those that are needed.',
    default: 'half of the machine’s',
    example: '8192',
  }),
  CADENZA_MODEL_IDLE_MINUTES: documented(wholeNumber(1, 20_000).prefault('30'), {
    meaning: 'A model that nobody has needed for so long gives its memory back, until it is needed again.',
    default: '30',
    example: '5',
  }),
});

/** Every variable the server reads, in the order of the README's table. */
export const configVariables: readonly ConfigVariable[] = Object.entries(environment.shape).map(([name, schema]) => {
  const entry = documentation.get(schema);
  if (!entry) throw new Error(`${name} is not documented`);
  return { name, ...entry, secret: entry.secret ?? false };
});

/** Reads the whole configuration. @throws StartupError that lists every wrong variable with its problem and an example ([CONF1]) */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries<string | undefined>(Object.entries(env).filter(([, value]) => value !== ''));
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
    modelsFile: values.CADENZA_MODELS === undefined ? null : resolve(values.CADENZA_MODELS),
    fetchModels: values.CADENZA_FETCH_MODELS === 'auto',
    device: values.CADENZA_DEVICE,
    threads: values.CADENZA_THREADS ?? availableParallelism(),
    slots: values.CADENZA_SLOTS,
    queue: values.CADENZA_QUEUE,
    draftsAtOnce: values.CADENZA_DRAFTS_AT_ONCE,
    exploration: values.CADENZA_EXPLORATION,
    role: values.CADENZA_ROLE,
    draftLog: draftLogOf(values),
    logDays: values.CADENZA_LOG_DAYS,
    modelMemoryMb: values.CADENZA_MODEL_MEMORY_MB ?? null,
    modelIdleMinutes: values.CADENZA_MODEL_IDLE_MINUTES,
    warnings: Object.freeze(unknownVariables(given)),
  });
}

/** The environment for child processes: all of it but our secrets. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const secrets = new Set(configVariables.filter(({ secret }) => secret).map(({ name }) => name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name)));
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

function draftLogOf(values: z.output<typeof environment>): Readonly<DraftLogConfig> {
  const { CADENZA_LOG: kind, CADENZA_NATS_URL: url, CADENZA_NATS_REPLICAS: replicas } = values;
  return Object.freeze(kind === 'nats' && url !== undefined ? { kind, url, replicas } : { kind: 'postgres' });
}

function authOf(values: z.output<typeof environment>): Readonly<AuthConfig> | null {
  const claims = { issuer: values.CADENZA_JWT_ISSUER ?? null, audience: values.CADENZA_JWT_AUDIENCE ?? null };
  if (values.CADENZA_JWT_SECRET !== undefined) {
    return Object.freeze({ kind: 'secret', secret: values.CADENZA_JWT_SECRET, ...claims });
  }
  if (values.CADENZA_JWKS_URL === undefined) return null;
  return Object.freeze({ kind: 'jwks', url: values.CADENZA_JWKS_URL, ...claims });
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || (/^(?!-)[a-z\d-]+(\.[a-z\d-]+)*$/i.test(text) && !/^[\d.]+$/.test(text));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function checkOrigins(origins: readonly string[], context: z.RefinementCtx): void {
  const wrong = origins.find(
    (origin) => !/^https?:/.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin,
  );
  if (wrong === undefined) return;
  const message = `is not a list of origins: ${JSON.stringify(wrong)} should be a scheme, a host and perhaps a port`;
  context.addIssue({ code: 'custom', message });
}

function checkDatabaseUrl(text: string, context: z.RefinementCtx): void {
  const problem = databaseUrlProblem(text);
  if (problem) context.addIssue({ code: 'custom', message: problem });
}
