import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { getOperationAST, GraphQLError, OperationTypeNode, type DocumentNode, type ExecutionArgs } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Context as Connection, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { explainFailure } from '../db/client.ts';
import { CadenzaError, ServiceUnavailableError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { createContext, type Services } from '../resolvers/context.ts';
import type { GraphQL } from './graphql.ts';
import { GRAPHQL_PATH } from './graphql.ts';
import type { Credentials, Identify, Identity } from './identity.ts';
import { MAX_BODY_BYTES, MAX_OPERATIONS_PER_SOCKET } from './limits.ts';
import type { Doorkeeper } from './origins.ts';

/** How often a silent peer is asked for a sign of life; a peer that owes one for as long is cut off. */
const PING_MS = 15_000;
/** Close codes of RFC 6455 beside those of the GraphQL protocol. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** A close frame's reason may be 123 bytes long. */
const LONGEST_REASON = 123;

export interface WebSocketOptions {
  server: Server;
  graphql: GraphQL;
  services: Services;
  identify: Identify;
  admit: Doorkeeper;
  draining: AbortSignal;
  log: Logger;
}

export interface WebSockets {
  /** Lets queries and mutations finish, `graceMs` at most, then closes every socket with 1001 and the reason. */
  close(reason: string, graceMs: number): Promise<void>;
}

/** What is kept of one connection. */
interface Peer {
  socket: WebSocket;
  request: IncomingMessage;
  identity?: Identity;
  /** Queries and mutations under way. */
  running: Set<string>;
}

/**
 * GraphQL over WebSocket (the graphql-transport-ws protocol) on the server's GraphQL path. A stream's next event is taken
 * when the one before has left for the network, so that a reader who does not read costs a cursor and no memory.
 */
export function serveWebSockets(options: WebSocketOptions): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false,
    handleProtocols,
  });
  const protocol = makeServer<Record<string, unknown>, Peer>({
    onConnect: (connection) => connect(connection, options),
    onSubscribe: (connection, id, payload) => prepare(connection, id, payload, options),
    execute: (args) => (args.rootValue as Enveloped).execute(args) as never,
    subscribe: (args) => (args.rootValue as Enveloped).subscribe(args) as never,
    onComplete: ({ extra }, id) => void extra.running.delete(id),
    onError: ({ extra }, id) => void extra.running.delete(id),
  });
  const peers = new Set<Peer>();
  options.server.on('upgrade', (request, stream: Duplex, head) => {
    const refusal = refusalOf(request, options);
    if (refusal !== null) {
      refuse(stream, refusal);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const peer: Peer = { socket, request, running: new Set() };
      peers.add(peer);
      socket.once('close', () => peers.delete(peer));
      speak(protocol, peer, options.log);
    });
  });
  return {
    close: async (reason, graceMs) => {
      const deadline = Date.now() + graceMs;
      while ([...peers].some(({ running }) => running.size > 0) && Date.now() < deadline) await tick();
      const open = [...peers].map(({ socket }) => socket);
      for (const socket of open) socket.close(GOING_AWAY, shorten(reason));
      // The peer answers the close frame; who does not within a second is cut off.
      const lastCall = setTimeout(() => open.forEach((socket) => socket.terminate()), 1_000);
      await Promise.all(open.map(closed));
      clearTimeout(lastCall);
    },
  };
}

type Enveloped = ReturnType<GraphQL['getEnveloped']>;

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

const closed = (socket: WebSocket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) resolve();
    else socket.once('close', () => resolve());
  });

function refusalOf(request: IncomingMessage, { admit, draining }: WebSocketOptions): [number, string] | null {
  const [path] = (request.url ?? '').split('?');
  if (path !== GRAPHQL_PATH) return [404, `There is no WebSocket at ${path}; GraphQL is at ${GRAPHQL_PATH}`];
  if (draining.aborted) return [503, 'The server is stopping'];
  const problem = admit(request);
  return problem === null ? null : [403, problem];
}

function refuse(stream: Duplex, [status, message]: [number, string]): void {
  const head = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n`;
  stream.end(`${head}content-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
}

/** Connects a socket to the protocol: what it says, what it is told, and signs of life. */
function speak(protocol: ReturnType<typeof makeServer<Record<string, unknown>, Peer>>, peer: Peer, log: Logger): void {
  const { socket } = peer;
  // What breaks the framing (too long, not UTF-8, no mask) ws answers with the right close code by itself.
  socket.on('error', (error) => log.debug({ err: error }, 'A WebSocket broke'));
  const closedByPeer = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data),
      close: (code, reason) => socket.close(code, shorten(reason ?? '')),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer) => {
          handle(data.toString()).catch((error: unknown) => {
            log.error({ err: error }, 'A WebSocket message could not be handled');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    peer,
  );
  const stopPinging = keepAlive(socket);
  socket.once('close', (code, reason) => {
    stopPinging();
    void closedByPeer(code, reason.toString());
  });
}

function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState === socket.OPEN) socket.send(data, (error) => (error ? reject(error) : resolve()));
    else resolve();
  });
}

function keepAlive(socket: WebSocket): () => void {
  let alive = true;
  socket.on('pong', () => (alive = true));
  const pings = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    socket.ping();
  }, PING_MS);
  return () => clearInterval(pings);
}

/** @returns whether the connection is acknowledged; a refusal closes it with a code and says why */
async function connect(
  { connectionParams, extra }: Connection<Record<string, unknown>, Peer>,
  options: WebSocketOptions,
) {
  const { socket } = extra;
  try {
    extra.identity = await options.identify(credentialsOf(connectionParams ?? {}, extra.request));
  } catch (error) {
    const failure = explainFailure(error);
    if (!(failure instanceof CadenzaError)) options.log.error({ err: error }, 'Who connects could not be found out');
    const message = failure instanceof CadenzaError ? failure.message : 'Internal server error';
    // 4403 and not 4401: clients of the protocol take the latter as final, and a new token may well do.
    const code = failure instanceof ServiceUnavailableError ? TRY_AGAIN_LATER : CloseCode.Forbidden;
    socket.close(failure instanceof CadenzaError ? code : CloseCode.InternalServerError, shorten(message));
    return false;
  }
  closeOnExpiry(socket, extra.identity.expiresAt);
  return true;
}

function closeOnExpiry(socket: WebSocket, expiresAt: Date | null): void {
  if (!expiresAt) return;
  const left = Math.min(Math.max(expiresAt.getTime() - Date.now(), 0), 2 ** 31 - 1);
  const timer = setTimeout(() => socket.close(CloseCode.Forbidden, 'The token has expired'), left);
  socket.once('close', () => clearTimeout(timer));
}

/** Browsers cannot set headers on a WebSocket, so the same facts may come as connection parameters. */
function credentialsOf(params: Record<string, unknown>, { headers }: IncomingMessage): Credentials {
  const named = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    authorization: text(named.get('authorization')) ?? headers.authorization ?? null,
    listenerId: text(named.get('x-listener-id')) ?? text(named.get('listenerid')) ?? text(headers['x-listener-id']),
  };
}

/** Parses and validates an operation in the pipeline that HTTP has, limits and masking among it. */
async function prepare(
  { extra, subscriptions }: Connection<Record<string, unknown>, Peer>,
  id: string,
  payload: SubscribePayload,
  { graphql, services, draining }: WebSocketOptions,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  if (draining.aborted) return [refused('GOING_AWAY', 'The server is stopping.')];
  if (Object.keys(subscriptions).length > MAX_OPERATIONS_PER_SOCKET) {
    return [refused('TOO_MANY_OPERATIONS', `A socket may have ${MAX_OPERATIONS_PER_SOCKET} operations under way.`)];
  }
  if (!extra.identity) return [refused('UNAUTHENTICATED', 'The connection has no identity.')];
  const enveloped = graphql.getEnveloped({
    socketContext: createContext(services, extra.identity.viewer),
    params: payload,
  } as never);
  try {
    const document = enveloped.parse(payload.query) as ExecutionArgs['document'];
    const errors = enveloped.validate(enveloped.schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return errors;
    if (!isSubscription(document, payload.operationName)) extra.running.add(id);
    return {
      schema: enveloped.schema as ExecutionArgs['schema'],
      operationName: payload.operationName ?? null,
      document,
      variableValues: payload.variables ?? null,
      contextValue: await enveloped.contextFactory(),
      rootValue: enveloped,
    };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

const isSubscription = (document: DocumentNode, operationName: string | null | undefined): boolean =>
  getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION;

const refused = (code: string, message: string): GraphQLError => new GraphQLError(message, { extensions: { code } });

function shorten(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= LONGEST_REASON
    ? reason
    : `${bytes
        .subarray(0, LONGEST_REASON - 3)
        .toString()
        .replace(/\uFFFD+$/, '')}…`;
}
