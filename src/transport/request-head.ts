import type { IncomingMessage } from 'node:http';
import type { Problem } from './http/answers.ts';

/** Browsers send about twenty headers and proxies add a few. Node.js itself refuses more than 16 KiB with 431. */
const MOST_HEADERS = 100;

/** Refuses a request with too many headers before anything else is checked ([EDGE6]). */
export function excessOf({ rawHeaders }: IncomingMessage): Problem | null {
  if (rawHeaders.length <= 2 * MOST_HEADERS) return null;
  return { status: 431, code: 'TOO_MANY_HEADERS', message: `A request may have at most ${MOST_HEADERS} headers` };
}
