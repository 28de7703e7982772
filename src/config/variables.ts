import { existsSync } from 'node:fs';
import { z } from 'zod';
import { logFormats, logLevels } from '../lib/log.ts';
import {
  checkDatabaseUrl,
  checkOrigins,
  checkProxies,
  httpUrl,
  isHost,
  oneOf,
  share,
  splitList,
  wholeNumber,
} from './values.ts';

/** One row of the table in docs/configuration.md, which a test holds to this list. */
export interface ConfigVariable {
  name: string;
  meaning: string;
  /** As a person would write it; null when there is none. */
  default: string | null;
  example: string;
  /** Its value is never printed. */
  secret: boolean;
}

export const devices = ['auto', 'cpu', 'cuda'] as const;
export const roles = ['all', 'api', 'engine'] as const;

type Documentation = Omit<ConfigVariable, 'name' | 'secret'> & { secret?: boolean };
const documentation = z.registry<Documentation>();
function documented<Schema extends z.ZodType>(schema: Schema, entry: Documentation): Schema {
  documentation.add(schema, entry);
  return schema;
}

/** The environment, as it is read. */
export const environment = z.object({
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
  CADENZA_JWT_MAX_HOURS: documented(wholeNumber(1, 87_600).prefault('720'), {
    meaning: 'Hours from now that a token’s `exp` may be away at most; one that ends later, or never, is refused.',
    default: '720',
    example: '24',
  }),
  CADENZA_CORS_ORIGINS: documented(z.string().prefault('').transform(splitList).superRefine(checkOrigins), {
    meaning:
      'Origins of web pages, and of apps that are such in a web view, that may call the server besides its own, separated by commas.',
    default: null,
    example: 'https://app.example.com,capacitor://localhost',
  }),
  CADENZA_GRAPHIQL: documented(oneOf(['on', 'off']).prefault('on'), {
    meaning: '`on`: the GraphQL path shows GraphiQL to browsers; `off`: it shows no page.',
    default: 'on',
    example: 'off',
  }),
  CADENZA_DOCUMENT_KB: documented(wholeNumber(1, 1_024).prefault('16'), {
    meaning:
      'Length of a GraphQL document at most, in KiB; one that a token with the role ADMIN sends may be four times as long.',
    default: '16',
    example: '64',
  }),
  CADENZA_MESSAGE_KB: documented(wholeNumber(16, 102_400).prefault('1024'), {
    meaning: 'Size of a request’s body or a WebSocket message at most, in KiB.',
    default: '1024',
    example: '4096',
  }),
  CADENZA_SOCKET_OPERATIONS: documented(wholeNumber(1, 100_000).prefault('100'), {
    meaning: 'Operations, subscriptions among them, that one WebSocket may have under way.',
    default: '100',
    example: '1000',
  }),
  CADENZA_SOCKET_BUFFER_KB: documented(wholeNumber(1, 65_536).prefault('16'), {
    meaning: 'What may wait for a reader in memory, in KiB; one who is further behind costs a cursor.',
    default: '16',
    example: '256',
  }),
  CADENZA_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('200000'), {
    meaning:
      'What one operation may cost, in about microseconds of the server (docs/cost.md); one that is dearer is refused before it runs.',
    default: '200000',
    example: '1000000',
  }),
  CADENZA_STAFF_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('400000'), {
    meaning: 'The same for ANALYST and ADMIN, where authentication is configured.',
    default: '400000',
    example: '2000000',
  }),
  CADENZA_SOCKET_COST: documented(wholeNumber(1_000, 1_000_000_000).prefault('4000000'), {
    meaning:
      'What all operations and events of one WebSocket, or of one stream of events, may cost a minute; past it operations are refused and events wait.',
    default: '4000000',
    example: '20000000',
  }),
  CADENZA_RESULT_KB: documented(wholeNumber(16, 1_048_576).prefault('4096'), {
    meaning: 'Size of an answer at most, in KiB.',
    default: '4096',
    example: '16384',
  }),
  CADENZA_OPERATION_SECONDS: documented(wholeNumber(1, 3_600).prefault('30'), {
    meaning: 'How long a query or a mutation may be worked on; then it is given up with `DEADLINE_EXCEEDED`.',
    default: '30',
    example: '10',
  }),
  CADENZA_HEARTBEAT_SECONDS: documented(wholeNumber(1, 3_600).prefault('15'), {
    meaning:
      'How often a silent connection is given or asked for a sign of life; a reader who takes or gives none twice is sent away.',
    default: '15',
    example: '5',
  }),
  CADENZA_RATE_REQUESTS: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'Operations of one listener in a minute, over HTTP and WebSocket together; a SERVICE may 20 times as many.',
    default: '3000; without authentication none',
    example: '600',
  }),
  CADENZA_RATE_MUTATIONS: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'Changes of one listener in a minute, each field of a mutation counting as one; a SERVICE may 20 times as many.',
    default: '600; without authentication none',
    example: '120',
  }),
  CADENZA_RATE_FEEDBACK: documented(wholeNumber(1, 10000000).optional(), {
    meaning:
      'Feedback of one listener in a minute, each item of a batch counting as one; a SERVICE may 20 times as much.',
    default: '6000; without authentication none',
    example: '1000',
  }),
  CADENZA_RATE_ADDRESS: documented(wholeNumber(1, 10000000).optional(), {
    meaning: 'Requests and new connections of one address (of IPv6: one /64 network) in a minute.',
    default: '12000; without authentication none',
    example: '60000',
  }),
  CADENZA_RATE_FAILURES: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'Tokens from one address in a minute that may be no good.',
    default: '120; without authentication none',
    example: '30',
  }),
  CADENZA_SOCKETS_PER_LISTENER: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'WebSockets and streams of one listener that a node holds open at once; a SERVICE may 20 times as many.',
    default: '50; without authentication none',
    example: '10',
  }),
  CADENZA_SOCKETS_PER_ADDRESS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'WebSockets of one address (of IPv6: one /64 network) that a node holds open at once.',
    default: '500; without authentication none',
    example: '2000',
  }),
  CADENZA_TRUSTED_PROXIES: documented(z.string().prefault('').transform(splitList).superRefine(checkProxies), {
    meaning:
      'Addresses and networks of the proxies in front of the server, separated by commas: what they append to `X-Forwarded-For` is where a request comes from.',
    default: null,
    example: 'loopback,10.0.0.0/8',
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
  HF_TOKEN: documented(
    z
      .string()
      .trim()
      .regex(/^[\x21-\x7e]+$/, { error: 'is not an access token' })
      .optional(),
    {
      meaning: 'Access token for gated and private repositories of a `hub`; shown to that hub alone.',
      default: null,
      example: 'hf_…',
      secret: true,
    },
  ),
  HTTPS_PROXY: documented(z.string().optional(), {
    meaning:
      'Proxy through which models are fetched from https addresses; as other programs have it, small letters too.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  HTTP_PROXY: documented(z.string().optional(), {
    meaning: 'The same for http addresses.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  NO_PROXY: documented(z.string().optional(), {
    meaning: 'Hosts that are reached without the proxy, separated by commas; `*` is all.',
    default: null,
    example: 'localhost,.example.com',
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
  CADENZA_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).optional(), {
    meaning:
      'Drafts of one listener that may wait or be written at once, on all nodes together; one more is refused with `OverloadedError`. On one node it is never more than half of its slots and queue.',
    default: 'half of slots and queue',
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
