import type { Operation } from './operation.ts';
import { type Credential, session } from './session.svelte.ts';

/** Beside the page, also behind a proxy's own path. */
const GRAPHQL = new URL('graphql', document.baseURI);
const VISITORS = new URL('visitors', document.baseURI);

export const socketUrl = (): string => GRAPHQL.href.replace(/^http/, 'ws');

/** Why a request has no result. */
export class Refused extends Error {
  readonly code: string;
  readonly field: string | null;

  constructor(code: string, message: string, field: string | null = null) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

interface Body<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { code?: string; field?: string } }[];
}

/**
 * Sends a query or a mutation.
 * @throws Refused
 */
export async function ask<Data, Variables>(
  { document, name }: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { credential } = session;
  const response = await reach(GRAPHQL, {
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headersOf(credential) },
    body: JSON.stringify({ query: document, operationName: name, variables }),
  });
  const { data, errors: [error] = [] } = await bodyOf<Data>(response);
  if (data && !error) return data;
  const code = error?.extensions?.code ?? `HTTP_${response.status}`;
  const refused = new Refused(code, error?.message ?? response.statusText, error?.extensions?.field ?? null);
  if (code === 'UNAUTHENTICATED') session.refuse(credential, refused.message);
  throw refused;
}

/** A visitor's token, where the server has visitors. @throws Refused */
export async function becomeVisitor(): Promise<string> {
  const response = await reach(VISITORS, {});
  const { token, errors } = (await response.json()) as { token?: string } & Body<never>;
  if (token !== undefined) return token;
  throw new Refused(errors?.[0]?.extensions?.code ?? 'NOT_FOUND', errors?.[0]?.message ?? response.statusText);
}

function headersOf({ token, listenerId }: Credential): Record<string, string> {
  return {
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(listenerId !== null && { 'x-listener-id': listenerId }),
  };
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { method: 'POST', ...init });
  } catch {
    throw new Refused('UNREACHABLE', 'The server cannot be reached.');
  }
}

async function bodyOf<Data>(response: Response): Promise<Body<Data>> {
  try {
    return (await response.json()) as Body<Data>;
  } catch {
    return {};
  }
}

type Success<Result> = Extract<Result, { __typename: `${string}Success` }>;

/** The success among the types of a mutation's result. @throws Refused for any of its errors */
export function succeeded<Result extends { __typename: string }>(result: Result): Success<Result> {
  if (isSuccess(result)) return result;
  const {
    __typename: code,
    message,
    field,
  } = result as { __typename: string; message?: string; field?: string | null };
  throw new Refused(code, message ?? code, field ?? null);
}

function isSuccess<Result extends { __typename: string }>(result: Result): result is Success<Result> {
  return result.__typename.endsWith('Success');
}
