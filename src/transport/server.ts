import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import type { RateStore } from '../db/queries/rate-limits.ts';
import { StartupError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { asRequest, type RequestFacts } from '../lib/request-facts.ts';
import type { Tracing } from '../lib/tracing/tracing.ts';
import type { Services } from '../resolvers/context.ts';
import { TUNES_PATH } from '../resolvers/drafts/tune-links.ts';
import { buildSchema } from '../schema/schema.ts';
import type { CompilingLimits } from './documents/compiled-queries.ts';
import { documentFinder } from './documents/trusted.ts';
import { createExports, EXPORT_PATH } from './export/export.ts';
import { PERSONAL_EXPORT_PATH } from './export/personal-data.ts';
import { answerOver, createGraphQL, GRAPHQL_PATH } from './graphql.ts';
import { answerHealth, type Readiness } from './health.ts';
import { answerProblem } from './http/answers.ts';
import { callerOf, createEndpoint, type Endpoint, type EndpointOptions } from './http/endpoint.ts';
import { createGraphiql, type Graphiql, noGraphiql } from './http/graphiql.ts';
import { setCorsHeaders, setSecurityHeaders } from './http/headers.ts';
import { createStudio, noStudio, type Studio } from './http/studio.ts';
import { answerTuneFile } from './http/tune-files.ts';
import { answerVisitor, VISITORS_PATH } from './http/visitors.ts';
import { createIdentify } from './identity.ts';
import type { Mask } from './live-results.ts';
import { createMask } from './masking.ts';
import { type AnswerMetrics, createRegistry, metricsOf, type NodeState } from './measures/metrics.ts';
import { OperationMetrics } from './measures/operation-metrics.ts';
import { traceRequest } from './measures/request-traces.ts';
import { createOriginCheck, hostProblem, type OriginCheck } from './origin-check.ts';
import { limitFeedback } from './rates/feedback.ts';
import { guardIdentity } from './rates/guard.ts';
import { Rates } from './rates/rates.ts';
import { createReference, noReference, type Reference } from './reference/reference.ts';
import { excessOf } from './request-head.ts';
import { REQUEST_ID, requestIdOf } from './request-id.ts';
import { Connections } from './sockets/connections.ts';
import { serveWebSockets } from './sockets/websocket.ts';
import { Traffic } from './traffic.ts';

const SWEEP_MS = 50;
/** Time limits for sending a request. Slower clients would hold connections open for nothing. */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 15_000, connectionsCheckingInterval: 5_000 };
/**
 * How long an idle connection is kept: longer than the minute of common load balancers. Whoever closes first decides
 * whether the other can send a request into a connection that is being closed, and gets ECONNRESET ([EDGE10]).
 */
const IDLE_MS = 75_000;

export interface ListenOptions {
  config: Pick<Config, 'port' | 'host' | 'auth' | 'corsOrigins' | 'limits' | 'rates' | 'cost'> &
    Partial<Pick<Config, 'role' | 'graphiql' | 'studio' | 'documents' | 'takesGet' | 'introspection'>>;
  services: Services;
  /** The state of the parts that requests need. */
  readiness: () => Promise<Readiness>;
  log: Logger;
  /** What `/metrics` tells besides what is served and written. */
  state?: NodeState | undefined;
  /** Where the nodes keep shared rate counts. Null if this node counts by itself. */
  rateStore?: RateStore | null;
  /** Null if nothing is traced. */
  tracing?: Tracing | null;
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
  /** Uses other keys and limits for requests and connections from now on. */
  reload(config: Pick<Config, 'auth' | 'rates'>): void;
}

/** Serves HTTP, server-sent events and WebSocket on one port. @throws StartupError if the port is not available */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { config, readiness, log, rateStore = null, tracing = null, initMs, compiling } = options;
  const draining = new AbortController();
  // Each open event stream adds a listener and removes it at its end. Many listeners are not a leak here.
  setMaxListeners(0, draining.signal);
  const goneAfterMs = 2 * config.limits.heartbeatMs;
  const rates = new Rates({ config: config.rates, store: rateStore, goneAfterMs, log });
  const services = { ...options.services, listeners: limitFeedback(options.services.listeners, rates) };
  const identifier = (auth: Config['auth']) =>
    createIdentify(auth, services.listeners, { visitors: services.visitors, keys: services.keys, log });
  let identifyBy = identifier(config.auth);
  const identify = guardIdentity((credentials) => identifyBy(credentials), rates);
  const admit = config.role === 'engine' ? () => WRITES_ONLY : createOriginCheck(config);
  const registry = createRegistry(() => services.engine.load(), options.state);
  const traffic = new Traffic(registry, () => sockets.counts());
  const operations = new OperationMetrics(registry);
  const mask = traffic.counting(createMask(log));
  const findDocument = documentFinder(config);
  const graphql = createGraphQL({
    ...{ config, findDocument },
    rates,
    mask,
    compiling,
    draining: draining.signal,
    ...{ traffic, operations, tracing },
  });
  const health = async (): Promise<Readiness> => {
    const state = await readiness();
    return { ...state, ready: state.ready && !draining.signal.aborted };
  };
  const metrics = metricsOf(registry);
  const { limits } = config;
  const around = { needsToken: config.auth !== null, hasStudio: config.studio !== false };
  const graphiql = config.graphiql === false ? noGraphiql : createGraphiql(services, around);
  const reference = config.graphiql === false ? noReference : createReference(buildSchema);
  const studio = config.studio === false ? noStudio : createStudio();
  const callers: Pick<EndpointOptions, 'services' | 'mask' | 'identify'> = {
    ...{ services, mask },
    identify: (request, credentials) => identify(rates.addressOf(request), credentials),
  };
  const endpoint = createEndpoint({
    ...{ ...callers, mostBytes: limits.messageBytes, takesGet: config.takesGet !== false },
    ...{ answerOperation: answerOver(graphql), answerPage: graphiql.answerPage },
  });
  const exports = createExports({
    ...{ mask, stalledMs: goneAfterMs },
    callerOf: (request, response) => callerOf(request, response, callers),
  });
  const server = createServer({ ...TIMEOUTS, keepAliveTimeout: IDLE_MS, highWaterMark: limits.bufferBytes });
  const connections = new Connections(server, { limits, log });
  server.on('request', (request, response) => {
    const facts: RequestFacts = { requestId: requestIdOf(request) };
    const act = (): void => {
      logAccess(request, response, { facts, log, traffic });
      response.setHeader(REQUEST_ID, facts.requestId);
      setSecurityHeaders(response);
      setCorsHeaders(request, response, config.corsOrigins);
      if (draining.signal.aborted) response.setHeader('connection', 'close');
      const routes = { endpoint, exports, graphiql, reference, studio, admit, health, metrics, services, rates, mask };
      route(request, response, routes).catch((error: unknown) => {
        log.error({ err: error }, 'A request could not be answered');
        response.destroy();
      });
    };
    const traced = (): void => traceRequest(tracing, rates.isProxied, { request, response, act });
    connections.serve(request, response, () => asRequest(facts, traced));
  });
  const sockets = serveWebSockets({
    ...{ server, connections, graphql, findDocument, services, identify, rates, admit, limits, log, traffic, initMs },
    draining: draining.signal,
  });
  await bind(server, config);
  return {
    url: urlOf(server, config.host),
    reload: (changed) => {
      identifyBy = identifier(changed.auth);
      rates.reload(changed.rates);
    },
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
  exports: Endpoint;
  graphiql: Graphiql;
  reference: Reference;
  studio: Studio;
  admit: OriginCheck;
  health: () => Promise<Readiness>;
  metrics: AnswerMetrics;
  services: Services;
  rates: Rates;
  mask: Mask;
}

async function route(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const { endpoint, exports, graphiql, reference, studio, admit, health, metrics } = routes;
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
  if (path === EXPORT_PATH || path === PERSONAL_EXPORT_PATH) return exports(request, response);
  if (path.startsWith(`${TUNES_PATH}/`)) return answerTuneFile(path, request, response, routes.services);
  if (path === VISITORS_PATH) return answerVisitor(request, response, { ...routes, tokens: routes.services.visitors });
  if (path === '/') {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
    return;
  }
  const [, file] = path.split(`${GRAPHQL_PATH}/`);
  if (file !== undefined && (await graphiql.answerFile(file, request, response))) return;
  if (await reference.answer(path, request, response)) return;
  if (await studio.answer(path, request, response)) return;
  const message = `There is nothing at ${path}; GraphQL is served at ${GRAPHQL_PATH}`;
  answerProblem(response, { status: 404, code: 'NOT_FOUND', message });
}

const WRITES_ONLY = { status: 403, code: 'FORBIDDEN', message: 'This node only writes drafts' };

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';

function logAccess(
  request: IncomingMessage,
  response: ServerResponse,
  { facts, log, traffic }: { facts: RequestFacts; log: Logger; traffic: Traffic },
): void {
  const start = performance.now();
  response.once('close', () => {
    const path = pathOf(request);
    const ms = Math.round(performance.now() - start);
    const { statusCode } = response;
    const entry = { method: request.method, path, status: statusCode, ms, ...facts };
    log[path.startsWith('/health/') ? 'debug' : 'info'](entry, 'Request');
    const isStream = String(response.getHeader('content-type')).startsWith('text/event-stream');
    if (path === GRAPHQL_PATH) traffic.served('http', String(statusCode), isStream ? null : ms / 1000);
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
