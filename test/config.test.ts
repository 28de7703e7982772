import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { childEnvironment, loadConfig } from '../src/config.ts';
import { configVariables } from '../src/config/variables.ts';
import { databaseUrlProblem, maskPassword } from '../src/lib/database-url.ts';
import { StartupError } from '../src/lib/errors.ts';
import { nearest } from '../src/lib/text/nearest.ts';

const secret = 'x'.repeat(32);

function refusal(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError);
    return (error as StartupError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('[CONF1] an invalid value prevents the start with its name, its problem and an example', () => {
  test.each([
    ['PORT', '80a', 'is not a whole number from 0 to 65535'],
    ['PORT', '65536', 'is not a whole number'],
    ['PORT', '-1', 'is not a whole number'],
    ['PORT', '1e3', 'is not a whole number'],
    ['PORT', ' 80', 'is not a whole number'],
    ['HOST', '300.1.1.1', 'is neither an IP address nor a host name'],
    ['HOST', 'http://localhost', 'is neither'],
    ['HOST', '0.0.0.0', 'needs CADENZA_JWT_SECRET or CADENZA_JWKS_URL'],
    ['HOST', '::', 'needs CADENZA_JWT_SECRET'],
    ['HOST', 'cadenza.example.com', 'needs CADENZA_JWT_SECRET'],
    ['CADENZA_DEMO', 'yes', 'is not one of auto, off'],
    ['CADENZA_LOG_LEVEL', 'loud', 'is not one of trace, debug'],
    ['CADENZA_LOG_FORMAT', 'xml', 'is not one of auto, json, pretty'],
    ['CADENZA_JWKS_URL', 'ftp://id.example.com', 'is not an http(s) URL'],
    ['CADENZA_JWT_ISSUER', 'me', 'has no effect without'],
    ['CADENZA_JWT_AUDIENCE', 'us', 'has no effect without'],
    ['CADENZA_VISITOR_HOURS', '0', 'is not a whole number from 1 to 8760'],
    ['CADENZA_TRUSTED_PROXIES', '10.0.0.0/8,proxy.example', '"proxy.example" is neither an address nor a network'],
    ['CADENZA_TRUSTED_PROXIES', '0.0.0.0/0', 'is not a list of addresses'],
    ['CADENZA_CORS_ORIGINS', 'https://a.example,*', '"*" should be a scheme'],
    ['CADENZA_CORS_ORIGINS', 'https://a.example/', 'is not a list of origins'],
    ['CADENZA_CORS_ORIGINS', 'capacitor://localhost/', 'is not a list of origins'],
    ['CADENZA_CORS_ORIGINS', 'javascript:alert(1)', 'is not a list of origins'],
    ['CADENZA_CORS_ORIGINS', 'null', 'is not a list of origins'],
    ['CADENZA_GRAPHIQL', 'yes', 'is not one of on, off'],
    ['CADENZA_DOCUMENT_KB', '0', 'is not a whole number from 1 to 1024'],
    ['CADENZA_MODELS', '/no/such/file.json', 'is not a file that exists'],
    ['CADENZA_FETCH_MODELS', 'on', 'is not one of auto, off'],
    ['CADENZA_KERNELS', 'fast', 'is not one of auto, blocks, integers'],
    ['CADENZA_THREADS', '0', 'is not a whole number from 1 to 1024'],
    ['CADENZA_QUEUE', '0', 'is not a whole number from 1 to 10000'],
    ['CADENZA_EXPLORATION', '0.6', 'is not a number from 0 to 0.5'],
    ['CADENZA_ROLE', 'both', 'is not one of all, api, engine'],
    ['CADENZA_ROLE', 'api', 'needs DATABASE_URL to be set'],
    ['CADENZA_LOG', 'redis', 'is not one of postgres, nats'],
    ['CADENZA_LOG', 'nats', 'needs CADENZA_NATS_URL to be set'],
    ['CADENZA_NATS_REPLICAS', '0', 'is not a whole number from 1 to 5'],
    ['CADENZA_LIST_DAYS', '1', 'is not a whole number from 2 to 36500'],
    ['CADENZA_USAGE_DAYS', '31', 'is not a whole number from 62 to 36500'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'is not an http(s) URL'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'is not a number from 0 to 1'],
    ['CADENZA_AUDIT_DAYS', '0', 'is not a whole number from 1 to 36500'],
    ['CADENZA_CONSENT', 'training,marketing', 'is neither none nor a list of training, analytics'],
    ['CADENZA_LOG_DAYS', '0', 'is not a whole number from 1 to 36500'],
  ])('%s=%s', (name, value, problem) => {
    const message = refusal({ [name]: value });
    const line = message.split('\n').find((candidate) => candidate.startsWith(`  ${name} `));
    expect(line).toContain(JSON.stringify(value));
    expect(line).toContain(problem);
    expect(line).toContain(`For example: ${name}=`);
  });
});

test('[CONF1] all problems are reported at once', () => {
  const message = refusal({
    PORT: 'x',
    CADENZA_DEMO: 'x',
    HOST: '0.0.0.0',
    CADENZA_JWT_ISSUER: 'x',
    CADENZA_QUEUE: 'x',
  });
  const named = message.split('\n').flatMap((line) => /^ {2}(\w+) /.exec(line)?.[1] ?? []);
  expect(named.sort()).toEqual(['CADENZA_DEMO', 'CADENZA_JWT_ISSUER', 'CADENZA_QUEUE', 'HOST', 'PORT']);
});

test('[CONF1] a shared secret and JWKS exclude each other', () => {
  const both = { CADENZA_JWT_SECRET: secret, CADENZA_JWKS_URL: 'https://id.example.com/jwks' };
  expect(refusal(both)).toContain('cannot be set together with CADENZA_JWT_SECRET');
});

test('[CONF1] master keys come from one place', () => {
  const both = { CADENZA_MASTER_KEY: 'x', CADENZA_MASTER_KEY_COMMAND: 'print-keys --all' };
  expect(refusal(both)).toContain('cannot be set together with CADENZA_MASTER_KEY');
  expect(refusal(both)).not.toContain('print-keys');
  expect(loadConfig({ CADENZA_MASTER_KEY: 'x' }).masterKey).toEqual({ kind: 'key', keys: 'x' });
  const command = { CADENZA_MASTER_KEY_COMMAND: 'print-keys' };
  expect(loadConfig(command).masterKey).toEqual({ kind: 'command', command: 'print-keys' });
});

test('[CONF1] visitors need authentication, which others than visitors pass', () => {
  expect(refusal({ CADENZA_VISITOR_SECRET: secret })).toContain('has no effect without CADENZA_JWT_SECRET');
});

test('[CONF2] a message about a secret does not contain it', () => {
  const message = refusal({ CADENZA_JWT_SECRET: 'hunter2', DATABASE_URL: 'postgres://me:hunter2@host' });
  expect(message).toContain('CADENZA_JWT_SECRET (its value is not shown) is shorter than 32 bytes');
  expect(message).toContain('DATABASE_URL (its value is not shown) names no database');
  expect(message).not.toContain('hunter2');
});

test('[CONF2] a connection URL is shown without its password, and child processes do not get secrets', () => {
  expect(maskPassword('postgres://me:hunter2@db:5432/app?password=hunter2')).not.toContain('hunter2');
  expect(maskPassword('postgres://me@db/app')).toBe('postgres://me@db/app');
  expect(maskPassword('postgres://me:hunter2@[::1]:1,db:2/app')).toBe('postgres://me:***@[::1]:1,db:2/app');
  const inherited = childEnvironment({ PATH: '/bin', DATABASE_URL: 'a', CADENZA_JWT_SECRET: 'b', CADENZA_DEMO: 'off' });
  expect(inherited).toEqual({ PATH: '/bin', CADENZA_DEMO: 'off' });
});

test.each([
  ['postgres://u:p@host:5432/db', null],
  ['postgresql://u:p%40ss@host/db?sslmode=require', null],
  ['mysql://u@host/db', 'does not start with postgres://'],
  ['host=localhost dbname=x', 'is not a URL'],
  ['postgres://u:p#ss@host/db', 'is not a URL'],
  ['postgres://u:100%@host/db', 'has a %'],
  ['postgres://u:p@host', 'names no database'],
  ['postgres:///db', 'names no host'],
  ['postgres:///db?host=/var/run/postgresql', null],
  ['postgres://%2Fvar%2Frun%2Fpostgresql/db', null],
  ['postgres://u:p@[::1]:5432/db', null],
  ['postgres://u:p@[::1],db.example.com:5433/db?target_session_attrs=primary', null],
  ['postgres://u:p@a,b/db?port=1,2', null],
  ['postgres://u:p@::1/db', 'an IPv6 address is written in brackets'],
  ['postgres://u:p@host:54a/db', 'has a port that is no number'],
  ['postgres://u:p@host:70000/db', 'has a port that is no number'],
  ['postgres://u:p@host,/db', 'names no host'],
  ['postgres://host/db?sslmode=on', 'has sslmode, which cannot be used: it has to be one of disable, allow'],
  ['postgres://host/db?target_session_attrs=standby', 'it needs the primary'],
  ['postgres://host/db?channel_binding=require', 'sslmode=verify-full'],
  ['postgres://host/db?schema=app', 'set CADENZA_SCHEMA'],
  ['postgres://host/db?connection_limit=5', 'set CADENZA_DATABASE_CONNECTIONS'],
  ['postgres://host/db?connect_timeout=soon', 'it has to be a number of seconds'],
])('DATABASE_URL %s', (url, problem) => {
  expect(databaseUrlProblem(url) ?? '').toContain(problem ?? '');
  expect(databaseUrlProblem(url) === null).toBe(problem === null);
});

test('[CONF3] an unknown CADENZA_ variable causes a warning that names the most similar one', () => {
  const { warnings } = loadConfig({
    CADENZA_LOGLEVEL: 'info',
    CADENZA_SOMETHING_ELSE: '1',
    OTHER: '1',
    CADENZA_DEMO: 'off',
  });
  expect(warnings).toEqual([
    'CADENZA_LOGLEVEL is set, but Cadenza has no such variable; did you mean CADENZA_LOG_LEVEL?',
    'CADENZA_SOMETHING_ELSE is set, but Cadenza has no such variable',
  ]);
});

test('[RATE8] absent and empty values mean the defaults: without authentication there are no rates', () => {
  const empty = Object.fromEntries(configVariables.map(({ name }) => [name, '']));
  expect(loadConfig(empty)).toEqual(loadConfig({}));
  expect(loadConfig({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    databaseUrl: null,
    databaseSchema: 'public',
    databaseConnections: 8,
    masterKey: null,
    dataDir: resolve('.cadenza'),
    demo: true,
    logLevel: 'info',
    logFormat: 'auto',
    auth: null,
    visitors: null,
    corsOrigins: [],
    production: false,
    graphiql: true,
    takesGet: true,
    introspection: true,
    studio: true,
    limits: {
      ...{ messageBytes: 1_048_576, documentBytes: 16_384, operations: 100 },
      ...{ bufferBytes: 16_384, operationMs: 30_000, heartbeatMs: 15_000 },
    },
    rates: {
      ...{ requests: null, mutations: null, feedback: null, address: null, failures: null, visitors: null },
      ...{ socketsPerListener: null, socketsPerAddress: null, trustedProxies: [] },
    },
    cost: { budget: 200_000, staffBudget: 200_000, socketPerMinute: 4_000_000, resultBytes: 4_194_304 },
    modelsFile: null,
    tracing: null,
    network: { hubToken: null, hubEndpoint: null, proxies: null },
    documents: 'any',
    pricesFile: null,
    fetchModels: true,
    device: 'auto',
    kernels: 'blocks',
    threads: availableParallelism(),
    slots: 16,
    queue: 16,
    draftsAtOnce: 16,
    visitorDraftsAtOnce: 4,
    exploration: 0,
    role: 'all',
    draftLog: { kind: 'postgres' },
    keepsAlternatives: true,
    retention: { drafts: null, logs: 30, lists: 90, feedback: null, usage: null, audit: 365 },
    consentUnlessSaid: { training: true, analytics: true },
    modelMemoryMb: null,
    modelIdleMinutes: 30,
    warnings: [],
  });
});

test('[RATE8] with authentication there are rates', () => {
  const { rates } = loadConfig({ CADENZA_JWT_SECRET: secret, CADENZA_RATE_REQUESTS: '7' });
  expect(rates).toEqual({
    ...{ requests: 7, mutations: 600, feedback: 6_000, address: 12_000, failures: 120, visitors: 10 },
    ...{ socketsPerListener: 50, socketsPerAddress: 500, trustedProxies: [] },
  });
});

test('each variable is read', () => {
  const config = loadConfig({
    PORT: '0',
    HOST: '0.0.0.0',
    DATABASE_URL: 'postgres://u:p@host/db',
    CADENZA_SCHEMA: 'cadenza',
    CADENZA_DATABASE_CONNECTIONS: '20',
    CADENZA_MASTER_KEY_FILE: 'keys',
    CADENZA_DATA_DIR: 'data',
    CADENZA_DEMO: 'off',
    CADENZA_LOG_LEVEL: 'debug',
    CADENZA_LOG_FORMAT: 'json',
    CADENZA_JWKS_URL: 'https://id.example.com/jwks',
    CADENZA_JWT_ISSUER: 'issuer',
    CADENZA_JWT_AUDIENCE: 'audience',
    CADENZA_JWT_MAX_HOURS: '24',
    CADENZA_VISITOR_SECRET: secret,
    CADENZA_VISITOR_HOURS: '12',
    CADENZA_CORS_ORIGINS: 'https://a.example, http://localhost:5173, tauri://localhost',
    CADENZA_GRAPHIQL: 'off',
    CADENZA_GET: 'off',
    CADENZA_INTROSPECTION: 'off',
    CADENZA_STUDIO: 'off',
    CADENZA_DOCUMENT_KB: '32',
    CADENZA_MESSAGE_KB: '64',
    CADENZA_SOCKET_OPERATIONS: '9',
    CADENZA_SOCKET_BUFFER_KB: '32',
    CADENZA_COST_BUDGET: '50000',
    CADENZA_STAFF_COST_BUDGET: '70000',
    CADENZA_SOCKET_COST: '90000',
    CADENZA_RESULT_KB: '1024',
    CADENZA_OPERATION_SECONDS: '12',
    CADENZA_HEARTBEAT_SECONDS: '5',
    CADENZA_RATE_REQUESTS: '1',
    CADENZA_RATE_MUTATIONS: '2',
    CADENZA_RATE_FEEDBACK: '3',
    CADENZA_RATE_ADDRESS: '4',
    CADENZA_RATE_FAILURES: '5',
    CADENZA_RATE_VISITORS: '8',
    CADENZA_SOCKETS_PER_LISTENER: '6',
    CADENZA_SOCKETS_PER_ADDRESS: '7',
    CADENZA_TRUSTED_PROXIES: 'loopback, 10.0.0.0/8,fd00::/8',
    CADENZA_MODELS: 'package.json',
    CADENZA_DOCUMENTS: 'required',
    CADENZA_PRICES: 'package.json',
    CADENZA_FETCH_MODELS: 'off',
    CADENZA_DEVICE: 'cuda',
    CADENZA_KERNELS: 'integers',
    CADENZA_THREADS: '3',
    CADENZA_SLOTS: '5',
    CADENZA_QUEUE: '7',
    CADENZA_DRAFTS_AT_ONCE: '3',
    CADENZA_VISITOR_DRAFTS_AT_ONCE: '2',
    CADENZA_EXPLORATION: '0.05',
    CADENZA_ROLE: 'engine',
    CADENZA_LOG: 'nats',
    CADENZA_NATS_URL: 'nats://host:4222',
    CADENZA_NATS_REPLICAS: '3',
    CADENZA_ALTERNATIVES: 'off',
    CADENZA_LOG_DAYS: '7',
    CADENZA_DRAFT_DAYS: '365',
    CADENZA_LIST_DAYS: '30',
    CADENZA_FEEDBACK_DAYS: '730',
    CADENZA_USAGE_DAYS: '400',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example.com:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer a=b, x-tenant=music',
    OTEL_SERVICE_NAME: 'cadenza-eu',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    CADENZA_AUDIT_DAYS: '3650',
    CADENZA_CONSENT: 'analytics',
    CADENZA_MODEL_MEMORY_MB: '4096',
    CADENZA_MODEL_IDLE_MINUTES: '9',
    HF_TOKEN: 'hf_x',
    HF_ENDPOINT: 'https://hub.example.com/',
    HTTPS_PROXY: 'http://proxy.example:3128/',
    HTTP_PROXY: 'http://other.example/',
    NO_PROXY: '.example',
  });
  expect(config).toEqual({
    port: 0,
    host: '0.0.0.0',
    databaseUrl: 'postgres://u:p@host/db',
    databaseSchema: 'cadenza',
    databaseConnections: 20,
    masterKey: { kind: 'file', path: resolve('keys') },
    dataDir: resolve('data'),
    demo: false,
    logLevel: 'debug',
    logFormat: 'json',
    auth: { kind: 'jwks', url: 'https://id.example.com/jwks', issuer: 'issuer', audience: 'audience', maxHours: 24 },
    visitors: { secret, hours: 12 },
    corsOrigins: ['https://a.example', 'http://localhost:5173', 'tauri://localhost'],
    production: false,
    graphiql: false,
    takesGet: false,
    introspection: false,
    studio: false,
    limits: {
      messageBytes: 65_536,
      documentBytes: 32_768,
      operations: 9,
      bufferBytes: 32_768,
      operationMs: 12_000,
      heartbeatMs: 5_000,
    },
    rates: {
      ...{ requests: 1, mutations: 2, feedback: 3, address: 4, failures: 5, visitors: 8 },
      ...{ socketsPerListener: 6, socketsPerAddress: 7, trustedProxies: ['loopback', '10.0.0.0/8', 'fd00::/8'] },
    },
    cost: { budget: 50_000, staffBudget: 70_000, socketPerMinute: 90_000, resultBytes: 1_048_576 },
    modelsFile: resolve('package.json'),
    documents: 'required',
    pricesFile: resolve('package.json'),
    fetchModels: false,
    device: 'cuda',
    kernels: 'integers',
    threads: 3,
    slots: 5,
    queue: 7,
    draftsAtOnce: 3,
    visitorDraftsAtOnce: 2,
    exploration: 0.05,
    role: 'engine',
    draftLog: { kind: 'nats', url: 'nats://host:4222', replicas: 3 },
    keepsAlternatives: false,
    retention: { drafts: 365, logs: 7, lists: 30, feedback: 730, usage: 400, audit: 3650 },
    tracing: {
      endpoint: 'http://collector.example.com:4318',
      headers: { authorization: 'Bearer a=b', 'x-tenant': 'music' },
      serviceName: 'cadenza-eu',
      ratio: 0.25,
    },
    consentUnlessSaid: { training: false, analytics: true },
    modelMemoryMb: 4096,
    modelIdleMinutes: 9,
    network: {
      hubToken: 'hf_x',
      hubEndpoint: 'https://hub.example.com',
      proxies: { http: 'http://other.example/', https: 'http://proxy.example:3128/', except: '.example' },
    },
    warnings: [],
  });
  expect(Object.isFrozen(config)).toBe(true);
  expect(loadConfig({ CADENZA_JWT_SECRET: secret }).auth).toEqual({
    kind: 'secret',
    secret,
    issuer: null,
    audience: null,
    maxHours: 720,
  });
});

test('without authentication every form of the loopback address is accepted', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(loadConfig({ HOST: host }).host).toBe(host);
});

test('[CONF4] the configuration page has a row for every variable, and for no other', async () => {
  const page = await readFile(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  const cells = (line: string) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = page
    .split('\n')
    .filter((line) => /^\| *`(PORT|HOST|DATABASE_URL|HF_\w+|OTEL_\w+|\w+_PROXY|CADENZA_\w+)` *\|/.test(line));
  const code = (text: string) => `\`${text}\``;
  const expected = configVariables.map((variable) => [
    code(variable.name),
    variable.meaning,
    variable.default === null ? '–' : code(variable.default),
    code(variable.example),
  ]);
  expect(rows.map(cells)).toEqual(expected);
});

test.each([
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['DATA_DRI', 'DATA_DIR'],
  ['QUEU', 'QUEUE'],
  ['ZZZ', null],
  ['', null],
])('the nearest name to %s is %s', (word, expected) => {
  expect(nearest(word, ['LOG_LEVEL', 'LOG_FORMAT', 'DATA_DIR', 'QUEUE'])).toBe(expected);
});
