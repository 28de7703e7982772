import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import type { RateStore } from '../db/queries/rate-limits.ts';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Services } from '../resolvers/context.ts';
import { TUNES_PATH } from '../resolvers/tune-links.ts';
import { buildSchema } from '../schema/schema.ts';
import { Connections } from './connections.ts';
import type { CompilingLimits } from './documents/compiled-queries.ts';
import { answerOver, createGraphQL, GRAPHQL_PATH } from './graphql.ts';
import { answerHealth, type Readiness } from './health.ts';
import { answerProblem } from './http/answers.ts';
import { createEndpoint, type Endpoint } from './http/endpoint.ts';
import { createGraphiql, type Graphiql, noGraphiql } from './http/graphiql.ts';
import { setCorsHeaders, setSecurityHeaders } from './http/headers.ts';
import { answerTuneFile } from './http/tune-files.ts';
import { createIdentify } from './identity.ts';
import { createMask } from './masking.ts';
import { type AnswerMetrics, createMetrics } from './metrics.ts';
import { createOriginCheck, hostProblem, type OriginCheck } from './origin-check.ts';
import { limitFeedback } from './rates/feedback.ts';
import { guardIdentity } from './rates/guard.ts';
import { Rates } from './rates/rates.ts';
import { createReference, noReference, type Reference } from './reference/reference.ts';
import { excessOf } from './request-head.ts';
import { serveWebSockets } from './sockets/websocket.ts';

const SWEEP_MS = 50;
/** Time limits for sending a request. Slower clients would hold connections open for nothing. */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 15_000, connectionsCheckingInterval: 5_000 };

export interface ListenOptions {
  config: Pick<Config, 'port' | 'host' | 'auth' | 'corsOrigins' | 'limits' | 'rates' | 'cost'> &
    Partial<Pick<Config, 'role' | 'graphiql'>>;
  services: Services;
  /** The state of the parts that requests need. */
  readiness: () => Promise<Readiness>;
  log: Logger;
  /** Where the nodes keep shared rate counts. Null if this node counts by itself. */
  rateStore?: RateStore | null;
  /** See `WebSocketOptions`. */
  initMs?: number;
  /** See `GraphQLOptions`. */
  compiling?: CompilingLimits | undefined;
}

export interface Listening {
  /** The base of all links, for example `http://127.0.0.1:4000`. */
  url: string;
  /**
   * Accepts no new work, lets running requests finish within `graceMs` and ends subscriptions with the reason
   * ([START2]).
   */
  close(reason: string, graceMs: number): Promise<void>;
}

/** Serves HTTP, server-sent events and WebSocket on one port. @throws StartupError if the port is not available */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { config, readiness, log, rateStore = null, initMs, compiling } = options;
  const draining = new AbortController();
  // Each open event stream adds a listener and removes it at its end. Many listeners are not a leak here.
  setMaxListeners(0, draining.signal);
  const operations = new WeakMap<IncomingMessage, string>();
  const goneAfterMs = 2 * config.limits.heartbeatMs;
  const rates = new Rates({ config: config.rates, store: rateStore, goneAfterMs, log });
  const services = { ...options.services, listeners: limitFeedback(options.services.listeners, rates) };
  const identify = guardIdentity(createIdentify(config.auth, services.listeners, log), rates);
  const admit = config.role === 'engine' ? () => WRITES_ONLY : createOriginCheck(config);
  const mask = createMask(log);
  const graphql = createGraphQL({
    config,
    rates,
    mask,
    compiling,
    draining: draining.signal,
    onOperation: (request, name) => operations.set(request, name),
  });
  const health = async (): Promise<Readiness> => {
    const state = await readiness();
    return { ...state, ready: state.ready && !draining.signal.aborted };
  };
  const metrics = createMetrics(() => services.engine.load());
  const { limits } = config;
  const graphiql = config.graphiql === false ? noGraphiql : createGraphiql(services, config.auth !== null);
  const reference = config.graphiql === false ? noReference : createReference(buildSchema);
  const endpoint = createEndpoint({
    ...{ services, mask, mostBytes: limits.messageBytes },
    identify: (request, credentials) => identify(rates.addressOf(request), credentials),
    ...{ answerOperation: answerOver(graphql), answerPage: graphiql.answerPage },
  });
  const server = createServer({ ...TIMEOUTS, highWaterMark: limits.bufferBytes });
  const connections = new Connections(server, { limits, log });
  server.on('request', (request, response) => {
    connections.serve(request, response, () => {
      logAccess(request, response, operations, log);
      setSecurityHeaders(response);
      setCorsHeaders(request, response, config.corsOrigins);
      if (draining.signal.aborted) response.setHeader('connection', 'close');
      const routes = { endpoint, graphiql, reference, admit, health, metrics, services };
      route(request, response, routes).catch((error: unknown) => {
        log.error({ err: error }, 'A request could not be answered');
        response.destroy();
      });
    });
  });
  const sockets = serveWebSockets({
    ...{ server, connections, graphql, services, identify, rates, admit, limits, log, initMs },
    draining: draining.signal,
  });
  await bind(server, config);
  return {
    url: urlOf(server, config.host),
    close: async (reason, graceMs) => {
      draining.abort(new Error(reason));
      const ended = new Promise((resolve) => server.close(resolve));
      await sockets.close(reason, graceMs);
      const overdue = setTimeout(() => server.closeAllConnections(), graceMs);
      // Those answered since then wait for another request, which would not be taken.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      await ended;
      clearInterval(sweep);
      clearTimeout(overdue);
    },
  };
}

interface Routes {
  endpoint: Endpoint;
  graphiql: Graphiql;
  reference: Reference;
  admit: OriginCheck;
  health: () => Promise<Readiness>;
  metrics: AnswerMetrics;
  services: Services;
}

async function route(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const { endpoint, graphiql, reference, admit, health, metrics } = routes;
  const path = pathOf(request);
  const isForOperators = path.startsWith('/health/') || path === '/metrics';
  const problem = excessOf(request) ?? (isForOperators ? hostProblem(request) : admit(request));
  if (problem !== null) {
    answerProblem(response, problem);
    return;
  }
  if (path === '/metrics') return metrics(response);
  if (isForOperators) return answerHealth(path, response, health);
  if (path === GRAPHQL_PATH) return endpoint(request, response);
  if (path.startsWith(`${TUNES_PATH}/`)) return answerTuneFile(path, request, response, routes.services);
  if (path === '/') {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
    return;
  }
  const [, file] = path.split(`${GRAPHQL_PATH}/`);
  if (file !== undefined && (await graphiql.answerFile(file, request, response))) return;
  if (await reference.answer(path, request, response)) return;
  const message = `There is nothing at ${path}; GraphQL is served at ${GRAPHQL_PATH}`;
  answerProblem(response, { status: 404, code: 'NOT_FOUND', message });
}

const WRITES_ONLY = { status: 403, code: 'FORBIDDEN', message: 'This node only writes drafts' };

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';

function logAccess(
  request: IncomingMessage,
  response: ServerResponse,
  operations: WeakMap<IncomingMessage, string>,
  log: Logger,
): void {
  const start = performance.now();
  response.once('close', () => {
    const path = pathOf(request);
    const operation = operations.get(request);
    const ms = Math.round(performance.now() - start);
    const entry = { method: request.method, path, status: response.statusCode, ms, ...(operation && { operation }) };
    log[path.startsWith('/health/') ? 'debug' : 'info'](entry, 'Request');
  });
}

function bind(server: Server, { port, host }: ListenOptions['config']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, port, host)));
    server.listen(port, host, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): Error {
  const messages: Record<string, string> = {
    EADDRINUSE: `Port ${port} is in use by another program. End it, or choose another: PORT=${port + 1}`,
    EACCES: `Port ${port} may not be used by this user. Choose one above 1023: PORT=4000`,
    EADDRNOTAVAIL: `This machine has no address ${JSON.stringify(host)} to listen on. Set HOST=127.0.0.1`,
    ENOTFOUND: `There is no host ${JSON.stringify(host)} to listen on. Set HOST=127.0.0.1`,
  };
  const message = messages[error.code ?? ''];
  return message === undefined ? error : new StartupError(message);
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
