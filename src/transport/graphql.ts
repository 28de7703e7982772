import type { IncomingMessage, ServerResponse } from 'node:http';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { noteFacts } from '../lib/request-facts.ts';
import type { Tracing } from '../lib/tracing/tracing.ts';
import type { Context } from '../resolvers/context.ts';
import { buildSchema } from '../schema/schema.ts';
import { CostControl } from './cost/cost-limits.ts';
import { compileQueries, type CompilingLimits } from './documents/compiled-queries.ts';
import { cacheDocuments } from './documents/document-cache.ts';
import { limitPlugins } from './documents/limits.ts';
import { type FindDocument, findDocuments } from './documents/trusted.ts';
import type { AnswerOperation, Caller } from './http/endpoint.ts';
import { type Ending, EventStream, type StreamLimits } from './http/event-stream.ts';
import { notAcceptable } from './http/forms.ts';
import { KEY_ENDED } from './identity.ts';
import { limitLifetimes } from './lifetimes.ts';
import { createSubscribe, LiveResults, type Mask, type Subscribe } from './live-results.ts';
import type { OperationMetrics } from './measures/operation-metrics.ts';
import { traceOperations } from './measures/request-traces.ts';
import { limitOperations } from './rates/operations.ts';
import type { Rates } from './rates/rates.ts';
import type { Traffic } from './traffic.ts';

export const GRAPHQL_PATH = '/graphql';

/** What Node.js passes with an HTTP request. */
interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** What both transports pass; the caller is already identified. */
export interface OperationContext {
  caller: Caller;
  /** Identifies a WebSocket, which pays for the operation. */
  connection?: object;
}

export interface GraphQLOptions {
  config: Pick<Config, 'auth' | 'limits' | 'cost'> & Partial<Pick<Config, 'introspection'>>;
  findDocument: FindDocument;
  rates: Rates;
  mask: Mask;
  /** Aborts when the server starts to shut down. */
  draining: AbortSignal;
  /** Limits on the compilation of queries. By default frequent ones are compiled. */
  compiling?: CompilingLimits | undefined;
  traffic: Traffic;
  operations: OperationMetrics;
  tracing: Tracing | null;
}

/** GraphQL over HTTP and server-sent events. Operations that arrive over WebSocket go through the same pipeline. */
export function createGraphQL({ config, findDocument, rates, mask, draining, compiling, ...measures }: GraphQLOptions) {
  const { traffic, operations, tracing } = measures;
  const schema = buildSchema();
  const costs = new CostControl(schema, config.cost);
  return createYoga<OperationContext & Partial<HttpContext>, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    // We read and limit the body, serve the page, check origins and cache documents ourselves.
    maxRequestBodySize: false,
    cors: false,
    graphiql: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: mask },
    context: ({ caller }) => caller.context,
    plugins: [
      findDocuments(findDocument),
      costs.early(),
      ...limitPlugins(config),
      cacheDocuments(),
      nameOperations(),
      operations.plugin(),
      limitOperations(rates, mask),
      compileQueries(compiling),
      limitLifetimes(mask, config.limits.operationMs),
      traceOperations(tracing, operations),
      costs.plugin(),
      shareResults(costs.metered(createSubscribe(mask, config.limits.operationMs))),
      streamResults(draining, config.limits, traffic),
      explainUnacceptable(),
    ],
  });
}

/** Runs an operation that arrived over HTTP. */
export const answerOver =
  (graphql: GraphQL): AnswerOperation =>
  (request, response, caller) =>
    graphql(request, response, { caller });

export type GraphQL = ReturnType<typeof createGraphQL>;

/** Only names within the limits are logged. */
function nameOperations(): Plugin<Partial<HttpContext>> {
  return {
    onParse: ({ context: { params } }) => {
      if (params.operationName) noteFacts({ operation: params.operationName });
    },
  };
}

/** Yoga refuses a media type that it cannot answer in without saying why. */
function explainUnacceptable(): Plugin<HttpContext> {
  return {
    onResponse: (payload) => {
      if (payload.response.status !== 406) return;
      const forms = (payload.response.headers.get('accept') ?? 'application/json').split(/;[^,]*|, */).filter(Boolean);
      const { status, code, message, headers } = notAcceptable(forms);
      const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
      const init = { status, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' } };
      payload.setResponse(new payload.fetchAPI.Response(body, init));
    },
  };
}

/** The results of subscriptions over HTTP, by request. Yoga's wrappers would parse the bytes into objects again. */
const live = new WeakMap<IncomingMessage, LiveResults>();

/** Subscriptions over all transports share results. Masking is part of the sharing. */
function shareResults(subscribe: Subscribe): Plugin<HttpContext> {
  return {
    onSubscribe: async ({ args, setResultAndStopExecution }) => {
      const results = await subscribe(args);
      const { req } = args.contextValue as Partial<HttpContext>;
      if (req && results instanceof LiveResults) live.set(req, results);
      setResultAndStopExecution(results as never);
    },
  };
}

/** Replaces Yoga's server-sent events with our own. WebSockets are served elsewhere. */
function streamResults(draining: AbortSignal, limits: StreamLimits, traffic: Traffic): Plugin<HttpContext> {
  return {
    onResultProcess: (payload) => {
      const { req, res, caller } = payload.serverContext as Partial<HttpContext & OperationContext>;
      const results = req && live.get(req);
      // Yoga sets a result processor only if the client accepts event streams, the only form for a subscription.
      if (!results || !payload.resultProcessor) return;
      const respond = (_: unknown, fetchAPI: Pick<typeof globalThis, 'Response'>) => {
        const keyEnd = new AbortController();
        const stream = new EventStream(results, endingsOf(caller?.expiresAt ?? null, draining, keyEnd.signal), limits);
        stream.once('close', traffic.streamOpened());
        const release = caller?.whenInvalid?.(() => keyEnd.abort());
        if (release) stream.once('close', release);
        // Heartbeats count as activity, so a timeout means that the client accepts nothing ([SERVE6]). It is set once
        // the stream flows, because piping the stream into the response resets the connection's timeout.
        stream.once('resume', () => res?.setTimeout(2 * limits.heartbeatMs, () => res.destroy()));
        return new fetchAPI.Response(stream as never, { headers: EVENT_STREAM });
      };
      payload.setResultProcessor(respond as never, 'text/event-stream');
    },
  };
}

/**
 * Tells proxies such as nginx not to buffer, compress or cache the stream ([SSE3]), and ends the connection with it, so
 * that a stopping node does not wait for connections that are kept open ([SSE4]).
 */
const EVENT_STREAM = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'content-encoding': 'none',
  'x-accel-buffering': 'no',
  connection: 'close',
};

function endingsOf(expiry: Date | null, draining: AbortSignal, keyEnd: AbortSignal): Ending[] {
  const stopping = {
    signal: draining,
    code: 'GOING_AWAY',
    message: 'The server is stopping; reconnect with your cursor.',
  };
  const always = [
    stopping,
    { signal: keyEnd, code: 'UNAUTHENTICATED', message: `${KEY_ENDED}; reconnect with another.` },
  ];
  if (!expiry) return always;
  const signal = AbortSignal.timeout(Math.min(Math.max(expiry.getTime() - Date.now(), 0), 2 ** 31 - 1));
  return [...always, { signal, code: 'UNAUTHENTICATED', message: 'The token has expired; reconnect with a new one.' }];
}
