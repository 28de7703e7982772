import type { IncomingMessage } from 'node:http';
import { type DocumentNode, type ExecutionArgs, getOperationAST, GraphQLError, OperationTypeNode } from 'graphql';
import { CloseCode, type Context as Connection, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ConnectionLimits } from '../../config.ts';
import { explainFailure } from '../../db/failures.ts';
import { CadenzaError, RateLimitedError, ServiceUnavailableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { asRequest, noteFacts, type RequestFacts } from '../../lib/request-facts.ts';
import { type Context, createContext, type Services } from '../../resolvers/context.ts';
import type { FindDocument } from '../documents/trusted.ts';
import type { GraphQL } from '../graphql.ts';
import { factsOf, KEY_ENDED } from '../identity.ts';
import { LiveResults } from '../live-results.ts';
import type { IdentifyFrom } from '../rates/guard.ts';
import { REQUEST_ID, requestIdOf } from '../request-id.ts';
import type { Traffic } from '../traffic.ts';
import { readMessages } from './inbox.ts';
import { withQuery } from './named-document.ts';
import { GOING_AWAY, Peer, TRY_AGAIN_LATER } from './peer.ts';
import { SocketDelivery } from './socket-delivery.ts';
import { type Door, receiveUpgrades } from './upgrades.ts';

const INIT_MS = 3_000;
/** The id is repeated in each result. Clients use numbers, or UUIDs of 36 characters. */
const LONGEST_ID = 128;
/** Leaves room for escapes in the id. */
const LONGEST_COMPLETE = 1_024;

export interface WebSocketOptions extends Door {
  graphql: GraphQL;
  findDocument: FindDocument;
  services: Services;
  identify: IdentifyFrom;
  /** A silent peer is pinged at each heartbeat and disconnected if it has not answered at the next. */
  limits: ConnectionLimits;
  log: Logger;
  traffic: Traffic;
  /** Time within which a peer must send `connection_init`. */
  initMs?: number | undefined;
}

export interface WebSockets {
  /** Lets queries and mutations finish, within `graceMs`, then closes every socket with 1001 and the reason. */
  close(reason: string, graceMs: number): Promise<void>;
  /** Numbers of open sockets and of subscriptions over them. */
  counts(): { open: number; subscriptions: number };
}

/**
 * GraphQL over WebSocket (the graphql-transport-ws protocol) on the server's GraphQL path. graphql-ws implements the
 * protocol, but the results of subscriptions are sent past it, as bytes that subscribers share.
 */
export function serveWebSockets(options: WebSocketOptions): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.limits.messageBytes,
    perMessageDeflate: false,
    // Pings are answered only while the peer accepts data: see `readMessages`.
    autoPong: false,
    // One read may contain thousands of messages. Each is handled in a round of the event loop of its own ([EDGE9]).
    allowSynchronousEvents: false,
    handleProtocols,
  });
  const protocol = makeServer<Record<string, unknown>, Peer>({
    connectionInitWaitTimeout: options.initMs ?? INIT_MS,
    onConnect: (connection) => connect(connection, options),
    onSubscribe: (connection, id, payload) => prepare(connection, id, payload, options),
    execute: (args) => unlessLeft(args, (args.rootValue as Runner).execute(args)) as never,
    subscribe: (args) => (args.rootValue as Runner).subscribe(args) as never,
    onOperation: ({ extra }, id, _, __, result) =>
      result instanceof LiveResults ? new SocketDelivery(result, extra, id) : undefined,
    onComplete: ({ extra }, _, payload) => extra.end(payload),
    onError: ({ extra }, _, payload) => extra.end(payload),
  });
  const peers = new Set<Peer>();
  const beat = (): void => peers.forEach((peer) => peer.beat(options.log));
  // `setImmediate` lets messages be read first that arrived while the process was busy or suspended, because they may
  // include pongs.
  const beats = setInterval(() => setImmediate(beat), options.limits.heartbeatMs).unref();
  const ids = new WeakMap<IncomingMessage, string>();
  const idOf = (request: IncomingMessage): string => {
    const id = ids.get(request) ?? requestIdOf(request);
    ids.set(request, id);
    return id;
  };
  sockets.on('headers', (headers, request) => headers.push(`${REQUEST_ID}: ${idOf(request)}`));
  receiveUpgrades(options, (request, head, address) => {
    const stream = request.socket;
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const peer = new Peer(socket, stream, request, address);
      peers.add(peer);
      socket.once('close', () => peers.delete(peer));
      speak(protocol, peer, { ...options, connectionId: idOf(request) });
    });
  });
  return {
    counts: () => ({
      open: peers.size,
      subscriptions: [...peers].reduce((sum, peer) => sum + peer.subscriptions, 0),
    }),
    close: async (reason, graceMs) => {
      const deadline = Date.now() + graceMs;
      while ([...peers].some(({ isBusy }) => isBusy) && Date.now() < deadline) await tick();
      clearInterval(beats);
      const open = [...peers];
      for (const peer of open) peer.close(GOING_AWAY, reason);
      // A peer that does not answer the close frame within a second is disconnected.
      const lastCall = setTimeout(() => open.forEach(({ socket }) => socket.terminate()), 1_000);
      await Promise.all(open.map(({ socket }) => closed(socket)));
      clearTimeout(lastCall);
    },
  };
}

type Enveloped = ReturnType<GraphQL['getEnveloped']>;

/** What runs an operation once it is prepared. */
interface Runner {
  execute: (args: ExecutionArgs) => unknown;
  subscribe: (args: ExecutionArgs) => unknown;
}

/** The result, unless the client has left: the protocol would send it to whichever operation uses the id by then. */
function unlessLeft({ contextValue }: ExecutionArgs, result: unknown): unknown {
  const { lifetime } = contextValue as Context;
  return result instanceof Promise
    ? result.then((made: unknown) => (lifetime.isLeft ? new Promise(() => undefined) : made))
    : result;
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

const closed = (socket: WebSocket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) resolve();
    else socket.once('close', () => resolve());
  });

/** Connects a socket to the protocol, in both directions. */
function speak(
  protocol: ReturnType<typeof makeServer<Record<string, unknown>, Peer>>,
  peer: Peer,
  { log, traffic, connectionId }: Pick<WebSocketOptions, 'log' | 'traffic'> & { connectionId: string },
): void {
  const { socket } = peer;
  let messages = 0;
  // `ws` answers broken frames (too long, not UTF-8, not masked) with the right close code itself.
  socket.on('error', (error) => log.debug({ err: error }, 'A WebSocket failed'));
  const closedByPeer = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => peer.send(data),
      close: (code = CloseCode.InternalServerError, reason = '') => peer.close(code, reason),
      onMessage: (handle) => {
        readMessages(peer, (message) => {
          const completed = completedId(message);
          if (completed !== null) peer.leave(completed);
          const facts: RequestFacts = { requestId: `${connectionId}/${++messages}` };
          asRequest(facts, () => serve(handle(withQuery(message)), { facts, log, traffic })).catch((error: unknown) => {
            log.error({ err: error, ...facts }, 'A WebSocket message could not be processed');
            peer.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    peer,
  );
  socket.once('close', (code, reason) => void closedByPeer(code, reason.toString()));
}

/** Logs and counts the message's operation, if it is one and once it has ended, as HTTP requests are. */
async function serve(
  handled: Promise<void>,
  { facts, log, traffic }: Pick<WebSocketOptions, 'log' | 'traffic'> & { facts: RequestFacts },
): Promise<void> {
  const start = performance.now();
  await handled;
  if (facts.listener === undefined) return;
  const ms = Math.round(performance.now() - start);
  log.info({ transport: 'websocket', ms }, 'Operation');
  traffic.served('websocket', 'answered', facts.kind ? null : ms / 1000);
}

/** The protocol's own handling of `complete` ends subscriptions but lets queries continue. */
function completedId(message: string): string | null {
  if (message.length > LONGEST_COMPLETE || !message.includes('complete')) return null;
  try {
    const { type, id } = Object(JSON.parse(message)) as { type?: unknown; id?: unknown };
    return type === 'complete' && typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}

/** @returns whether the connection is accepted. Otherwise it is closed with a code and a reason. */
async function connect(
  { connectionParams, extra: peer }: Connection<Record<string, unknown>, Peer>,
  options: WebSocketOptions,
) {
  try {
    peer.identity = await options.identify(peer.address, peer.credentials(connectionParams ?? {}));
    peer.whenClosed(options.rates.holdForListener(peer.identity.viewer));
    const release = peer.identity.whenInvalid?.(() => peer.close(CloseCode.Forbidden, KEY_ENDED));
    if (release) peer.whenClosed(release);
  } catch (error) {
    const failure = explainFailure(error);
    if (!(failure instanceof CadenzaError))
      options.log.error({ err: error }, 'The identity of a WebSocket client could not be determined');
    const message = failure instanceof CadenzaError ? failure.message : 'Internal server error';
    // 4403 instead of 4401: clients of the protocol treat 4401 as final, but a new token may be accepted.
    const isLater = failure instanceof ServiceUnavailableError || failure instanceof RateLimitedError;
    const code = isLater ? TRY_AGAIN_LATER : CloseCode.Forbidden;
    peer.close(failure instanceof CadenzaError ? code : CloseCode.InternalServerError, message);
    return false;
  }
  closeOnExpiry(peer.socket, peer.identity.expiresAt);
  return true;
}

function closeOnExpiry(socket: WebSocket, expiresAt: Date | null): void {
  if (!expiresAt) return;
  const left = Math.min(Math.max(expiresAt.getTime() - Date.now(), 0), 2 ** 31 - 1);
  const timer = setTimeout(() => socket.close(CloseCode.Forbidden, 'The token has expired'), left);
  socket.once('close', () => clearTimeout(timer));
}

/** Parses and validates an operation in the same pipeline as HTTP, with the same limits and masking. */
async function prepare(
  { extra, subscriptions }: Connection<Record<string, unknown>, Peer>,
  id: string,
  payload: SubscribePayload,
  { graphql, findDocument, services, draining, limits }: WebSocketOptions,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  if (id.length > LONGEST_ID) {
    // An error message would repeat the id.
    extra.close(CloseCode.BadRequest, `The id of an operation may have at most ${LONGEST_ID} characters`);
    return [refused('BAD_REQUEST', 'The id is too long.')];
  }
  if (draining.aborted) return [refused('GOING_AWAY', 'The server is stopping.')];
  if (Object.keys(subscriptions).length > limits.operations) {
    return [refused('TOO_MANY_OPERATIONS', `A socket may have at most ${limits.operations} concurrent operations.`)];
  }
  if (!extra.identity) return [refused('UNAUTHENTICATED', 'The connection has no identity.')];
  noteFacts(factsOf(extra.identity.viewer));
  const lifetime = extra.begin(payload, id);
  await extra.turns.take();
  if (lifetime.isLeft) return new Promise(() => undefined);
  const context = createContext(services, extra.identity.viewer, lifetime);
  try {
    const query = findDocument(payload, context) ?? '';
    const enveloped = graphql.getEnveloped({
      // The socket ends with its credentials.
      caller: { context, expiresAt: extra.identity.expiresAt },
      connection: extra,
      params: { ...payload, query },
    } as never);
    const document = enveloped.parse(query) as ExecutionArgs['document'];
    const [errors, runner] = validated(enveloped, document);
    if (errors.length > 0) return errors;
    if (isSubscription(document, payload.operationName)) noteFacts({ kind: 'subscription' });
    else extra.hold(payload);
    return {
      schema: enveloped.schema as ExecutionArgs['schema'],
      operationName: payload.operationName ?? null,
      document,
      variableValues: payload.variables ?? null,
      contextValue: await enveloped.contextFactory(),
      rootValue: runner,
    };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** An operation over its budget is answered with a result, whether its document is new or was validated before. */
function validated(enveloped: Enveloped, document: DocumentNode): [readonly GraphQLError[], Runner] {
  try {
    return [enveloped.validate(enveloped.schema, document) as readonly GraphQLError[], enveloped];
  } catch (error) {
    if (!(error instanceof GraphQLError) || error.extensions.code !== 'COST_EXCEEDED') throw error;
    const refuse = () => ({ errors: [error] });
    return [[], { execute: refuse, subscribe: refuse }];
  }
}

const isSubscription = (document: DocumentNode, operationName: string | null | undefined): boolean =>
  getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION;

const refused = (code: string, message: string): GraphQLError => new GraphQLError(message, { extensions: { code } });
