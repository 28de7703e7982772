import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.ts';

/** Why a request is not let in before anything of it is read; null when it may pass. */
export type Doorkeeper = (request: IncomingMessage) => string | null;

/**
 * Web pages may call the server when they are its own or of a configured origin ([SERVE3]): a page elsewhere could
 * otherwise act as whoever looks at it. Where nobody has to prove who they are, the server answers only to the names of
 * this machine, or a page could point a name of its own at 127.0.0.1 and be "its own" (DNS rebinding).
 */
export function createDoorkeeper({ auth, corsOrigins }: Pick<Config, 'auth' | 'corsOrigins'>): Doorkeeper {
  return ({ headers: { host = '', origin } }) => {
    if (auth === null && !isLoopback(host)) {
      return `Without authentication configured this server answers only to localhost, not to ${JSON.stringify(host)}`;
    }
    if (origin === undefined || isSameHost(origin, host) || corsOrigins.includes(origin)) return null;
    return `Pages of ${JSON.stringify(origin)} may not call this server; CADENZA_CORS_ORIGINS lists those that may`;
  };
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host);

const isSameHost = (origin: string, host: string): boolean => URL.canParse(origin) && new URL(origin).host === host;
