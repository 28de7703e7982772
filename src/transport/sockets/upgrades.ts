import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { RateLimitedError } from '../../lib/errors.ts';
import { GRAPHQL_PATH } from '../graphql.ts';
import type { Problem } from '../http/answers.ts';
import type { OriginCheck } from '../origin-check.ts';
import { releaseWhenClosed } from '../rates/open-connections.ts';
import type { Rates } from '../rates/rates.ts';
import { retryAfterHeader } from '../rates/retry-after.ts';
import { excessOf } from '../request-head.ts';
import type { Connections } from './connections.ts';

/** What decides whether a client is admitted. */
export interface Door {
  server: Server;
  connections: Connections;
  rates: Rates;
  admit: OriginCheck;
  /** Aborts when the server starts to shut down. */
  draining: AbortSignal;
}

/** The answer to a refused upgrade. */
type Refusal = Omit<Problem, 'code'>;

/** Handles upgrade requests. `welcome` is called with each admitted WebSocket request and its address. */
export function receiveUpgrades(
  door: Door,
  welcome: (request: IncomingMessage, head: Buffer, address: string) => void,
): void {
  door.server.on('upgrade', (request, stream: Duplex, head) => {
    // Answers to earlier requests would be written between the frames. No client does this.
    if (!door.connections.isIdle(request.socket)) stream.destroy();
    else if (!asksForWebSocket(request)) ignoreUpgrade(door.server, request, head);
    else {
      const address = door.rates.addressOf(request);
      const refusal = refusalOf(request, address, door);
      if (refusal) refuse(stream, refusal);
      else welcome(request, head, address);
    }
  });
}

/** How clients request a WebSocket (RFC 6455, 4.1). Any other upgrade is ignored. */
const asksForWebSocket = ({ method, headers, httpVersion }: IncomingMessage): boolean =>
  method === 'GET' && httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket';

/** Headers that request an upgrade or describe it (h2c: RFC 7540, 3.2.1). */
const ABOUT_UPGRADES = new Set(['upgrade', 'http2-settings']);

/**
 * Continues with HTTP as if the request had not asked for an upgrade, which a server may always do (RFC 9110, 7.8).
 * Node.js has detached the connection at this point, so it is given back with the request, minus the upgrade headers.
 */
function ignoreUpgrade(server: Server, request: IncomingMessage, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders, socket } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    if (!ABOUT_UPGRADES.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  // Headers are sent as one byte per character.
  const again = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  socket.unshift(Buffer.concat([again, head]));
  server.emit('connection', socket);
}

/** Checks an upgrade and, if it is admitted, counts its connection for the address. */
function refusalOf(request: IncomingMessage, address: string, { admit, draining, rates }: Door): Refusal | null {
  const [path] = (request.url ?? '').split('?');
  if (path !== GRAPHQL_PATH) {
    return { status: 404, message: `There is no WebSocket at ${path}; GraphQL is served at ${GRAPHQL_PATH}` };
  }
  if (draining.aborted) return { status: 503, message: 'The server is stopping' };
  const problem = excessOf(request) ?? admit(request);
  if (problem !== null) return problem;
  try {
    releaseWhenClosed(request.socket, rates.holdForAddress(address));
    return null;
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    return { status: 429, message: error.message, headers: retryAfterHeader(error) };
  }
}

function refuse(stream: Duplex, { status, message, headers = {} }: Refusal): void {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(message)}`,
  ];
  stream.end(`${lines.join('\r\n')}\r\n\r\n${message}`);
}
