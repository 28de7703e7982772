import { CadenzaError, DiskFullError, ServiceUnavailableError } from '../lib/errors.ts';

/** Codes of a connection that cannot be had or was lost, by Node.js, by the driver, and SQLSTATEs by the server. */
const GONE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'],
  ...['57P01', '57P02', '57P03', '25P03', '08000', '08003', '08006'],
]);

/** Whether nobody is there to answer, as far as this failure tells. */
export const isGone = (error: unknown): boolean => hasCode(error, (code) => GONE.has(code));

/** too_many_connections: somebody is there, but not for us. */
const isTurnedAway = (error: unknown): boolean => hasCode(error, (code) => code === '53300');

/** Whether this failure, or one that caused it, means that the database does not answer at present. */
export const isAway = (error: unknown): boolean => isGone(error) || isTurnedAway(error);

/** Whether the database took offence at the values themselves (SQLSTATE classes 22 and 23): the same call fails for ever. */
export const isRefused = (error: unknown): boolean => hasCode(error, (code) => /^2[23]\w{3}$/.test(code));

/** foreign_key_violation: what a row names is not there (any more). */
export const namesNobody = (error: unknown): boolean => hasCode(error, (code) => code === '23503');

/** disk_full */
const isOutOfRoom = (error: unknown): boolean => hasCode(error, (code) => code === '53100');

function hasCode(error: unknown, matches: (code: string) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && typeof error.code === 'string' && matches(error.code)) || hasCode(error.cause, matches);
}

/**
 * What a failure of this room means to a caller: ServiceUnavailableError when the database does not answer, the same call
 * being good later ([DB6]), DiskFullError when it has no room ([DB7]); any other failure is itself. What has been
 * explained already stays so, whatever caused it: others than the database may be away too.
 */
export function explainFailure(error: unknown): unknown {
  if (error instanceof CadenzaError) return error;
  const failure = isAway(error)
    ? new ServiceUnavailableError('The database does not answer at present. Try again in a moment.')
    : isOutOfRoom(error)
      ? new DiskFullError('The disk of the database is full, and nothing was changed. Make room on it, then try again.')
      : null;
  if (!failure) return error;
  failure.cause = error;
  return failure;
}
