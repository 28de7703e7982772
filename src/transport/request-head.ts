import type { IncomingMessage } from 'node:http';
import type { Problem } from './http/answers.ts';

/** Browsers send about twenty, proxies add a few; Node.js itself refuses more than 16 KiB of them with 431. */
const MOST_HEADERS = 100;

/** What is too much of a request before anything of it is looked at ([EDGE6]). */
export function excessOf({ rawHeaders }: IncomingMessage): Problem | null {
  if (rawHeaders.length <= 2 * MOST_HEADERS) return null;
  return { status: 431, code: 'TOO_MANY_HEADERS', message: `A request may have at most ${MOST_HEADERS} headers` };
}
