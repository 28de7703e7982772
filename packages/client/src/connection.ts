import { type Client, type ClientOptions, createClient } from 'graphql-ws';

export interface ConnectionOptions {
  /** Where GraphQL over WebSocket is served, for example `wss://example.org/graphql`. */
  url: string;
  /** Called before each connection, so that a token that has expired is replaced. */
  token?: () => string | null | Promise<string | null>;
  /** The app's own id of the listener to act for, where the token may. */
  listenerId?: string;
  /** A server is asked this often whether it is still there, and has as long to answer; 10,000 by default. */
  pingMs?: number;
  /** Where there is no global one (Node.js 20): the class of the package `ws`. */
  webSocketImpl?: unknown;
}

/** A result of GraphQL that has errors and no data: the request cannot succeed, or not now. */
export class RequestError extends Error {
  readonly code: string | null;
  readonly retryAfterMs: number | null;

  constructor(errors: readonly { message: string; extensions?: Record<string, unknown> | undefined }[]) {
    super(errors.map(({ message }) => message).join('; '));
    const { code, retryAfterMs } = errors[0]?.extensions ?? {};
    this.code = typeof code === 'string' ? code : null;
    this.retryAfterMs = typeof retryAfterMs === 'number' ? retryAfterMs : null;
  }
}

/** Codes of what would fail again in the same way. */
const FINAL = new Set(['NOT_FOUND', 'FORBIDDEN', 'INVALID_INPUT', 'BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED']);

export const isFinal = (error: unknown): boolean =>
  error instanceof RequestError && error.code !== null && FINAL.has(error.code);

/**
 * One WebSocket for all operations. It does not reconnect by itself: who uses it knows where to go on from. One whose
 * server is silent, as a network leaves it that went away without a word, fails as one that was closed.
 */
export function connect({ url, token, listenerId, webSocketImpl, pingMs = 10_000 }: ConnectionOptions): Client {
  const client = createClient({
    url,
    retryAttempts: 0,
    keepAlive: pingMs,
    on: endingSilence(pingMs, () => client.terminate()),
    ...(webSocketImpl !== undefined && { webSocketImpl }),
    connectionParams: async () => {
      const given = (await token?.()) ?? null;
      return {
        ...(given !== null && { authorization: `Bearer ${given}` }),
        ...(listenerId !== undefined && { 'x-listener-id': listenerId }),
      };
    },
  });
  return client;
}

/** Calls `end` if nothing comes for so long after a connection was opened, or a ping sent. */
function endingSilence(ms: number, end: () => void): NonNullable<ClientOptions['on']> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => clearTimeout(timer);
  const wait = (): void => {
    heard();
    timer = setTimeout(end, ms);
  };
  const ping = (isReceived: boolean): void => {
    if (!isReceived) wait();
  };
  return { opened: wait, ping, message: heard, closed: heard };
}

/** The data of each result. `operationName` chooses one of several. @throws RequestError; what the socket fails with */
export async function* results<Data>(
  client: Client,
  query: string,
  variables: Record<string, unknown>,
  operationName: string | null = null,
): AsyncGenerator<Data, void> {
  try {
    for await (const { data, errors } of client.iterate<Data>({ query, variables, operationName })) {
      if (errors) throw new RequestError(errors);
      if (data) yield data;
    }
  } catch (error) {
    // An operation that is refused, or ends later, comes as a list of errors.
    throw Array.isArray(error) ? new RequestError(error as ConstructorParameters<typeof RequestError>[0]) : error;
  }
}

/** The first result. @throws as `results` */
export async function request<Data>(client: Client, query: string, variables: Record<string, unknown>): Promise<Data> {
  for await (const data of results<Data>(client, query, variables)) return data;
  throw new Error('The server has answered nothing');
}

/** Full jitter, so that all clients of a restarted server do not come back at the same instant. */
export const backOff = (failures: number, longestMs = 10_000): number =>
  Math.random() * Math.min(longestMs, 200 * 2 ** failures);

/** Waits, or until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
