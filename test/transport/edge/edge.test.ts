import { subscribe as subscribeTo, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { silentLogger } from '../../../src/lib/log.ts';
import { Connections } from '../../../src/transport/sockets/connections.ts';
import { ask, startListening } from '../../support/listening.ts';
import {
  GRAPHQL_PROTOCOL,
  head,
  openConnection,
  pingFrame,
  received,
  textMessage,
  upgrade,
} from '../../support/network/bare-connection.ts';
import { startServer } from '../../support/server.ts';

const POST = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
const QUERY = '{"query":"{ viewer { id } }"}';
const posted = (...headers: string[]): string => head(...POST, `content-length: ${QUERY.length}`, ...headers) + QUERY;

/** However it closes: `once` would take a reset for a failure. */
const closing = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()));

/** The server's ends of the connections that are made from now on, in this order. */
function acceptedSockets(): readonly Socket[] {
  const accepted: Socket[] = [];
  const add = (message: unknown): void => void accepted.push((message as { socket: Socket }).socket);
  subscribeTo('net.server.socket', add);
  onTestFinished(() => void unsubscribe('net.server.socket', add));
  return accepted;
}

describe('[EDGE1] a connection that is reset at any moment is no failure', () => {
  const beginnings = {
    'an upgrade to another path': upgrade('/nope', GRAPHQL_PROTOCOL),
    'an upgrade from a foreign origin': upgrade('/graphql', GRAPHQL_PROTOCOL, 'origin: http://evil.example'),
    'an upgrade with a key that is none': upgrade('/graphql', GRAPHQL_PROTOCOL, 'sec-websocket-key: x'),
    'an upgrade with two hosts': upgrade('/graphql', GRAPHQL_PROTOCOL, 'host: localhost'),
    'an upgrade to HTTP/2': posted('connection: Upgrade', 'upgrade: h2c'),
    'an upgrade behind a request': posted() + upgrade('/graphql', GRAPHQL_PROTOCOL),
    'an accepted upgrade': Buffer.concat([Buffer.from(upgrade('/graphql', GRAPHQL_PROTOCOL)), pingFrame(20)]),
    'a request': posted(),
    'a body that is waited for': head(...POST, 'content-length: 100', 'expect: 100-continue'),
    'a tunnel': head('CONNECT localhost:1 HTTP/1.1', 'host: localhost'),
    'a request with rubbish behind it': `${posted()}\r\n\0\0 rubbish\r\n\r\n`,
    'no request': 'rubbish\r\n\r\n',
  };

  it('whatever it requested', async () => {
    const server = await startServer();
    for (const beginning of Object.values(beginnings)) {
      for (let attempt = 0; attempt < 5; attempt++) {
        const socket = await openConnection(server.url);
        socket.write(beginning);
        socket.resetAndDestroy();
        await once(socket, 'close');
      }
    }
    expect((await ask(`${server.url}/graphql`, '{ viewer { externalId } }')).errors).toBeUndefined();
    const { code, output } = await server.stop();
    expect(output).not.toMatch(/ECONNRESET|EPIPE|uncaught/i);
    expect(code).toBe(0);
  });
});

const BIG = 'x'.repeat(60_000);
const operation = (n: number, query: string): Buffer =>
  textMessage({ id: `${n}`, type: 'subscribe', payload: { query } });

describe('[EDGE2] a client that does not read is not read from', () => {
  const floods: { name: string; message: (n: number) => Buffer; begins?: boolean }[] = [
    { name: 'pings of the protocol', message: () => textMessage({ type: 'ping', payload: { BIG } }) },
    { name: 'pings before it began', message: () => textMessage({ type: 'ping', payload: { BIG } }), begins: false },
    { name: 'pings of WebSocket', message: () => pingFrame(125) },
    { name: 'operations that are refused', message: (n) => operation(n, `{ ${'nope'.repeat(500)} }`) },
    {
      name: 'introspection',
      message: (n) => operation(n, '{ __type(name: "Query") { fields { name description } } }'),
    },
  ];

  /** Sends on and on, reading nothing. @returns once it is not read from any more, or has sent more than any kernel holds */
  async function flood(socket: Socket, accepted: Socket, message: (n: number) => Buffer) {
    let mostWaiting = 0;
    const held = new Promise<void>((resolve) => accepted.once('pause', resolve));
    for (let n = 0, sent = 0; !accepted.isPaused() && sent < 64 << 20; n++) {
      const bytes = message(n);
      sent += bytes.length;
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), held]);
      mostWaiting = Math.max(mostWaiting, accepted.writableLength);
    }
    return { isHeld: accepted.isPaused(), mostWaiting };
  }

  it.each(floods)('$name', async ({ message, begins = true }) => {
    const accepted = acceptedSockets();
    const server = await startListening({ limits: { heartbeatMs: 600_000 }, initMs: 600_000 });
    const socket = await openConnection(server.url);
    socket.write(upgrade('/graphql', GRAPHQL_PROTOCOL));
    await received(socket, '101 Switching');
    if (begins) {
      socket.write(textMessage({ type: 'connection_init' }));
      await received(socket, 'connection_ack');
    }
    socket.pause();
    const { isHeld, mostWaiting } = await flood(socket, accepted[0]!, message);
    expect(isHeld).toBe(true);
    expect(mostWaiting).toBeLessThan(4 << 20);
    // Once it reads again, it is heard again: nothing that it sent is lost.
    socket.write(textMessage({ type: 'ping', payload: { last: true } }));
    await heard(socket, '"last"');
  });

  async function heard(socket: Socket, end: string): Promise<void> {
    let tail = '';
    const found = new Promise<void>((resolve) => {
      socket.on('data', (data: Buffer) => {
        tail = (tail + data.toString('latin1')).slice(-data.length - end.length);
        if (tail.includes(end)) resolve();
      });
    });
    socket.resume();
    await found;
  }

  it('a connection that breaks meanwhile is one log line at debug level', async () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
    const accepted = acceptedSockets();
    const server = await startListening({ limits: { heartbeatMs: 600_000 }, log });
    const socket = await openConnection(server.url);
    socket.write(upgrade('/graphql', GRAPHQL_PROTOCOL));
    await received(socket, '101 Switching');
    socket.pause();
    await flood(socket, accepted[0]!, () => textMessage({ type: 'ping', payload: { BIG } }));
    const closed = closing(accepted[0]!);
    socket.resetAndDestroy();
    await closed;
    // Whatever else there is to say is said before the next request is answered.
    await ask(server.graphqlUrl, '{ viewer { id } }');
    const told = lines.filter(({ msg }) => msg !== 'Request');
    expect(told).toMatchObject([{ level: 20, msg: 'A connection broke' }]);
  });

  it('endless requests without reading an answer', async () => {
    const server = await startListening({ limits: { heartbeatMs: 100 } });
    const query = '{"query":"{ __schema { types { name description fields { name description } } } }"}';
    const request = head(...POST, `content-length: ${query.length}`) + query;
    const socket = await openConnection(server.url);
    const closed = closing(socket);
    const unread = async (): Promise<void> => {
      for (let sent = 0; sent < 100_000 && !socket.destroyed; sent++) {
        if (!socket.write(request)) await Promise.race([once(socket, 'drain'), closed]);
      }
    };
    void unread().catch(() => undefined);
    await closed;
  });

  it('[SERVE2] a connection may have as many unanswered requests as a socket may have operations', async () => {
    const server = await startListening({ limits: { operations: 20 } });
    const few = await openConnection(server.url);
    few.write(posted().repeat(20));
    await received(few, (text) => text.split('"viewer"').length === 21);
    const many = await openConnection(server.url);
    many.resume().write(posted().repeat(1_000));
    await closing(many);
  });
});

it('[EDGE3] an answer of which nothing is accepted within two heartbeats is terminated, whatever is requested meanwhile', async () => {
  const answer = Buffer.alloc(64 << 20, 'x');
  const server = createServer((_, response) => void response.end(answer));
  new Connections(server, { limits: { heartbeatMs: 50, operations: 100 }, log: silentLogger });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const socket = await openConnection(`http://127.0.0.1:${port}`);
  socket.write(head('GET / HTTP/1.1', 'host: localhost'));
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  // As a library does that answers what was asked behind it.
  response.socket?.setTimeout(0);
  await new Promise((resolve) => response.once('close', resolve));
  let taken = 0;
  socket.on('data', ({ length }: Buffer) => (taken += length));
  await closing(socket);
  expect(taken).toBeLessThan(answer.length);
});

describe('[EDGE9] a client with many operations does not delay others', () => {
  const MUCH = 40;
  const schema = '{ __schema { types { name description fields { name description } } } }';

  it.each([
    {
      over: 'WebSocket',
      begin: async (socket: Socket) => {
        socket.write(upgrade('/graphql', GRAPHQL_PROTOCOL));
        await received(socket, '101 Switching');
        socket.write(textMessage({ type: 'connection_init' }));
        await received(socket, 'connection_ack');
      },
      asked: Buffer.concat(Array.from({ length: MUCH }, (_, n) => operation(n, schema))),
    },
    {
      over: 'HTTP',
      begin: () => Promise.resolve(),
      asked:
        `${head(...POST, `content-length: ${JSON.stringify({ query: schema }).length}`)}${JSON.stringify({ query: schema })}`.repeat(
          MUCH,
        ),
    },
  ])('over $over', async ({ begin, asked }) => {
    const server = await startListening();
    const socket = await openConnection(server.url);
    await begin(socket);
    let answers = 0;
    const first = new Promise<void>((resolve) => {
      socket.on('data', (data: Buffer) => {
        answers += data.toString('latin1').split('"__schema"').length - 1;
        if (answers > 0) resolve();
      });
    });
    socket.write(asked);
    await first;
    await ask(server.graphqlUrl, '{ viewer { id } }');
    expect(answers).toBeLessThan(MUCH);
    await expect.poll(() => answers, { timeout: 30_000 }).toBe(MUCH);
  });
});

it('[EDGE9] messages that arrive in one read do not delay others', async () => {
  const server = await startListening();
  const socket = await openConnection(server.url);
  socket.write(upgrade('/graphql', GRAPHQL_PROTOCOL));
  await received(socket, '101 Switching');
  socket.write(textMessage({ type: 'connection_init' }));
  await received(socket, 'connection_ack');
  const MUCH = 2_000;
  const pings = Buffer.concat(Array.from({ length: MUCH }, () => textMessage({ type: 'ping' })));
  expect(pings.length).toBeLessThan(65_536);
  let answer = '';
  const pongs = (): number => answer.split('"pong"').length - 1;
  const first = new Promise<void>((resolve) => {
    socket.on('data', (data: Buffer) => {
      answer += data.toString('latin1');
      resolve();
    });
  });
  socket.write(pings);
  await first;
  await ask(server.graphqlUrl, '{ viewer { id } }');
  expect(pongs()).toBeLessThan(MUCH);
  await expect.poll(pongs, { timeout: 30_000 }).toBe(MUCH);
});

describe('[EDGE5] another upgrade is ignored', () => {
  const h2c = ['connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAoAAAAAIAAAAA'];

  it('for a POST whose body arrives later, and for further requests on the connection', async () => {
    const server = await startListening();
    const socket = await openConnection(server.url);
    socket.write(head(...POST, `content-length: ${QUERY.length}`, ...h2c));
    socket.write(QUERY.slice(0, 10));
    // Whatever is answered to another is answered after this.
    await ask(server.graphqlUrl, '{ viewer { id } }');
    socket.write(QUERY.slice(10));
    expect(await received(socket, '"viewer"')).toMatch(/^HTTP\/1\.1 200 /);
    socket.write(posted(...h2c));
    expect(await received(socket, '"viewer"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['health', head('GET /health/live HTTP/1.1', 'host: localhost', ...h2c), /^HTTP\/1\.1 200 [^]*"live"/],
    [
      'a WebSocket that is asked for with POST',
      posted('connection: Upgrade', 'upgrade: websocket'),
      /200 [^]*"viewer"/,
    ],
    ['one of several', posted('connection: Upgrade', 'upgrade: websocket, h2c'), /200 [^]*"viewer"/],
  ])('%s', async (_, request, answer) => {
    const server = await startListening();
    const socket = await openConnection(server.url);
    socket.write(request);
    await received(socket, answer);
  });
});

it('[EDGE10] an idle connection is kept longer than load balancers keep theirs, and says how long', async () => {
  const { url } = await startListening();
  const response = await fetch(`${url}/health/live`);
  expect(response.headers.get('keep-alive')).toBe('timeout=75');
});

describe('[EDGE6] limits of headers and ids', () => {
  it('an id of an operation has at most 128 characters', async () => {
    const server = await startListening();
    const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    const subscribe = (id: string) =>
      JSON.stringify({ type: 'subscribe', id, payload: { query: '{ viewer { id } }' } });
    socket.send(subscribe('x'.repeat(128)));
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.toString()).toContain('"viewer"');
    socket.send(subscribe('x'.repeat(900_000)));
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4400, 'The id of an operation may have at most 128 characters']);
  });

  const many = Array.from({ length: 101 }, (_, n) => `x-${n}: 1`);
  it.each([
    ['two hosts', ['host: localhost', 'Host: localhost'], 400],
    ['more than 100 headers', many, 431],
    ['headers longer than 16 KiB', [`x: ${'x'.repeat(16_384)}`], 431],
  ])('%s are refused, in a request and in an upgrade', async (_, headers, status) => {
    const server = await startListening();
    for (const request of [posted(...headers), upgrade('/graphql', GRAPHQL_PROTOCOL, ...headers)]) {
      const socket = await openConnection(server.url);
      socket.write(request);
      expect(await received(socket, '\r\n\r\n')).toMatch(`HTTP/1.1 ${status}`);
    }
  });
});
