import type { IncomingMessage, ServerResponse } from 'node:http';
import { Lifetime } from '../../lib/lifetime.ts';
import { noteFacts } from '../../lib/request-facts.ts';
import { type Context, createContext, type Services } from '../../resolvers/context.ts';
import { type Credentials, factsOf, type Identify, type Identity } from '../identity.ts';
import type { Mask } from '../live-results.ts';
import { takesPage } from '../origin-check.ts';
import { releaseWhenClosed } from '../rates/open-connections.ts';
import { answerFailure, answerProblem, type Problem } from './answers.ts';
import { readJsonBody } from './body.ts';
import { formProblem } from './forms.ts';
import type { Graphiql } from './graphiql.ts';
import { answerOptions } from './headers.ts';
import { parametersProblem, readUrl } from './parameters.ts';

/** What is known about the caller when its operation is executed. */
export interface Caller {
  context: Context;
  /** When the token expires, which ends the subscriptions that it opened. Null if it does not expire. */
  expiresAt: Date | null;
  /** See `Identity`. */
  whenInvalid?: Identity['whenInvalid'];
}

/** Runs the operation of a request whose body has been read. */
export type AnswerOperation = (request: IncomingMessage, response: ServerResponse, caller: Caller) => unknown;

export interface EndpointOptions {
  services: Services;
  /** Identifies the sender of a request. */
  identify: (request: IncomingMessage, credentials: Credentials) => ReturnType<Identify>;
  mask: Mask;
  answerOperation: AnswerOperation;
  answerPage: Graphiql['answerPage'];
  /** Maximum size of a body. */
  mostBytes: number;
  /** Whether operations are taken by GET. */
  takesGet: boolean;
}

export type Endpoint = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The GraphQL path. Checks are ordered by how little they need: the caller is identified before anything it sends is
 * read, and nothing runs that cannot be answered ([HTTP2]).
 */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { answerPage, answerOperation, mostBytes, takesGet } = options;
  return async (request, response) => {
    if (request.method === 'OPTIONS') {
      answerOptions(request, response);
      return;
    }
    if (request.method === 'GET' && takesPage(request.headers.accept)) return answerPage(request, response);
    const unfit = formProblem(request, takesGet);
    if (unfit) {
      refuse(request, response, unfit);
      return;
    }
    const caller = await callerOf(request, response, options);
    if (!caller) return;
    const parameters = request.method === 'GET' ? readUrl(request) : await readJsonBody(request, mostBytes);
    const problem = 'status' in parameters ? parameters : parametersProblem(parameters);
    if (problem) refuse(request, response, problem);
    else await answerOperation(request, response, caller);
  };
}

/** Null if the caller could not be identified; the request has then been answered. */
export async function callerOf(
  request: IncomingMessage,
  response: ServerResponse,
  options: Pick<EndpointOptions, 'services' | 'identify' | 'mask'>,
): Promise<Caller | null> {
  try {
    const { viewer, expiresAt, whenInvalid } = await options.identify(request, credentialsOf(request));
    noteFacts(factsOf(viewer));
    const lifetime = new Lifetime();
    releaseWhenClosed(response, () => lifetime.leave());
    const context = createContext(options.services, viewer, lifetime, resumptionOf(request));
    return { context, expiresAt, ...(whenInvalid && { whenInvalid }) };
  } catch (error) {
    closeUnread(request, response);
    answerFailure(response, options.mask(error));
    return null;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  closeUnread(request, response);
  answerProblem(response, problem);
}

/** The rest of a long body is not awaited. The connection is closed because it cannot be used for another request. */
function closeUnread(request: IncomingMessage, response: ServerResponse): void {
  const isShort = Number(request.headers['content-length'] ?? Infinity) <= SHORT_BYTES;
  if (!request.complete && !isShort) response.setHeader('connection', 'close');
}

const SHORT_BYTES = 65_536;

function credentialsOf({ headers }: IncomingMessage): Credentials {
  return {
    authorization: headers.authorization ?? null,
    listenerId: oneHeader(headers['x-listener-id']),
    origin: headers.origin ?? null,
  };
}

/** The last event that a browser's `EventSource` received before its connection was lost ([SSE2]). */
const resumptionOf = ({ headers }: IncomingMessage): string | null => oneHeader(headers['last-event-id']);

const oneHeader = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
