import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { explainFailure } from '../db/failures.ts';
import {
  CadenzaError,
  DiskFullError,
  QuotaExceededError,
  RateLimitedError,
  UnauthenticatedError,
} from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { retryAfterHeader } from './rates/retry-after.ts';

/**
 * Turns failures into what clients see ([ERR1]). Errors of the catalogue keep their code, errors of GraphQL in the
 * request get one, and everything else is masked under an id that is also in the log.
 */
export function createMask(log: Logger): (error: unknown) => GraphQLError {
  return (error) => {
    const cause = explainFailure(rootOf(error));
    if (error instanceof GraphQLError && cause instanceof GraphQLError && isOfRequest(error, cause)) {
      return located(error, bounded(error.message), {
        code: 'BAD_USER_INPUT',
        ...error.extensions,
        ...cause.extensions,
      });
    }
    if (cause instanceof DiskFullError) log.error({ err: cause.cause }, cause.message);
    if (cause instanceof CadenzaError) return located(error, cause.message, extensionsOf(cause));
    const incidentId = randomUUID();
    log.error(
      { err: cause, incidentId, path: error instanceof GraphQLError ? error.path : undefined },
      'Masked failure',
    );
    const message = `Internal server error. The server's log has the details under ${incidentId}.`;
    return located(error, message, { code: 'INTERNAL_SERVER_ERROR', incidentId });
  };
}

/**
 * Before fields are resolved, a GraphQL error is about the request. Afterwards it may also be about a value of ours;
 * such an error has no location in the document.
 */
const isOfRequest = (error: GraphQLError, cause: GraphQLError): boolean =>
  error.path === undefined || cause.nodes !== undefined || 'code' in cause.extensions;

/** GraphQL's messages quote the request at full length and suggest names of the schema ([DOC4]). */
function bounded(message: string): string {
  const told = message.replace(/ Did you mean [^?]*\?$/, '');
  return told.length > MOST_CHARACTERS ? `${told.slice(0, MOST_CHARACTERS)}…` : told;
}

const MOST_CHARACTERS = 500;

/** The error that was originally thrown, without GraphQL's wrappers. */
function rootOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? rootOf(error.originalError) : error;
}

function located(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions });
  const { nodes = null, source = null, positions = null, path = null } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** The error's details: its code and, for example, the field. */
function extensionsOf(error: CadenzaError): Record<string, unknown> {
  const facts = Object.entries(error).filter(([, value]) => value !== null && typeof value !== 'object');
  const http = httpOf(error);
  return { ...Object.fromEntries(facts), ...(http && { http }) };
}

/** The HTTP status and headers of an error that concerns the whole request. */
function httpOf(error: CadenzaError): { status: number; headers: Record<string, string> } | null {
  if (error instanceof UnauthenticatedError) return { status: 401, headers: { 'www-authenticate': 'Bearer' } };
  if (!(error instanceof RateLimitedError || error instanceof QuotaExceededError)) return null;
  return { status: 429, headers: retryAfterHeader(error) };
}
