import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection below HTTP, whose every byte is the test's own; closed with the test. */
export async function openConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

type Part = string | RegExp | ((text: string) => boolean);

/** What has come, as text, once this has; rejects when the connection ends before. */
export function received(socket: Socket, part: Part): Promise<string> {
  const found = (text: string): boolean =>
    typeof part === 'string' ? text.includes(part) : typeof part === 'function' ? part(text) : part.test(text);
  let text = '';
  return new Promise((resolve, reject) => {
    const take = (data: Buffer): void => {
      text += data.toString('latin1');
      if (!found(text)) return;
      socket.off('data', take);
      resolve(text);
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error(`the connection ended after ${JSON.stringify(text)}`)));
  });
}

export const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

const HANDSHAKE = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];

/** What asks for a WebSocket. */
export const upgrade = (path = '/graphql', ...headers: string[]): string =>
  head(
    ...[`GET ${path} HTTP/1.1`, 'host: localhost', ...HANDSHAKE, 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='],
    ...headers,
  );

export const GRAPHQL_PROTOCOL = 'sec-websocket-protocol: graphql-transport-ws';

const TEXT = 0x81;
const PING = 0x89;

/** A frame as clients send it: masked, here with zeros. */
function clientFrame(first: number, data: Buffer): Buffer {
  const { length } = data;
  const long = length < 126 ? [] : length < 1 << 16 ? [length >> 8, length & 0xff] : null;
  if (!long) throw new RangeError('a test’s frame is at most 64 KiB long');
  return Buffer.concat([Buffer.from([first, 0x80 | (long.length ? 126 : length), ...long, 0, 0, 0, 0]), data]);
}

export const textMessage = (message: object): Buffer => clientFrame(TEXT, Buffer.from(JSON.stringify(message)));
export const pingFrame = (bytes: number): Buffer => clientFrame(PING, Buffer.alloc(bytes, 'x'));
