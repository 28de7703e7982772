import type { IncomingMessage } from 'node:http';
import type { Problem } from './answers.ts';

/** An operation as sent, not yet validated: `query`, `operationName`, `variables`, `extensions`. */
export interface Parameters {
  parameters: object;
}

/** The parameters of a GET request. */
export function readUrl({ url = '' }: IncomingMessage): Parameters | Problem {
  const texts = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const [variables, extensions] = [objectIn(texts.get('variables')), objectIn(texts.get('extensions'))];
  if (variables === NO_OBJECT) return badRequest('variables is not a JSON object in the URL');
  if (extensions === NO_OBJECT) return badRequest('extensions is not a JSON object in the URL');
  return { parameters: { query: texts.get('query') ?? undefined, extensions } };
}

const NO_OBJECT = 'no object';

function objectIn(text: string | null): object | null | typeof NO_OBJECT {
  try {
    const value: unknown = JSON.parse(text === null || text === '' ? 'null' : text);
    return typeof value === 'object' && !Array.isArray(value) ? value : NO_OBJECT;
  } catch {
    return NO_OBJECT;
  }
}

/** Problems of an operation that are found before its document is parsed. */
export function parametersProblem({ parameters }: Parameters): Problem | null {
  const { query, operationName, extensions } = parameters as Record<string, unknown>;
  if (query != null && typeof query !== 'string') return badRequest('query is not a text');
  if (operationName != null && typeof operationName !== 'string') return badRequest('operationName is not a text');
  return query == null && isPersisted(extensions) ? PERSISTED_NOT_SUPPORTED : null;
}

const isPersisted = (extensions: unknown): boolean =>
  typeof extensions === 'object' && extensions !== null && 'persistedQuery' in extensions;

/** With this message, clients of automatic persisted queries send the document itself. */
const PERSISTED_NOT_SUPPORTED: Problem = {
  status: 200,
  code: 'PERSISTED_QUERY_NOT_SUPPORTED',
  message: 'PersistedQueryNotSupported',
};

const badRequest = (message: string): Problem => ({ status: 400, code: 'BAD_REQUEST', message });
