import type { IncomingMessage, ServerResponse } from 'node:http';
import { createYoga, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { createContext, type Context, type Services } from '../resolvers/context.ts';
import { buildSchema } from '../schema/schema.ts';
import { graphiqlOptions, renderPage } from './graphiql.ts';
import type { Identify } from './identity.ts';
import { limitPlugins, MAX_BODY_BYTES } from './limits.ts';
import { endingWith, type Ending } from './subscriptions.ts';

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
  config: Pick<Config, 'corsOrigins'>;
  services: Services;
  identify: Identify;
  mask: (error: unknown) => Error;
  /** Aborts when the server begins to end. */
  draining: AbortSignal;
  /** Told of each operation that arrives over HTTP, for the access log. */
  onOperation: (request: IncomingMessage, name: string) => void;
}

/** GraphQL over HTTP and server-sent events; the pipeline below also serves what arrives over WebSocket. */
export function createGraphQL({ config, services, identify, mask, draining, onOperation }: GraphQLOptions) {
  return createYoga<HttpContext | SocketContext, Context>({
    schema: buildSchema(),
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    maskedErrors: { maskError: mask },
    cors: config.corsOrigins.length > 0 && { origin: [...config.corsOrigins], credentials: false },
    graphiql: () => graphiqlOptions(services),
    renderGraphiQL: renderPage,
    context: async (initial) => {
      if ('socketContext' in initial) return initial.socketContext;
      const { viewer, expiresAt } = await identify(credentialsOf(initial.req));
      if (expiresAt) expiries.set(initial.req, expiresAt);
      return createContext(services, viewer);
    },
    plugins: [...limitPlugins(), nameOperations(onOperation), endStreams(draining), explainUnacceptable()],
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

/** Streams over HTTP end with a reason when the server stops or the token behind them expires; sockets are closed instead. */
function endStreams(draining: AbortSignal): Plugin<HttpContext> {
  return {
    onExecutionResult: (payload) => {
      const { req } = payload.context as Partial<HttpContext>;
      const { result } = payload;
      if (req && isAsyncIterable(result))
        payload.setResult(endingWith(result as never, endingsOf(req, draining)) as never);
    },
  };
}

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
