import type { IncomingMessage, ServerResponse } from 'node:http';

/** Sent with every answer: it is data for the caller, and the browser must not use it for anything else ([HTTP3]). */
const SECURITY = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Seconds for which a browser may cache a preflight response. Chromium's maximum is two hours. */
const PREFLIGHT_SECONDS = 7_200;
const METHODS = 'GET, POST, OPTIONS';

export function setSecurityHeaders(response: ServerResponse): void {
  for (const name in SECURITY) response.setHeader(name, SECURITY[name as keyof typeof SECURITY]);
}

/**
 * Lets pages of configured origins read every answer, refusals included. Without these headers a browser reports only
 * "Failed to fetch" ([HTTP5]).
 */
export function setCorsHeaders(
  { headers }: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): void {
  if (origins.length === 0) return;
  response.setHeader('vary', 'Origin');
  if (headers.origin === undefined || !origins.includes(headers.origin)) return;
  response.setHeader('access-control-allow-origin', headers.origin);
  response.setHeader('access-control-expose-headers', 'Retry-After, WWW-Authenticate, X-Request-Id');
}

/** Answers a browser's preflight request, and any other OPTIONS request. */
export function answerOptions({ headers }: IncomingMessage, response: ServerResponse): void {
  const asked = headers['access-control-request-headers'];
  if (response.hasHeader('access-control-allow-origin')) {
    response.setHeader('vary', 'Origin, Access-Control-Request-Headers');
    response.setHeader('access-control-allow-methods', METHODS);
    response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
  }
  response.writeHead(204, { allow: METHODS }).end();
}
