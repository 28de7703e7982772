import type { IncomingMessage, ServerResponse } from 'node:http';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { createContext, type Context, type Services } from '../resolvers/context.ts';
import { buildSchema } from '../schema/schema.ts';
import { EventStream, type Ending, type StreamLimits } from './event-stream.ts';
import { graphiqlOptions, renderPage } from './graphiql.ts';
import type { IdentifyFrom } from './rates/guard.ts';
import { limitOperations } from './rates/operations.ts';
import type { Rates } from './rates/rates.ts';
import { limitPlugins } from './limits.ts';
import { createSubscribe, LiveResults, type Mask } from './live-results.ts';

export const GRAPHQL_PATH = '/graphql';

/** What Node.js hands over with an HTTP request. */
interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** What the WebSocket hands over: who is behind it was settled when it connected. */
export interface SocketContext {
  socketContext: Context;
}

export interface GraphQLOptions {
  config: Pick<Config, 'corsOrigins' | 'limits'>;
  services: Services;
  identify: IdentifyFrom;
  rates: Rates;
  mask: Mask;
  /** Aborts when the server begins to end. */
  draining: AbortSignal;
  /** Told of each operation that arrives over HTTP, for the access log. */
  onOperation: (request: IncomingMessage, name: string) => void;
}

/** GraphQL over HTTP and server-sent events; the pipeline below also serves what arrives over WebSocket. */
export function createGraphQL({ config, services, identify, rates, mask, draining, onOperation }: GraphQLOptions) {
  return createYoga<HttpContext | SocketContext, Context>({
    schema: buildSchema(),
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    maxRequestBodySize: config.limits.messageBytes,
    maskedErrors: { maskError: mask },
    cors: config.corsOrigins.length > 0 && { origin: [...config.corsOrigins], credentials: false },
    graphiql: () => graphiqlOptions(services),
    renderGraphiQL: renderPage,
    context: async (initial) => {
      if ('socketContext' in initial) return initial.socketContext;
      const { viewer, expiresAt } = await identify(rates.addressOf(initial.req), credentialsOf(initial.req));
      if (expiresAt) expiries.set(initial.req, expiresAt);
      return createContext(services, viewer);
    },
    plugins: [
      ...limitPlugins(),
      nameOperations(onOperation),
      limitOperations(rates, mask),
      shareResults(mask),
      streamResults(draining, config.limits),
      explainUnacceptable(),
    ],
  });
}

export type GraphQL = ReturnType<typeof createGraphQL>;

const expiries = new WeakMap<IncomingMessage, Date>();

function credentialsOf({ headers }: IncomingMessage) {
  const listenerId = headers['x-listener-id'];
  return {
    authorization: headers.authorization ?? null,
    listenerId: typeof listenerId === 'string' ? listenerId : null,
  };
}

function nameOperations(onOperation: GraphQLOptions['onOperation']): Plugin<HttpContext> {
  return {
    onParams: ({ params, context }) => {
      const { req } = context as Partial<HttpContext>;
      if (req && params.operationName) onOperation(req, params.operationName);
    },
  };
}

/** Yoga refuses, without a word, to answer in a form that the client has not said it takes. */
function explainUnacceptable(): Plugin<HttpContext> {
  return {
    onResponse: (payload) => {
      if (payload.response.status !== 406) return;
      const forms = payload.response.headers.get('accept') ?? 'application/json';
      const message = `This operation is answered as ${forms}: name that in the request's Accept header.`;
      const errors = [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }];
      const headers = { accept: forms, 'content-type': 'application/json' };
      payload.setResponse(new payload.fetchAPI.Response(JSON.stringify({ errors }), { status: 406, headers }));
    },
  };
}

/** The results of subscriptions over HTTP, by the request: what Yoga wraps around them would make objects of bytes again. */
const live = new WeakMap<IncomingMessage, LiveResults>();

/** Subscriptions share what they have in common, whichever transport they came by; masking is part of it. */
function shareResults(mask: Mask): Plugin<HttpContext> {
  const subscribe = createSubscribe(mask);
  return {
    onSubscribe: async ({ args, setResultAndStopExecution }) => {
      const results = await subscribe(args);
      const { req } = args.contextValue as Partial<HttpContext>;
      if (req && results instanceof LiveResults) live.set(req, results);
      setResultAndStopExecution(results as never);
    },
  };
}

/** Server-sent events are written by us; sockets are served elsewhere. */
function streamResults(draining: AbortSignal, limits: StreamLimits): Plugin<HttpContext> {
  return {
    onResultProcess: (payload) => {
      const { req, res } = payload.serverContext as Partial<HttpContext>;
      const results = req && live.get(req);
      // That there is a processor says that the client takes an event stream: no other carries a subscription.
      if (!results || !payload.resultProcessor) return;
      const respond = (_: unknown, fetchAPI: Pick<typeof globalThis, 'Response'>) => {
        const stream = new EventStream(results, endingsOf(req, draining), limits);
        // Beats are activity as well: where there is none, nothing of what was sent is taken ([SERVE6]). Not before the stream
        // flows, since what leads it to the response takes the connection's timeout away.
        stream.once('resume', () => res?.setTimeout(2 * limits.heartbeatMs, () => res.destroy()));
        return new fetchAPI.Response(stream as never, { headers: EVENT_STREAM });
      };
      payload.setResultProcessor(respond as never, 'text/event-stream');
    },
  };
}

const EVENT_STREAM = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'content-encoding': 'none',
  connection: 'keep-alive',
};

function endingsOf(request: IncomingMessage, draining: AbortSignal): Ending[] {
  const stopping = {
    signal: draining,
    code: 'GOING_AWAY',
    message: 'The server is stopping; come back with your cursor.',
  };
  const expiry = expiries.get(request);
  if (!expiry) return [stopping];
  const signal = AbortSignal.timeout(Math.min(Math.max(expiry.getTime() - Date.now(), 0), 2 ** 31 - 1));
  return [stopping, { signal, code: 'UNAUTHENTICATED', message: 'The token has expired; come back with a new one.' }];
}
