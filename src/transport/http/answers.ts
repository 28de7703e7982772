import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';

/** Why a request is refused, as an HTTP answer. */
export interface Problem {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
}

/** Answers in the form of a GraphQL error, which every GraphQL client can read. */
export function answerProblem(response: ServerResponse, { status, code, message, headers }: Problem): void {
  answerJson(response, status, { errors: [{ message, extensions: { code } }] }, headers);
}

/** The HTTP status of each error code. Any other code is a failure of the server. */
const STATUS: Record<string, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
  SERVICE_UNAVAILABLE: 503,
};

/** Answers with a masked failure that occurred before the operation was known. */
export function answerFailure(response: ServerResponse, failure: GraphQLError): void {
  const { http, ...extensions } = failure.extensions;
  const { status, headers } = (http ?? {}) as Partial<Problem>;
  const errors = [{ message: failure.message, extensions }];
  answerJson(response, status ?? STATUS[String(extensions.code)] ?? 500, { errors }, headers);
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  const own = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, { ...own, ...headers }).end(JSON.stringify(body));
}
