import { StartupError } from '../../lib/errors.ts';
import { isAway } from '../failures.ts';
import type { ServerFacts } from '../queries/server-queries.ts';
import { NO_PRIMARY, NO_TLS } from './servers.ts';

const OLDEST_VERSION = 15;
const MAKE_UTF8 = "Cadenza needs UTF8: create database NAME encoding 'UTF8' template template0.";

/** @throws StartupError */
export function throwIfUnusable({ number, text, encoding, isReadOnly }: ServerFacts, name: string): void {
  if (number < OLDEST_VERSION * 10_000)
    throw new StartupError(`${name} is PostgreSQL ${text}; Cadenza needs ${OLDEST_VERSION} or later.`);
  if (encoding !== 'UTF8') throw new StartupError(`${name} has the encoding ${encoding}; ${MAKE_UTF8}`);
  if (isReadOnly) throw new StartupError(`${name} ${READ_ONLY}`);
}

export const POOLED =
  'is reached through a pooler in transaction mode (PgBouncer?), where wake-ups between nodes and locks are lost: set ' +
  'pool_mode=session for it, or name the server itself in DATABASE_URL.';

/** What an operator can do about a failure to use the database, as far as that is known. */
export function startupError(error: unknown, name: string, schema: string): unknown {
  if (!(error instanceof Error) || error instanceof StartupError) return error;
  const { code = '', message } = rootOf(error);
  const remedy =
    remedies[code]?.(message, schema) ??
    (isAway(error)
      ? `does not answer (${code}): is it running, and are host and port in DATABASE_URL right?`
      : undefined);
  return remedy ? new StartupError(`${name} ${remedy}`) : asRefusal(error, `${name} cannot be used: ${message}`, code);
}

/** For any other SQLSTATE or a TLS failure, the server's own message is the best explanation. */
function asRefusal(error: Error, message: string, code: string): Error {
  return /^[\dA-Z]{5}$|^ERR_|CERT|TLS|SSL/.test(code) ? new StartupError(message) : error;
}

const READ_ONLY = 'takes no writes (a standby?): DATABASE_URL has to name the primary, alone or among several hosts.';
const UNKNOWN_AUTHORITY = (): string =>
  'has a certificate that no known authority has signed: name the file of its authority with sslrootcert in DATABASE_URL.';

/** What an operator can do, by SQLSTATE or the code of Node.js. */
const remedies: Partial<Record<string, (message: string, schema: string) => string | undefined>> = {
  '28P01': () => 'refuses the user or the password in DATABASE_URL.',
  '28000': (message) =>
    /no encryption/.test(message)
      ? 'takes this user over TLS only: add sslmode=require or, with sslrootcert, sslmode=verify-full to DATABASE_URL.'
      : 'refuses this user: see its pg_hba.conf, and the user in DATABASE_URL.',
  '3D000': () => 'has no database of the name in DATABASE_URL: create it, or correct the name.',
  '42501': (_, schema) =>
    `does not let this user create tables: grant it CREATE on the database and its schema “${schema}”, or run ` +
    '`npm run migrate` as a user who may.',
  '53300': () => 'has no connection left for this node: raise its max_connections, or run fewer nodes.',
  '25006': () => READ_ONLY,
  [NO_PRIMARY]: () => 'has no server that takes writes: each of its hosts is a standby, or does not answer.',
  [NO_TLS]: () => 'has no TLS, which sslmode in DATABASE_URL asks for: turn it on there, or use sslmode=prefer.',
  '08P01': (message) =>
    /search_path/.test(message)
      ? 'is reached through a pooler that does not pass on the search_path: run “alter role USER set search_path = SCHEMA”.'
      : undefined,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: () => 'has a certificate that has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: () =>
    'has a certificate for another name: write the host in DATABASE_URL as it is in the certificate, or use sslmode=verify-ca.',
};

function rootOf(error: Error): NodeJS.ErrnoException {
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}
