import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Longer ids, and ones that could be something else than an id in a log, are replaced. */
const ACCEPTABLE = /^[\w.:+/=@-]{1,128}$/;
export const REQUEST_ID = 'x-request-id';

/** The caller's `X-Request-Id`, or a new id ([LOGS1]). */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : randomUUID();
}
