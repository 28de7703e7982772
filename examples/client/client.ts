import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

export interface ClientOptions {
  /** For example `http://127.0.0.1:4000/graphql`. The WebSocket has the same address. */
  url: string;
  /** The listener to act as, if the server runs without tokens. */
  listenerId?: string;
  /** Returns a valid bearer token. Called for every request and every reconnect. */
  token?: () => string | Promise<string>;
  /** Node.js 20 has no WebSocket: pass the class of `ws`. Browsers need nothing. */
  webSocket?: unknown;
}

/** A GraphQL error. */
export interface Refusal {
  message: string;
  extensions?: { code?: unknown };
}

/** The errors that the server sent instead of data. */
export class GraphQLRequestError extends Error {
  readonly codes: readonly string[];
  constructor(errors: readonly Refusal[]) {
    super(errors.map((error) => error.message).join('; '));
    this.codes = errors.map(({ extensions }) => (typeof extensions?.code === 'string' ? extensions.code : 'UNKNOWN'));
  }
}

/** Sends one query or mutation over HTTP. The document determines the types of variables and result. */
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
  const body = (await response.json()) as { data?: Result; errors?: Refusal[] };
  if (body.errors || !body.data) throw new GraphQLRequestError(body.errors ?? [{ message: response.statusText }]);
  return body.data;
}

/** The identity of the caller, as headers of a request or connection parameters of a WebSocket. */
export async function identity({ token, listenerId }: ClientOptions): Promise<Record<string, string>> {
  return {
    ...(token && { authorization: `Bearer ${await token()}` }),
    ...(listenerId !== undefined && { 'x-listener-id': listenerId }),
  };
}
