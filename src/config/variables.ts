import { existsSync } from 'node:fs';
import { z } from 'zod';
import { logFormats, logLevels } from '../lib/log.ts';
import {
  checkDatabaseUrl,
  checkOrigins,
  checkProxies,
  headerList,
  httpUrl,
  isHost,
  oneOf,
  purposeList,
  share,
  splitList,
  wholeNumber,
} from './values.ts';

/** One row of the table in docs/configuration.md; a test compares the two. */
export interface ConfigVariable {
  name: string;
  meaning: string;
  /** The default as documented; null if there is none. */
  default: string | null;
  example: string;
  /** Whether the value must never be printed. */
  secret: boolean;
}

export const kernels = ['auto', 'blocks', 'integers'] as const;
export const devices = ['auto', 'cpu', 'cuda'] as const;
export const roles = ['all', 'api', 'engine'] as const;

type Documentation = Omit<ConfigVariable, 'name' | 'secret'> & { secret?: boolean };
const documentation = z.registry<Documentation>();
function documented<Schema extends z.ZodType>(schema: Schema, entry: Documentation): Schema {
  documentation.add(schema, entry);
  return schema;
}

/** The environment variables, with their validation and documentation. */
/** Which GraphQL documents are executed. */
export const documentModes = ['any', 'required', 'required-except-admin'] as const;

export const environment = z.object({
  PORT: documented(wholeNumber(0, 65_535).prefault('4000'), {
    meaning: 'Port to listen on. 0 selects any free port.',
    default: '4000',
    example: '8080',
  }),
  HOST: documented(
    z.string().refine(isHost, { error: 'is neither an IP address nor a host name' }).prefault('127.0.0.1'),
    {
      meaning: 'Address to listen on. Any address other than loopback requires authentication to be configured.',
      default: '127.0.0.1',
      example: '0.0.0.0',
    },
  ),
  DATABASE_URL: documented(z.string().superRefine(checkDatabaseUrl).optional(), {
    meaning: 'URL of a PostgreSQL server, version 15 or later, to use instead of the embedded one.',
    default: null,
    example: 'postgres://cadenza:password@db.example.com:5432/cadenza',
    secret: true,
  }),
  CADENZA_ENV_FILE: documented(z.string().optional(), {
    meaning:
      'File with more of these variables, one `NAME=value` per line. They take precedence over the environment, and SIGHUP reads them again.',
    default: null,
    example: '/etc/cadenza/cadenza.env',
  }),
  CADENZA_SCHEMA: documented(
    z
      .string()
      .regex(/^(?!pg_|information_schema$)[a-z_][a-z\d_]{0,62}$/, {
        error: 'is not a name of lower-case letters, digits and _',
      })
      .prefault('public'),
    {
      meaning:
        'Schema of the tables in the database. It is created if it is missing. Installations in schemas of one database are apart.',
      default: 'public',
      example: 'cadenza',
    },
  ),
  CADENZA_DATABASE_CONNECTIONS: documented(wholeNumber(7, 1_000).prefault('8'), {
    meaning: 'Maximum number of connections of this node to the database, all together.',
    default: '8',
    example: '16',
  }),
  CADENZA_DATA_DIR: documented(z.string().prefault('.cadenza'), {
    meaning: 'Folder for everything that the server stores on disk: the embedded database and the models.',
    default: '.cadenza',
    example: '/var/lib/cadenza',
  }),
  CADENZA_MASTER_KEY: documented(z.string().optional(), {
    meaning:
      'Keys that protect the keys with which what people write is encrypted: 32 bytes in base64 or hexadecimal each, separated by commas, the one in use first (docs/privacy.md). An embedded database has one in `master.key` in the data folder; without any, another database stores texts as they are.',
    default: null,
    example: '"$(openssl rand -base64 32)"',
    secret: true,
  }),
  CADENZA_MASTER_KEY_FILE: documented(z.string().optional(), {
    meaning: 'File with these keys, one per line.',
    default: null,
    example: '/run/secrets/cadenza-master-key',
  }),
  CADENZA_MASTER_KEY_COMMAND: documented(z.string().optional(), {
    meaning: 'Command that prints these keys, one per line. It is run at the start, by the shell.',
    default: null,
    example: 'vault kv get -field=keys secret/cadenza',
    secret: true,
  }),
  CADENZA_PRODUCTION: documented(oneOf(['on', 'off']).prefault('off'), {
    meaning:
      '`on`: GraphiQL, GET, introspection and the demo are off unless their own variables say otherwise, and the server refuses to start with what is unsafe (docs/deploying.md).',
    default: 'off',
    example: 'on',
  }),
  CADENZA_DEMO: documented(oneOf(['auto', 'off']).optional(), {
    meaning: '`auto`: load the built-in demo into an empty database. `off`: leave it empty.',
    default: 'auto; off in production',
    example: 'off',
  }),
  CADENZA_LOG_LEVEL: documented(oneOf(logLevels).prefault('info'), {
    meaning: `Least severe level that is logged: ${logLevels.join(', ')}.`,
    default: 'info',
    example: 'debug',
  }),
  CADENZA_LOG_FORMAT: documented(oneOf(logFormats).prefault('auto'), {
    meaning:
      '`auto`: readable text on a terminal, otherwise one JSON object per line. `json` or `pretty`: always that format.',
    default: 'auto',
    example: 'json',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: documented(httpUrl.optional(), {
    meaning:
      'URL of a collector that takes traces over OTLP (HTTP, JSON), without `/v1/traces`. Without it nothing is traced.',
    default: null,
    example: 'http://collector.example.com:4318',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: documented(headerList.optional(), {
    meaning: 'Headers that are sent to the collector: `name=value`, separated by commas.',
    default: null,
    example: 'authorization=Bearer …',
    secret: true,
  }),
  OTEL_SERVICE_NAME: documented(z.string().trim().max(100).prefault('cadenza'), {
    meaning: 'Name of this service in traces.',
    default: 'cadenza',
    example: 'cadenza-eu',
  }),
  OTEL_TRACES_SAMPLER_ARG: documented(share(1).prefault('1'), {
    meaning: 'Share of requests that are traced, 0 to 1, where the caller’s `traceparent` has not decided it.',
    default: '1',
    example: '0.05',
  }),
  CADENZA_JWT_SECRET: documented(
    z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= 32, { error: 'is shorter than 32 bytes' })
      .optional(),
    {
      meaning: 'Shared secret (HS256) that signs the requests’ JSON Web Tokens, at least 32 bytes.',
      default: null,
      example: '"$(openssl rand -base64 48)"',
      secret: true,
    },
  ),
  CADENZA_JWKS_URL: documented(httpUrl.optional(), {
    meaning: 'URL of the identity provider’s public keys (JWKS).',
    default: null,
    example: 'https://id.example.com/.well-known/jwks.json',
  }),
  CADENZA_JWT_ISSUER: documented(z.string().optional(), {
    meaning: 'Required `iss` claim of tokens.',
    default: null,
    example: 'https://id.example.com/',
  }),
  CADENZA_JWT_AUDIENCE: documented(z.string().optional(), {
    meaning: 'Required `aud` claim of tokens.',
    default: null,
    example: 'cadenza',
  }),
  CADENZA_JWT_MAX_HOURS: documented(wholeNumber(1, 87_600).prefault('720'), {
    meaning:
      'Maximum lifetime of tokens in hours: a token whose `exp` is further in the future, or absent, is refused.',
    default: '720',
    example: '24',
  }),
  CADENZA_VISITOR_SECRET: documented(
    z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= 32, { error: 'is shorter than 32 bytes' })
      .optional(),
    {
      meaning:
        'Secret that signs the tokens of visitors who have not signed in, at least 32 bytes, the same on all nodes. Without it only signed-in listeners are served.',
      default: null,
      example: '"$(openssl rand -base64 48)"',
      secret: true,
    },
  ),
  CADENZA_VISITOR_HOURS: documented(wholeNumber(1, 8_760).prefault('168'), {
    meaning: 'Lifetime of a visitor’s token in hours.',
    default: '168',
    example: '24',
  }),
  CADENZA_CORS_ORIGINS: documented(z.string().prefault('').transform(splitList).superRefine(checkOrigins), {
    meaning:
      'Origins of web pages and web-view apps that may call the server in addition to its own, separated by commas.',
    default: null,
    example: 'https://app.example.com,capacitor://localhost',
  }),
  CADENZA_GRAPHIQL: documented(oneOf(['on', 'off']).optional(), {
    meaning: '`on`: browsers get GraphiQL at the GraphQL path and the reference at `/docs`. `off`: they get neither.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_GET: documented(oneOf(['on', 'off']).optional(), {
    meaning:
      '`on`: queries and subscriptions are also taken by GET. `off`: operations are sent by POST or WebSocket only.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_INTROSPECTION: documented(oneOf(['on', 'off']).optional(), {
    meaning: '`on`: clients may ask for the schema (`__schema`, `__type`). `off`: such a document is refused.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_STUDIO: documented(oneOf(['on', 'off']).prefault('on'), {
    meaning: '`on`: browsers get the Studio at `/studio`. `off`: they do not.',
    default: 'on',
    example: 'off',
  }),
  CADENZA_DOCUMENTS: documented(oneOf(documentModes).prefault('any'), {
    meaning:
      '`any`: clients send GraphQL documents or name registered ones. `required`: only documents that `npm run documents` registered are executed. `required-except-admin`: the same, but for tokens with the ADMIN role.',
    default: 'any',
    example: 'required',
  }),
  CADENZA_DOCUMENT_KB: documented(wholeNumber(1, 1_024).prefault('16'), {
    meaning: 'Maximum size of a GraphQL document in KiB. For tokens with the ADMIN role it is four times as large.',
    default: '16',
    example: '64',
  }),
  CADENZA_MESSAGE_KB: documented(wholeNumber(16, 102_400).prefault('1024'), {
    meaning: 'Maximum size of a request body or a WebSocket message in KiB.',
    default: '1024',
    example: '4096',
  }),
  CADENZA_SOCKET_OPERATIONS: documented(wholeNumber(1, 100_000).prefault('100'), {
    meaning: 'Maximum number of concurrent operations on one WebSocket, subscriptions included.',
    default: '100',
    example: '1000',
  }),
  CADENZA_SOCKET_BUFFER_KB: documented(wholeNumber(1, 65_536).prefault('16'), {
    meaning:
      'Maximum amount of unsent data per reader in KiB. For a reader that is further behind only a cursor is kept.',
    default: '16',
    example: '256',
  }),
  CADENZA_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('200000'), {
    meaning:
      'Maximum cost of one operation, in about microseconds of server time (docs/cost.md). An operation that costs more is refused before it runs.',
    default: '200000',
    example: '1000000',
  }),
  CADENZA_STAFF_COST_BUDGET: documented(wholeNumber(1_000, 1_000_000_000).prefault('400000'), {
    meaning: 'Maximum cost of one operation for ANALYST and ADMIN if authentication is configured.',
    default: '400000',
    example: '2000000',
  }),
  CADENZA_SOCKET_COST: documented(wholeNumber(1_000, 1_000_000_000).prefault('4000000'), {
    meaning:
      'Maximum cost per minute of all operations and events of one WebSocket or event stream. Beyond it operations are refused and events wait.',
    default: '4000000',
    example: '20000000',
  }),
  CADENZA_RESULT_KB: documented(wholeNumber(16, 1_048_576).prefault('4096'), {
    meaning: 'Maximum size of a response in KiB.',
    default: '4096',
    example: '16384',
  }),
  CADENZA_OPERATION_SECONDS: documented(wholeNumber(1, 3_600).prefault('30'), {
    meaning:
      'Time limit for a query or mutation in seconds. After it the operation is aborted with `DEADLINE_EXCEEDED`.',
    default: '30',
    example: '10',
  }),
  CADENZA_HEARTBEAT_SECONDS: documented(wholeNumber(1, 3_600).prefault('15'), {
    meaning:
      'Seconds between heartbeats. A connection that accepts no data or answers no ping for two heartbeats is closed.',
    default: '15',
    example: '5',
  }),
  CADENZA_RATE_REQUESTS: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'Operations per minute of one listener, over HTTP and WebSocket together. A SERVICE may send 20 times as many.',
    default: '3000; none without authentication',
    example: '600',
  }),
  CADENZA_RATE_MUTATIONS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'Mutation fields per minute of one listener. A SERVICE may send 20 times as many.',
    default: '600; none without authentication',
    example: '120',
  }),
  CADENZA_RATE_FEEDBACK: documented(wholeNumber(1, 10000000).optional(), {
    meaning:
      'Feedback items per minute of one listener; each item of a batch counts. A SERVICE may send 20 times as many.',
    default: '6000; none without authentication',
    example: '1000',
  }),
  CADENZA_RATE_ADDRESS: documented(wholeNumber(1, 10000000).optional(), {
    meaning: 'Requests and new connections per minute from one address (for IPv6: from one /64 network).',
    default: '12000; none without authentication',
    example: '60000',
  }),
  CADENZA_RATE_FAILURES: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'Invalid tokens per minute from one address.',
    default: '120; none without authentication',
    example: '30',
  }),
  CADENZA_RATE_VISITORS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'New visitors per minute from one address.',
    default: '10; none without authentication',
    example: '60',
  }),
  CADENZA_SOCKETS_PER_LISTENER: documented(wholeNumber(1, 1000000).optional(), {
    meaning:
      'WebSockets and event streams of one listener that a node keeps open at once. A SERVICE may open 20 times as many.',
    default: '50; none without authentication',
    example: '10',
  }),
  CADENZA_SOCKETS_PER_ADDRESS: documented(wholeNumber(1, 1000000).optional(), {
    meaning: 'WebSockets from one address (for IPv6: from one /64 network) that a node keeps open at once.',
    default: '500; none without authentication',
    example: '2000',
  }),
  CADENZA_TRUSTED_PROXIES: documented(z.string().prefault('').transform(splitList).superRefine(checkProxies), {
    meaning:
      'Addresses and networks of the proxies in front of the server, separated by commas. The client’s address is taken from what they append to `X-Forwarded-For`.',
    default: null,
    example: 'loopback,10.0.0.0/8',
  }),
  CADENZA_MODELS: documented(
    z
      .string()
      .refine((path) => existsSync(path), { error: 'is not a file that exists' })
      .optional(),
    {
      meaning: 'File with additional entries for the model catalogue.',
      default: null,
      example: '/etc/cadenza/models.json',
    },
  ),
  CADENZA_PRICES: documented(
    z
      .string()
      .refine((path) => existsSync(path), { error: 'is not a file that exists' })
      .optional(),
    {
      meaning: 'File with the price table by which `npm run usage` computes what is owed (docs/usage.md).',
      default: null,
      example: '/etc/cadenza/prices.json',
    },
  ),
  CADENZA_FETCH_MODELS: documented(oneOf(['auto', 'off']).prefault('auto'), {
    meaning:
      '`auto`: fetch a missing model in the background at start. `off`: only `npm run models -- pull` fetches models. The built-in model of tunes needs no fetching.',
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
      meaning: 'Access token for gated and private repositories of a `hub`. It is sent to that hub only.',
      default: null,
      example: 'hf_…',
      secret: true,
    },
  ),
  HF_ENDPOINT: documented(httpUrl.optional(), {
    meaning: 'URL of a mirror of the hub, for every `hub` that names none itself.',
    default: null,
    example: 'https://hub.example.com',
  }),
  HTTPS_PROXY: documented(z.string().optional(), {
    meaning: 'Proxy for fetching models from https URLs. The name may also be in lower case.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  HTTP_PROXY: documented(z.string().optional(), {
    meaning: 'Proxy for fetching models from http URLs. The name may also be in lower case.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  NO_PROXY: documented(z.string().optional(), {
    meaning: 'Hosts to reach without a proxy, separated by commas. `*` matches every host.',
    default: null,
    example: 'localhost,.example.com',
  }),
  CADENZA_DEVICE: documented(oneOf(devices).prefault('auto'), {
    meaning:
      '`auto`: run models on an NVIDIA GPU if there is one and `npm run cuda` was run, otherwise on the CPU. `cuda`: fail the start without a GPU. `cpu`: never use a GPU.',
    default: 'auto',
    example: 'cuda',
  }),
  CADENZA_KERNELS: documented(oneOf(kernels).prefault('blocks'), {
    meaning:
      'How products of 8-bit weights are computed on the CPU: in `blocks`, as sums of `integers`, or `auto`: whichever is faster on its processor, measured once (docs/models.md). Last bits differ between the two, and so may texts: nodes with different processors write the same texts only with the same of them.',
    default: 'blocks',
    example: 'auto',
  }),
  CADENZA_THREADS: documented(wholeNumber(1, 1024).optional(), {
    meaning: 'Number of threads of the inference engine.',
    default: 'all cores',
    example: '4',
  }),
  CADENZA_SLOTS: documented(wholeNumber(1, 256).prefault('16'), {
    meaning:
      'Number of drafts that a model writes at the same time, fewer if memory is short. It does not change any text.',
    default: '16',
    example: '32',
  }),
  CADENZA_QUEUE: documented(wholeNumber(1, 10_000).prefault('16'), {
    meaning: 'Number of drafts that may wait for a model. Any further one is refused with `OverloadedError`.',
    default: '16',
    example: '64',
  }),
  CADENZA_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).optional(), {
    meaning:
      'Number of drafts of one listener that may wait or be written at once, on all nodes together. Any further one is refused with `OverloadedError`. On one node it is at most half of its slots and queue.',
    default: 'half of slots and queue',
    example: '3',
  }),
  CADENZA_VISITOR_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).optional(), {
    meaning: 'The same for a visitor, who has not signed in. At most `CADENZA_DRAFTS_AT_ONCE`.',
    default: 'a quarter of CADENZA_DRAFTS_AT_ONCE, at least 1',
    example: '1',
  }),
  CADENZA_EXPLORATION: documented(share(0.5).prefault('0'), {
    meaning:
      'Probability, 0 to 0.5, that a position of a list is filled at random from the hundred best remaining tracks. The lists’ data is required for estimating how a new version would do.',
    default: '0',
    example: '0.05',
  }),
  CADENZA_ROLE: documented(oneOf(roles).prefault('all'), {
    meaning:
      'Role of this node among those on one database. `all`: serve clients and write drafts. `api`: serve clients and load no model. `engine`: write drafts and answer only health checks.',
    default: 'all',
    example: 'api',
  }),
  CADENZA_LOG: documented(oneOf(['postgres', 'nats']).prefault('postgres'), {
    meaning: 'Storage of the drafts’ logs. `postgres`: the database. `nats`: NATS JetStream.',
    default: 'postgres',
    example: 'nats',
  }),
  CADENZA_NATS_URL: documented(
    z.url({ protocol: /^(nats|tls)$/, error: 'is not a nats:// or tls:// URL' }).optional(),
    {
      meaning: 'URL of a NATS server with JetStream, for `CADENZA_LOG=nats`.',
      default: null,
      example: 'nats://nats.example.com:4222',
      secret: true,
    },
  ),
  CADENZA_NATS_REPLICAS: documented(wholeNumber(1, 5).prefault('1'), {
    meaning: 'Number of servers that keep a copy of each log. Use 3 in production.',
    default: '1',
    example: '3',
  }),
  CADENZA_LOG_DAYS: documented(wholeNumber(1, 36_500).prefault('30'), {
    meaning: 'Number of days that a finished draft’s events are kept. After that only its text remains.',
    default: '30',
    example: '7',
  }),
  CADENZA_CONSENT: documented(purposeList.prefault('training,analytics'), {
    meaning:
      'What the feedback of listeners who have said nothing else may be used for besides their own recommendations: `training` of what others are recommended, `analytics`, both, or `none`.',
    default: 'training,analytics',
    example: 'none',
  }),
  CADENZA_DRAFT_DAYS: documented(wholeNumber(1, 36_500).optional(), {
    meaning:
      'Number of days after its last change that a finished draft is kept. After that it is deleted, with its log.',
    default: 'until it is deleted',
    example: '365',
  }),
  CADENZA_LIST_DAYS: documented(wholeNumber(2, 36_500).prefault('90'), {
    meaning: 'Number of days that served lists are kept. Analytics, attribution and exports go back as far.',
    default: '90',
    example: '30',
  }),
  CADENZA_FEEDBACK_DAYS: documented(wholeNumber(1, 36_500).optional(), {
    meaning:
      'Number of days that feedback is kept. What listeners set as liked, saved or hidden stays until they take it back.',
    default: 'until it is removed',
    example: '730',
  }),
  CADENZA_USAGE_DAYS: documented(wholeNumber(62, 36_500).optional(), {
    meaning: 'Number of days that counts of usage are kept, from which bills are made.',
    default: 'until the listener is erased',
    example: '400',
  }),
  CADENZA_AUDIT_DAYS: documented(wholeNumber(1, 36_500).prefault('365'), {
    meaning: 'Number of days that an entry of the audit log is kept. Before that nobody can remove it.',
    default: '365',
    example: '3650',
  }),
  CADENZA_ALTERNATIVES: documented(oneOf(['on', 'off']).prefault('on'), {
    meaning:
      '`on`: the most likely alternatives of each token are kept with a draft. `off`: they are neither kept nor sent, which halves the storage of drafts.',
    default: 'on',
    example: 'off',
  }),
  CADENZA_MODEL_MEMORY_MB: documented(wholeNumber(64, 16_777_216).optional(), {
    meaning: 'Memory for all loaded models together, in MiB. Idle models are unloaded to make room for others.',
    default: 'half of the machine’s',
    example: '8192',
  }),
  CADENZA_MODEL_IDLE_MINUTES: documented(wholeNumber(1, 20_000).prefault('30'), {
    meaning: 'Minutes after which an idle model is unloaded. It is loaded again when a draft needs it.',
    default: '30',
    example: '5',
  }),
});

/** Every variable that the server reads, in the order of the table in docs/configuration.md. */
export const configVariables: readonly ConfigVariable[] = Object.entries(environment.shape).map(([name, schema]) => {
  const entry = documentation.get(schema);
  if (!entry) throw new Error(`${name} is not documented`);
  return { name, ...entry, secret: entry.secret ?? false };
});
