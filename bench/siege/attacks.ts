import { bomb } from './bombs.ts';
import { brokenFrames, pingFrame, textFrame } from './frames.ts';
import {
  document,
  goodUpgrade,
  httpRequest,
  pick,
  type Random,
  socketMessage,
  upgradeRequest,
  upTo,
} from './grammar.ts';
import { inspect, type Slips, Wire } from './wire.ts';

export interface Target {
  port: number;
  /** A good token, where one is needed. */
  authorization: string | null;
  slips: Slips;
}

/** @returns how many requests, messages and upgrades were sent */
type Attack = (target: Target, random: Random) => Promise<number>;

const answered = (text: string): boolean => /^HTTP\/1\.[01] (?!100)\d{3}[^]*\r\n\r\n/m.test(text);

/** One mutated request; at times with its end cut off, with rubbish behind it, or in pieces. */
const mutatedRequest: Attack = async ({ port, authorization, slips }, random) => {
  const wire = await Wire.open(port);
  wire.listen();
  const request = httpRequest(random, authorization);
  const rubbish = random() < 0.05 ? Buffer.from('\0\0rubbish\r\n\r\n') : Buffer.alloc(0);
  const whole = Buffer.concat([request, rubbish]);
  const cut = random() < 0.1 ? upTo(random, whole.length) : whole.length;
  const middle = random() < 0.2 ? upTo(random, cut) : cut;
  wire.socket.write(whole.subarray(0, middle));
  if (middle < cut) setImmediate(() => wire.socket.write(whole.subarray(middle, cut)));
  if (cut === whole.length) await wire.until(answered);
  inspect(slips, wire.text, () => request.toString());
  await (random() < 0.3 ? wire.reset() : wire.close());
  return 1;
};

const mutatedUpgrade: Attack = async ({ port, slips }, random) => {
  const wire = await Wire.open(port);
  wire.listen();
  const request = upgradeRequest(random);
  wire.socket.write(request);
  if (random() < 0.7) await wire.until(answered);
  inspect(slips, wire.text, () => request.toString());
  await (random() < 0.5 ? wire.reset() : wire.close());
  return 1;
};

async function openSocket({ port, authorization }: Target): Promise<Wire> {
  const wire = await Wire.open(port);
  wire.listen();
  wire.socket.write(goodUpgrade());
  await wire.until(answered);
  wire.socket.write(textFrame({ type: 'connection_init', payload: authorization === null ? {} : { authorization } }));
  await wire.until((text) => text.includes('connection_ack'));
  return wire;
}

/** A WebSocket that is opened well, mostly, and says mutated things. */
const mutatedMessages: Attack = async (target, random) => {
  const wire = await openSocket(target);
  const count = 1 + upTo(random, 20);
  const said: object[] = [];
  for (let n = 0; n < count; n++) {
    const message = socketMessage(random, random() < 0.5 ? target.authorization : null);
    said.push(message);
    wire.socket.write(random() < 0.03 ? pick(random, brokenFrames) : textFrame(message));
  }
  wire.socket.write(textFrame({ type: 'ping', payload: { last: true } }));
  await wire.until((text) => text.includes('"last"'));
  inspect(target.slips, wire.text, () => JSON.stringify(said));
  await (random() < 0.5 ? wire.reset() : wire.close());
  return count + 2;
};

/** The beginnings of everything, cut at one byte after the other. */
const resetAtByte = (bytes: Buffer): Attack => {
  let at = 0;
  return async ({ port }) => {
    const wire = await Wire.open(port);
    wire.socket.write(bytes.subarray(0, at++ % (bytes.length + 1)));
    if (at % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    await wire.reset();
    return 1;
  };
};

const QUERY = '{"query":"{ viewer { id } }"}';
const request = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${QUERY.length}\r\n\r\n${QUERY}`;
const conversation = Buffer.concat([
  Buffer.from(goodUpgrade()),
  textFrame({ type: 'connection_init' }),
  textFrame({ id: 'a', type: 'subscribe', payload: { query: '{ viewer { id } }' } }),
]);
const refusedUpgrade = goodUpgrade().replace('/graphql', '/nope');
const foreignUpgrade = goodUpgrade().replace('host:', 'origin: http://evil.example\r\nhost:');

/** More than the network between us holds back. */
const FLOOD_BYTES = 24 << 20;

/** Asks for more and more without reading, over WebSocket. */
const unreadMessages =
  (message: (n: number) => Buffer, isBegun = true): Attack =>
  async (target) => {
    const wire = isBegun ? await openSocket(target) : await Wire.open(target.port);
    if (!isBegun) wire.socket.write(goodUpgrade());
    wire.socket.removeAllListeners('data').pause();
    let n = 0;
    await wire.flood(() => message(n++), FLOOD_BYTES);
    await wire.reset();
    return n;
  };

/** The same over HTTP, one request behind the other. */
const unreadAnswers =
  (bytes: (target: Target) => string): Attack =>
  async (target) => {
    const wire = await Wire.open(target.port);
    const one = Buffer.from(bytes(target));
    let n = 0;
    await wire.flood(() => {
      n++;
      return one;
    }, 1 << 20);
    await wire.close();
    return n;
  };

const BIG = 'x'.repeat(60_000);
const subscribe = (n: number, query: string): Buffer =>
  textFrame({ id: `${n}`, type: 'subscribe', payload: { query } });
const introspection = '{ __schema { types { name description fields { name description args { name } } } } }';

const posted =
  (query: string, accept: string) =>
  ({ authorization }: Target): string => {
    const body = JSON.stringify({ query });
    const who = authorization === null ? '' : `authorization: ${authorization}\r\n`;
    return `POST /graphql HTTP/1.1\r\nhost: localhost\r\n${who}accept: ${accept}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };

/** A small document that asks for very much, by HTTP or as an event stream. */
const bombed: Attack = async (target, random) => {
  const wire = await Wire.open(target.port);
  wire.listen();
  const query = bomb(random);
  wire.socket.write(posted(query, query.startsWith('subscription') ? 'text/event-stream' : 'application/json')(target));
  await wire.until(answered);
  inspect(target.slips, wire.text, () => query.slice(0, 500));
  await (random() < 0.5 ? wire.reset() : wire.close());
  return 1;
};

/** Cheap and many: what most of a siege consists of. */
export const skirmishes: readonly [Attack, ...Attack[]] = [
  mutatedRequest,
  mutatedRequest,
  mutatedRequest,
  mutatedUpgrade,
  mutatedMessages,
  bombed,
  ...[Buffer.from(request), conversation, Buffer.from(refusedUpgrade), Buffer.from(foreignUpgrade)].map(resetAtByte),
];

/** Each is one connection that takes nothing of what it asks for. */
export const floods: readonly Attack[] = [
  unreadMessages(() => textFrame({ type: 'ping', payload: { BIG } })),
  unreadMessages(() => textFrame({ type: 'ping', payload: { BIG } }), false),
  unreadMessages(() => textFrame({ type: 'ping' })),
  unreadMessages(() => pingFrame(125)),
  unreadMessages((n) => subscribe(n, '{ nope }')),
  unreadMessages((n) => subscribe(n, introspection)),
  unreadMessages((n) =>
    textFrame({ type: n % 2 ? 'complete' : 'subscribe', id: `${n >> 1}`, payload: { query: '{ viewer { id } }' } }),
  ),
  unreadAnswers(() => 'GET /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n'),
  unreadAnswers(() => 'GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  unreadAnswers(posted(introspection, 'application/json')),
  unreadAnswers(posted('subscription { recommendations { requestId } }', 'text/event-stream')),
  // A hundred live lists, which every reaction changes.
  unreadMessages((n) => subscribe(n % 100, 'subscription { recommendations(first: 100) { requestId } }')),
  async ({ port, authorization }, random) => {
    // Asked for and left at once, again and again.
    for (let n = 0; n < 50; n++) {
      const wire = await Wire.open(port);
      wire.socket.write(httpRequest(random, authorization));
      wire.socket.write(document(random));
      await wire.reset();
    }
    return 50;
  },
];
