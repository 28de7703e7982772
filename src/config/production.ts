import { isLoopback } from './values.ts';

type Variables = Record<string, string | undefined>;

/**
 * Why a server with this configuration must not serve strangers, and what to do about each reason ([PROD1]). Values are
 * named only if they are no secrets.
 */
export function unsafeForProduction(given: Variables): string[] {
  return [
    ...unsafeIdentity(given),
    ...unsafeStorage(given),
    ...insecureOrigins(given.CADENZA_CORS_ORIGINS).map(
      (origin) =>
        `CADENZA_CORS_ORIGINS has ${origin}, which anybody on the way to a listener can put another page in place of. Serve that page with https`,
    ),
  ];
}

function unsafeIdentity(given: Variables): string[] {
  const { CADENZA_JWT_SECRET: secret, CADENZA_JWKS_URL: jwks, CADENZA_VISITOR_SECRET: visitors } = given;
  const problems: string[] = [];
  if (secret === undefined && jwks === undefined)
    problems.push(
      'There is no authentication: whoever reaches the server may do everything. Set CADENZA_JWKS_URL to your identity provider’s keys, or CADENZA_JWT_SECRET',
    );
  if (secret !== undefined && isWeak(secret))
    problems.push(`CADENZA_JWT_SECRET can be guessed. Set it to "$(openssl rand -base64 48)"`);
  if (visitors !== undefined && isWeak(visitors))
    problems.push(`CADENZA_VISITOR_SECRET can be guessed. Set it to "$(openssl rand -base64 48)"`);
  if (visitors !== undefined && visitors === secret)
    problems.push(`CADENZA_VISITOR_SECRET is CADENZA_JWT_SECRET: give each its own "$(openssl rand -base64 48)"`);
  if (jwks !== undefined && isOpenHttp(jwks))
    problems.push(
      'CADENZA_JWKS_URL is not https: whoever is between the server and the identity provider can sign tokens. Use its https URL',
    );
  if (jwks !== undefined && given.CADENZA_JWT_AUDIENCE === undefined)
    problems.push(
      'Tokens that the identity provider issued for other apps are accepted. Set CADENZA_JWT_AUDIENCE to the audience of this one',
    );
  return problems;
}

function unsafeStorage(given: Variables): string[] {
  const { DATABASE_URL: database, CADENZA_NATS_URL: nats } = given;
  const hasMasterKey = [given.CADENZA_MASTER_KEY, given.CADENZA_MASTER_KEY_FILE, given.CADENZA_MASTER_KEY_COMMAND].some(
    (value) => value !== undefined,
  );
  const problems: string[] = [];
  if (database !== undefined && !hasMasterKey)
    problems.push(
      'What people write would be stored as it is. Set CADENZA_MASTER_KEY_FILE to a file with what npm run encryption -- new-key prints',
    );
  if (database !== undefined && /[?&]sslmode=disable\b/.test(database) && !isHere(database))
    problems.push(
      'DATABASE_URL says sslmode=disable: everything is sent over the network as it is. Use sslmode=verify-full with sslrootcert, or require',
    );
  if (nats?.startsWith('nats://') && !isHere(nats) && !/^nats:\/\/[^/@]+@/.test(nats))
    problems.push('CADENZA_NATS_URL has no credentials: whoever reaches NATS can change drafts. Put them into the URL');
  if (given.CADENZA_DEMO === 'auto')
    problems.push('CADENZA_DEMO=auto fills an empty database with simulated listeners. Leave it out, or set it to off');
  return problems;
}

/** Words of examples, a text that repeats itself, or one of few different characters. */
function isWeak(secret: string): boolean {
  return /secret|change.?me|password|example|develop|test|12345|qwert/i.test(secret) || new Set(secret).size < 16;
}

const isOpenHttp = (url: string): boolean => url.startsWith('http://') && !isHere(url);

/** Whether the URL's host is this machine: a socket's folder, or loopback. */
function isHere(url: string): boolean {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  return host === '' || isLoopback(host);
}

const insecureOrigins = (list = ''): string[] =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => isOpenHttp(one));
