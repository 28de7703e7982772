import { readdirSync, readFileSync } from 'node:fs';

export type Random = () => number;

export const pick = <Item>(random: Random, items: readonly [Item, ...Item[]]): Item =>
  items[Math.floor(random() * items.length)] ?? items[0];
export const upTo = (random: Random, most: number): number => Math.floor(random() * (most + 1));

const documents = examples();

/** The worked examples that come with the server. */
function examples(): readonly [string, ...string[]] {
  const folder = new URL('../../assets/graphiql/', import.meta.url);
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  return ['{ viewer { id } }', ...texts, '{ __schema { types { name fields { name } } } }'];
}

const TOKENS = /[A-Za-z_]\w*|\$\w+|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\.\.\.|[^\s]/g;
const ODD = [
  '{',
  '}',
  '(',
  ')',
  '[',
  '...',
  '@skip(if: true)',
  '__proto__',
  'then',
  '$x',
  '"\\u0000"',
  '""""""',
  '1e999',
];
const WORDS = ['tracks', 'similar', 'recommendations', 'first: 100', 'id', 'nodes', 'edges', 'node', 'explanation'];

/** A document of ours with some tokens left out, doubled, moved or replaced by others. */
export function document(random: Random): string {
  const tokens = [...(pick(random, documents).match(TOKENS) ?? [])];
  for (let changes = upTo(random, 4); changes > 0; changes--) {
    const at = upTo(random, tokens.length);
    const length = upTo(random, 6);
    const inserted = pick(random, [
      () => [],
      () => [pick(random, ['', ...ODD])],
      () => [pick(random, ['', ...WORDS])],
      () => tokens.slice(at, at + length),
      () => Array.from({ length: upTo(random, 40) }, () => pick(random, ['{', '[', '(', 'a{'])),
    ]);
    tokens.splice(at, random() < 0.5 ? length : 0, ...inserted());
  }
  return tokens.join(' ');
}

/** Any JSON, mostly small. */
function json(random: Random, depth = 3): unknown {
  const leaf: readonly [unknown, ...unknown[]] = [
    null,
    true,
    0,
    -1,
    1e308,
    '',
    'x',
    '\u0000',
    '\ud800',
    '__proto__',
    'x'.repeat(upTo(random, 2_000)),
  ];
  if (depth === 0 || random() < 0.5) return pick(random, leaf);
  const items = Array.from({ length: upTo(random, 4) }, () => json(random, depth - 1));
  return random() < 0.5 ? items : Object.fromEntries(items.map((item, i) => [`${pick(random, KEYS)}${i || ''}`, item]));
}

const KEYS = ['query', 'variables', 'operationName', 'extensions', 'id', 'input', '__proto__', 'constructor'] as const;

/** The parameters of an operation: mostly of the right shape. */
function parameters(random: Random): unknown {
  if (random() < 0.1) return json(random);
  return {
    query: random() < 0.05 ? json(random) : document(random),
    ...(random() < 0.5 && { variables: json(random) }),
    ...(random() < 0.2 && { operationName: pick(random, ['', 'a', 'x'.repeat(5_000), '__proto__']) }),
    ...(random() < 0.1 && { extensions: json(random) }),
  };
}

const HOSTS = [
  'localhost',
  '127.0.0.1',
  '[',
  'a b',
  'x:99999',
  '',
  'evil.example',
  '[::1]',
  'localhost:',
  '@',
  '%00',
] as const;
const HEADERS = [
  'accept: */*',
  'accept: text/event-stream',
  'accept: text/html',
  'accept: ,;q=x',
  'accept-encoding: gzip, br',
  'origin: http://evil.example',
  'origin: null',
  'sec-fetch-site: cross-site',
  'authorization: Bearer x.y.z',
  'authorization: Bearer',
  'x-listener-id: \u00e9\u00ff',
  'x-forwarded-for: 1.2.3.4, ::1, x',
  'expect: 100-continue',
  'expect: 200-maybe',
  'transfer-encoding: chunked',
  'content-length: 5',
  'content-encoding: gzip',
  'connection: close',
  'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA',
  'connection: upgrade\r\nupgrade: websocket',
  'last-event-id: x',
  'if-none-match: "x"',
  'range: bytes=0-1',
  'cookie: a=b',
] as const;
const PATHS = [
  '/graphql',
  '/graphql',
  '/graphql',
  '/',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/nope',
  '//',
  '/%',
  '*',
] as const;
const TYPES = [
  'application/json',
  'application/json',
  'application/graphql',
  'text/plain',
  'multipart/form-data',
  'x',
] as const;

const lines = (all: readonly string[]): string => `${all.join('\r\n')}\r\n\r\n`;

/** A request over HTTP, as bytes. `authorization` is a good token, where one is needed. */
export function httpRequest(random: Random, authorization: string | null): Buffer {
  const method = pick(random, ['POST', 'POST', 'POST', 'GET', 'OPTIONS', 'HEAD', 'PUT', 'DELETE', 'PATCH']);
  const text = random() < 0.1 ? 'not json' : JSON.stringify(parameters(random));
  const isGet = method === 'GET';
  const query = isGet ? `?query=${encodeURIComponent(document(random).slice(0, 3_000))}` : '';
  const body = Buffer.from(isGet ? '' : text);
  const head = lines([
    `${method} ${pick(random, PATHS)}${query} HTTP/${random() < 0.05 ? '1.0' : '1.1'}`,
    `host: ${random() < 0.8 ? 'localhost' : pick(random, HOSTS)}`,
    ...(isGet ? [] : [`content-type: ${pick(random, TYPES)}`, `content-length: ${body.length}`]),
    ...(authorization !== null && random() < 0.7 ? [`authorization: ${authorization}`] : []),
    ...Array.from({ length: upTo(random, 3) }, () => pick(random, HEADERS)),
  ]);
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const KEY = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==';
const PROTOCOL = 'sec-websocket-protocol: graphql-transport-ws';

/** What opens a WebSocket, and nothing else. */
export const goodUpgrade = (): string =>
  lines([
    'GET /graphql HTTP/1.1',
    'host: localhost',
    'connection: Upgrade',
    'upgrade: websocket',
    VERSION,
    KEY,
    PROTOCOL,
  ]);

const VERSION = 'sec-websocket-version: 13';

/** A request for a WebSocket of which something may be wrong. */
export function upgradeRequest(random: Random): Buffer {
  const maybe = (line: string): string[] => (random() < 0.93 ? [line] : []);
  const head = lines([
    `${random() < 0.95 ? 'GET' : 'POST'} ${random() < 0.8 ? '/graphql' : pick(random, PATHS)} HTTP/1.1`,
    `host: ${random() < 0.9 ? 'localhost' : pick(random, HOSTS)}`,
    ...maybe('connection: Upgrade'),
    `upgrade: ${random() < 0.9 ? 'websocket' : pick(random, ['h2c', 'WebSocket', 'websocket, h2c', 'tls', ''])}`,
    ...maybe(VERSION),
    random() < 0.9 ? KEY : `sec-websocket-key: ${pick(random, ['', 'x', '='.repeat(24)])}`,
    ...maybe(random() < 0.9 ? PROTOCOL : 'sec-websocket-protocol: ,,'),
    ...Array.from({ length: upTo(random, 1) }, () => pick(random, HEADERS)),
  ]);
  return Buffer.from(head, 'latin1');
}

/** A message of the protocol, or nearly one. */
export function socketMessage(random: Random, authorization: string | null): object {
  const id = pick(random, [() => 'a', () => `${upTo(random, 1e6)}`, () => json(random, 1), () => 'x'.repeat(129)])();
  return pick(random, [
    () => ({ type: 'connection_init', payload: authorization === null ? json(random) : { authorization } }),
    () => ({ type: 'ping', ...(random() < 0.5 && { payload: json(random) }) }),
    () => ({ type: 'pong' }),
    () => ({ type: 'complete', id }),
    () => ({ type: 'subscribe', id, payload: parameters(random) }),
    () => ({ type: 'subscribe', id, payload: parameters(random) }),
    () => ({ type: 'subscribe', id, payload: { query: 'subscription { recommendations { requestId } }' } }),
    () => ({ type: json(random, 0), id }),
  ])();
}
