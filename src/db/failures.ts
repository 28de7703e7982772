import { CadenzaError, DiskFullError, ServiceUnavailableError } from '../lib/errors.ts';

/** Error codes of a connection that failed or was lost, from Node.js, the driver, and the server (SQLSTATE). */
const GONE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'],
  // None of several servers takes writes at the moment.
  'ENOPRIMARY',
  ...['57P01', '57P02', '57P03', '25P03', '08000', '08003', '08006'],
]);

/** Whether the failure means that the server cannot be reached. */
export const isGone = (error: unknown): boolean => hasCode(error, (code) => GONE.has(code));

/** too_many_connections: the server is there but refuses us. */
const isTurnedAway = (error: unknown): boolean => hasCode(error, (code) => code === '53300');

/** Whether this failure, or one that caused it, means that the database is unavailable. */
export const isAway = (error: unknown): boolean => isGone(error) || isTurnedAway(error);

/** Whether the database rejected the values (SQLSTATE classes 22 and 23), so that the same call will always fail. */
export const isRefused = (error: unknown): boolean => hasCode(error, (code) => /^2[23]\w{3}$/.test(code));

/** foreign_key_violation: the row refers to something that does not exist. */
export const namesNobody = (error: unknown): boolean => hasCode(error, (code) => code === '23503');

/** disk_full */
const isOutOfRoom = (error: unknown): boolean => hasCode(error, (code) => code === '53100');

function hasCode(error: unknown, matches: (code: string) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && typeof error.code === 'string' && matches(error.code)) || hasCode(error.cause, matches);
}

/**
 * Translates a failure of the database for the caller: ServiceUnavailableError if it does not answer ([DB6]), so that a
 * retry may succeed; DiskFullError if its disk is full ([DB7]); any other failure is unchanged. An error that has
 * already been translated is kept, whatever its cause.
 */
export function explainFailure(error: unknown): unknown {
  if (error instanceof CadenzaError) return error;
  const failure = isAway(error)
    ? new ServiceUnavailableError('The database is unavailable at the moment. Try again shortly.')
    : isOutOfRoom(error)
      ? new DiskFullError('The database’s disk is full. Nothing was changed. Free some space, then try again.')
      : null;
  if (!failure) return error;
  failure.cause = error;
  return failure;
}
