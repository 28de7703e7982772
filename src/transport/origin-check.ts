import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.ts';
import type { Problem } from './http/answers.ts';

/** Why a request is refused before any of it is read. Null if it is accepted. */
export type OriginCheck = (request: IncomingMessage) => Problem | null;

/**
 * Web pages may call the server if they are its own or of a configured origin ([SERVE3], [HTTP4]). Otherwise any page
 * could act as the person viewing it. Without authentication, only requests to this machine's own host names are
 * answered, because a page could point a name of its own at 127.0.0.1 and become same-origin (DNS rebinding).
 */
export function createOriginCheck({ auth, corsOrigins }: Pick<Config, 'auth' | 'corsOrigins'>): OriginCheck {
  return (request) => {
    const wrongHost = hostProblem(request);
    if (wrongHost) return wrongHost;
    const { host = '', origin } = request.headers;
    if (auth === null && !isLoopback(host)) {
      const message = `This server has no authentication configured and answers only requests to localhost, not to ${quoted(host)}`;
      return forbidden(message);
    }
    if (origin !== undefined && corsOrigins.includes(origin)) return null;
    if (origin !== undefined && !isSameHost(origin, host)) return foreign(`Pages of ${quoted(origin)}`);
    return comesFromElsewhere(request) && !opensPage(request) ? foreign('Pages of other sites') : null;
  };
}

/** A host or target that does not make a valid URL would fail later, and two `Host` headers are ambiguous ([HTTP1]). */
export function hostProblem({ headers: { host }, rawHeaders, url = '' }: IncomingMessage): Problem | null {
  if (host !== undefined && host !== '' && !(HOST.test(host) && URL.canParse(`http://${host}/`))) {
    return badRequest(`The request's Host ${quoted(host)} is not a valid host`);
  }
  if (!(url.startsWith('/') && URL.canParse(`http://localhost${url}`))) {
    return badRequest(`The request's target ${quoted(url)} is not a path`);
  }
  const hosts = rawHeaders.filter((text, i) => i % 2 === 0 && isHostHeader(text)).length;
  return hosts > 1 ? badRequest('The request names more than one Host') : null;
}

const HOST = /^(\[[\da-f:.]+\]|[\w.~-]+)(:\d{1,5})?$/i;

const isHostHeader = (name: string): boolean => name.length === 4 && name.toLowerCase() === 'host';

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host);

const isSameHost = (origin: string, host: string): boolean => URL.canParse(origin) && new URL(origin).host === host;

/** Browsers state where a request comes from, and pages cannot change that. Other programs do not send this header. */
function comesFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** A link to the server opens a page of its own in the browser's tab. */
function opensPage({ method, headers }: IncomingMessage): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination, accept } = headers;
  return method === 'GET' && mode === 'navigate' && destination === 'document' && takesPage(accept);
}

export const takesPage = (accept: string | undefined): boolean => accept?.includes('text/html') ?? false;

const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

const badRequest = (message: string): Problem => ({ status: 400, code: 'BAD_REQUEST', message });

const forbidden = (message: string): Problem => ({ status: 403, code: 'FORBIDDEN', message });

const foreign = (who: string): Problem =>
  forbidden(`${who} may not call this server; CADENZA_CORS_ORIGINS lists those that may`);
