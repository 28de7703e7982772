import { errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';
import type { AuthConfig } from '../../config.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { ServiceUnavailableError, TokenExpiredError, UnauthenticatedError } from '../../lib/errors.ts';
import { type Claims, CLOCK_TOLERANCE, readClaims } from './claims.ts';
import { signingKeys } from './signing-keys.ts';

/** Maximum length of a token. No HTTP header is longer. */
const LONGEST_TOKEN = 16 * 1024;
const MAX_HOURS = 720;

type Verify = (token: string) => Promise<JWTPayload>;

/**
 * Reads JSON Web Tokens. They must be signed by the configured issuer, must expire and not have expired, and must have
 * valid claims.
 * @throws UnauthenticatedError; ServiceUnavailableError if the identity provider's keys are not available
 */
export function createTokenReader(auth: AuthConfig, clock: Clock = systemClock): (token: string) => Promise<Claims> {
  const verify = auth.kind === 'secret' ? bySecret(auth) : byPublishedKeys(auth);
  const { maxHours = MAX_HOURS } = auth;
  return async (token) => {
    if (token.length > LONGEST_TOKEN) throw new UnauthenticatedError('The token is not valid');
    return readClaims(await verify(token), maxHours, clock.now());
  };
}

function bySecret(auth: AuthConfig & { kind: 'secret' }): Verify {
  const key = new TextEncoder().encode(auth.secret);
  const options = { ...claimsOf(auth), algorithms: ['HS256'] };
  return (token) => jwtVerify(token, key, options).then(({ payload }) => payload, refuse);
}

/** Public-key algorithms only. With a shared-secret algorithm anyone could sign with the published keys. */
const PUBLIC_KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

function byPublishedKeys(auth: AuthConfig & { kind: 'jwks' }): Verify {
  const keys = signingKeys(auth.url);
  const options = { ...claimsOf(auth), algorithms: PUBLIC_KEY_ALGORITHMS };
  return (token) =>
    jwtVerify(token, keys, options).then(
      ({ payload }) => payload,
      (error: unknown) => (isTokenFault(error) ? refuse(error) : keysAreAway(auth.url, error)),
    );
}

function claimsOf({ issuer, audience }: AuthConfig): JWTVerifyOptions {
  return {
    clockTolerance: CLOCK_TOLERANCE,
    ...(issuer !== null && { issuer }),
    ...(audience !== null && { audience }),
  };
}

/** Distinguishes an invalid token from a provider that does not supply its keys. */
const isTokenFault = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC');

function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new TokenExpiredError('The token has expired');
  throw new UnauthenticatedError('The token is not valid');
}

function keysAreAway(url: string, cause: unknown): never {
  const message = `The identity provider (${new URL(url).host}) does not provide its keys at the moment; try again shortly`;
  throw Object.assign(new ServiceUnavailableError(message), { cause });
}
