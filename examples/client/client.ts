import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { createClient as createSocketClient } from 'graphql-ws';
import { FollowDraftDocument, type FollowDraftSubscription } from './generated/graphql.ts';

export interface ClientOptions {
  /** e.g. `http://127.0.0.1:4000/graphql`; the WebSocket is at the same address. */
  url: string;
  /** Who asks, where the server runs without tokens. */
  listenerId?: string;
  /** A fresh bearer token, asked for on every request and every reconnect. */
  token?: () => string | Promise<string>;
  /** Node 20 has no WebSocket of its own: pass the class of `ws`. Browsers need nothing. */
  webSocket?: unknown;
}

export type DraftEvent = FollowDraftSubscription['draftEvents'];

interface Refusal {
  message: string;
  extensions?: { code?: unknown };
}

/** What GraphQL answered instead of data. */
export class GraphQLRequestError extends Error {
  readonly codes: readonly string[];
  constructor(errors: readonly Refusal[]) {
    super(errors.map((error) => error.message).join('; '));
    this.codes = errors.map(({ extensions }) => (typeof extensions?.code === 'string' ? extensions.code : 'UNKNOWN'));
  }
}

/** One query or mutation over HTTP; variables and result are typed by the document. */
export async function request<Result, Variables>(
  options: ClientOptions,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(options.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await identity(options)) },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const body = (await response.json()) as { data?: Result; errors?: { message: string }[] };
  if (body.errors || !body.data) throw new GraphQLRequestError(body.errors ?? [{ message: response.statusText }]);
  return body.data;
}

async function identity({ token, listenerId }: ClientOptions): Promise<Record<string, string>> {
  if (token) return { authorization: `Bearer ${await token()}` };
  return listenerId ? { 'x-listener-id': listenerId } : {};
}

/**
 * A draft's events, each once and in order, through any number of disconnects and restarts of the server: the cursor of
 * the last event seen is where the next connection takes up. Ends when the draft has ended; throws what the server says
 * about a request that cannot succeed (no such draft, no right to it).
 */
export async function* followDraft(
  options: ClientOptions,
  draftId: string,
  { after, onSocket }: { after?: string; onSocket?: (socket: unknown) => void } = {},
): AsyncGenerator<DraftEvent> {
  let cursor = after;
  for (let failures = 0; ; failures++) {
    try {
      for await (const event of subscribe(options, draftId, cursor, onSocket)) {
        cursor = event.cursor;
        failures = 0;
        yield event;
      }
      return;
    } catch (error) {
      if (!isPassing(error) || failures >= 10) throw error;
      // Full jitter, so that a thousand readers of a server that restarts do not all come back in the same instant.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(5_000, 100 * 2 ** failures)));
    }
  }
}

async function* subscribe(
  options: ClientOptions,
  draftId: string,
  after: string | undefined,
  onSocket: ((socket: unknown) => void) | undefined,
): AsyncGenerator<DraftEvent> {
  const client = createSocketClient({
    url: options.url.replace(/^http/, 'ws'),
    retryAttempts: 0,
    connectionParams: async () => ({ ...(await identity(options)), listenerId: options.listenerId }),
    ...(options.webSocket !== undefined && { webSocketImpl: options.webSocket }),
    on: { connected: (socket) => onSocket?.(socket) },
  });
  try {
    const variables = { draftId, after: after ?? null };
    const events = client.iterate<FollowDraftSubscription>({ query: print(FollowDraftDocument), variables });
    for await (const { data, errors } of events) {
      if (errors) throw new GraphQLRequestError(errors);
      if (data) yield data.draftEvents;
    }
  } catch (error) {
    throw Array.isArray(error) ? new GraphQLRequestError(error as Refusal[]) : error;
  } finally {
    await client.dispose();
  }
}

/** What the server says while it, or its database, goes or comes. */
const PASSING_CODES = ['GOING_AWAY', 'SERVICE_UNAVAILABLE'];

/** A socket that closed, unless with a code that says that the request itself was wrong (4400–4499 but 4403 and 4408). */
function isPassing(error: unknown): boolean {
  if (error instanceof GraphQLRequestError) return error.codes.every((code) => PASSING_CODES.includes(code));
  const code = typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : 1006;
  return code < 4400 || code > 4499 || code === 4403 || code === 4408;
}
