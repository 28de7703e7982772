import { subscribe as subscribeTo, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { randomStream } from '../../../src/lib/random.ts';
import { heapInUse } from '../../support/heap.ts';
import { ask, startListening, type TestListening } from '../../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';

const ATTEMPTS = 10_000;

const INIT = '{"type":"connection_init"}';
const subscribe = (id: unknown, query: unknown = '{ viewer { id } }') =>
  JSON.stringify({ type: 'subscribe', id, payload: { query } });
const idle = 'subscription { recommendations { requestId } }';

/** Of this process, the tests' own ends among them. */
const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

type Random = () => number;
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
const noise = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length: 1 + Math.floor(random() * length) }, () => Math.floor(random() * 256)));

/** A way of breaking the protocol: what is sent once connected, and the codes that may come of it. */
type Attack = (random: Random) => { messages: (string | Buffer)[]; codes: number[] };

const noMessage: Attack = (random) => {
  const values = [null, 7, [], 'x', {}, { type: 3 }, { type: 'dance' }, { type: 'complete' }, { type: 'next' }];
  const text = random() < 0.5 ? JSON.stringify(pick(random, values)) : noise(random, 40).toString('latin1');
  return { messages: [...(random() < 0.5 ? [INIT] : []), text], codes: [4400] };
};
const malformedSubscribe: Attack = (random) => {
  const id = pick(random, [null, 7, '', {}, undefined]);
  const broken = random() < 0.5 ? subscribe(id) : subscribe('a', pick(random, [null, 7, {}, []]));
  return { messages: [INIT, broken], codes: [4400] };
};
const tooEarly: Attack = () => ({ messages: [subscribe('a')], codes: [4401] });
const twoHandshakes: Attack = () => ({ messages: [INIT, INIT], codes: [4429] });
const sameId: Attack = () => ({ messages: [INIT, subscribe('a', idle), subscribe('a', idle)], codes: [4409] });
const tooLong: Attack = () => ({ messages: ['x'.repeat((1 << 20) + 1)], codes: [1009] });
const attacks = [noMessage, noMessage, malformedSubscribe, tooEarly, twoHandshakes, sameId];

async function attack({ wsUrl }: TestListening, random: Random, n: number): Promise<void> {
  const { messages, codes } = (n % 100 === 0 ? tooLong : pick(random, attacks))(random);
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  socket.on('error', () => undefined);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  for (const [i, message] of messages.entries()) {
    socket.send(message.toString());
    if (i === 0 && message === INIT && messages[1] !== INIT) await once(socket, 'message');
  }
  const [code, reason] = (await closed) as [number, Buffer];
  expect(codes, `${String(messages.at(-1)).slice(0, 80)}: ${code} ${reason.toString()}`).toContain(code);
}

/** Bytes that are no handshake, or frames that are none: over a bare socket. */
async function scrawl({ url }: TestListening, random: Random): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const head = (lines: string[]) => ['GET /graphql HTTP/1.1', 'host: localhost', ...lines, '', ''].join('\r\n');
  const upgrade = ['connection: upgrade', 'upgrade: websocket'];
  const key = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==';
  const protocol = 'sec-websocket-protocol: graphql-transport-ws';
  const good = [...upgrade, key, 'sec-websocket-version: 13', protocol];
  const bad = [
    head([...upgrade, 'sec-websocket-version: 13']),
    head([...upgrade, key, 'sec-websocket-version: 7']),
    head([...upgrade, 'sec-websocket-key: short', 'sec-websocket-version: 13']),
    head([...upgrade, key, 'sec-websocket-version: 13', 'sec-websocket-protocol: ,,']),
    `${noise(random, 60).toString('latin1')}\r\n\r\n`,
  ];
  const framed = random() < 0.5;
  if (!framed) socket.end(pick(random, bad), 'latin1');
  else {
    socket.write(head(good));
    // Not masked, reserved bits, an unknown opcode, a fragmented control frame: 1002 whichever it is.
    const frame = pick(random, [
      [0x81, 0x01, 0x78],
      [0xf1, 0x81, 0, 0, 0, 0, 0x78],
      [0x83, 0x80, 0, 0, 0, 0],
      [0x09, 0x80, 0, 0, 0, 0],
    ]);
    socket.write(Buffer.from(frame));
  }
  const received: Buffer[] = [];
  socket.on('data', (data: Buffer) => received.push(data));
  // Who reads a close frame answers it by closing.
  if (framed) socket.on('data', (data: Buffer) => data.includes(Buffer.from([0x03, 0xea])) && socket.end());
  await once(socket, 'close');
  const answer = Buffer.concat(received);
  if (framed) expect(answer.includes(Buffer.from([0x03, 0xea])), answer.toString('latin1')).toBe(true);
  else expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 (4\d\d|101)/);
}

it(`[SERVE9] ${ATTEMPTS} malformed messages and handshakes each get the right code, crash nothing and leave nothing behind`, async () => {
  const server = await startListening();
  const random = randomStream(Number(process.env.SEED ?? 11));
  const assail = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 10) {
      const group = Array.from({ length: 10 }, (_, i) => n + i);
      await Promise.all(group.map((i) => (i % 4 === 3 ? scrawl(server, random) : attack(server, random, i))));
    }
  };
  // What is made once and kept, compiled code and connections to the database for instance, is there after the first of them.
  await assail(0, ATTEMPTS / 5);
  const [open, before] = [sockets(), heapInUse()];
  await assail(ATTEMPTS / 5, ATTEMPTS);
  expect((await ask(server.graphqlUrl, '{ viewer { externalId } }')).errors).toBeUndefined();
  await expect.poll(sockets, { timeout: 10_000 }).toBeLessThanOrEqual(open + 2);
  // A socket that stayed would cost tens of kilobytes, and there were 8,000 of them.
  expect(heapInUse() - before).toBeLessThan(8e6);
}, 300_000);

it('[SERVE9] [SERVE5] another subprotocol is closed with 4406, a missing handshake with 4408', async () => {
  const server = await startListening({ initMs: 50 });
  const codeOf = async (protocol: string | undefined): Promise<number> => {
    const socket = new WebSocket(server.wsUrl, protocol);
    socket.on('error', () => undefined);
    return ((await once(socket, 'close')) as [number])[0];
  };
  expect(await codeOf(undefined)).toBe(4406);
  expect(await codeOf('graphql-transport-ws')).toBe(4408);
});

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  ... on TokensAppended { cursor text tokens { text logprob alternatives { text logprob } } } ... on DraftStatusChanged { cursor status } } }`;

/** 200 tokens, each with what may be read of it. */
const LARGEST_EVENT = 200 * 100;

/** The server's ends of the connections that are made from now on, in this order. */
function acceptedSockets(): readonly Socket[] {
  const accepted: Socket[] = [];
  const add = (message: unknown): void => void accepted.push((message as { socket: Socket }).socket);
  subscribeTo('net.server.socket', add);
  onTestFinished(() => void unsubscribe('net.server.socket', add));
  return accepted;
}

it('[SERVE6] [SERVE11] a reader that never reads uses little memory, delays nobody, and is disconnected with the reason', async () => {
  const sentAway = new EventEmitter();
  const log = pino(
    { level: 'info' },
    { write: (line: string) => line.includes('Closed the connection of a reader') && sentAway.emit('told') },
  );
  // Nothing is written until both are there: what was before is in the answer to the mutation, and not told again.
  const engine = new ScriptedEngine({ granted: 0 });
  const server = await startListening({ engine, limits: { heartbeatMs: 200 }, log });
  const start = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id cursor } } } }`;
  const input = { kind: 'STORY', prompt: 'rain', sampling: { maxTokens: 1_500, seed: 7 } };
  const { data } = await ask(server.graphqlUrl, start, { input });
  const { id, cursor: after } = (data as { startDraft: { draft: { id: string; cursor: string } } }).startDraft.draft;
  const join = async (subscriptions: number): Promise<WebSocket> => {
    const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    socket.send(INIT);
    await once(socket, 'message');
    for (let n = 0; n < subscriptions; n++) {
      const payload = { query: FOLLOW, variables: { id, after } };
      socket.send(JSON.stringify({ type: 'subscribe', id: `${n}`, payload }));
    }
    return socket;
  };
  // So much that neither the kernel's buffers nor ours could hold it: 50 times the draft with all its runners-up. One
  // connection's budget allows no more, and refusals would be counted here as well.
  const accepted = acceptedSockets();
  const stalled = await join(50);
  const waiting: number[] = [];
  const look = (): void => void waiting.push(accepted[0]!.writableLength);
  stalled.pause();
  // It goes on saying that it is alive; that it takes nothing is what counts.
  const pongs = setInterval(() => stalled.pong(), 50);
  onTestFinished(() => clearInterval(pongs));
  const told = once(sentAway.on('told', look), 'told');
  const reading = await join(1);
  let text = '';
  const whole = new Promise<void>((resolve) => {
    reading.on('message', (raw: Buffer) => {
      look();
      const message = JSON.parse(raw.toString()) as {
        type: string;
        payload?: { data: { draftEvents: { text?: string } } };
      };
      text += message.payload?.data.draftEvents.text ?? '';
      if (message.type === 'complete') resolve();
    });
  });
  engine.grant(1_500);
  await whole;
  expect(text).toBe(scriptedText(engine.requests[0]!));
  await told;
  expect(waiting.at(-1)).toBeGreaterThanOrEqual(16_384);
  expect(Math.max(...waiting)).toBeLessThan(16_384 + LARGEST_EVENT);
  const closed = once(stalled, 'close');
  stalled.resume();
  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([1013, 'No data accepted for two heartbeats; reconnect with your cursor']);
});
