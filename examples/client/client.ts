import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

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

/** An error as GraphQL tells it. */
export interface Refusal {
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
  const body = (await response.json()) as { data?: Result; errors?: Refusal[] };
  if (body.errors || !body.data) throw new GraphQLRequestError(body.errors ?? [{ message: response.statusText }]);
  return body.data;
}

/** Who asks: the headers of a request, and the connection parameters of a WebSocket. */
export async function identity({ token, listenerId }: ClientOptions): Promise<Record<string, string>> {
  return {
    ...(token && { authorization: `Bearer ${await token()}` }),
    ...(listenerId !== undefined && { 'x-listener-id': listenerId }),
  };
}
