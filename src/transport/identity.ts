import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import type { AuthConfig } from '../config.ts';
import { InvalidInputError, ServiceUnavailableError, UnauthenticatedError } from '../lib/errors.ts';
import { may, type Listener, type Listeners, type Role, type Viewer } from '../listeners/listeners.ts';

/** What a request or a connection says of who it is. */
export interface Credentials {
  /** `Bearer TOKEN` */
  authorization: string | null;
  /** The calling app's own id of the listener to act for. */
  listenerId: string | null;
}

export interface Identity {
  viewer: Viewer;
  /** When the token ends, and with it every subscription that it opened; null: never. */
  expiresAt: Date | null;
}

export type Identify = (credentials: Credentials) => Promise<Identity>;

const ROLES: readonly Role[] = ['LISTENER', 'SERVICE', 'ANALYST', 'ADMIN'];
const DEMO_LISTENER = 'demo';
/** Seconds by which the clocks of the issuer and of this machine may differ. */
const CLOCK_TOLERANCE = 5;

/**
 * Who is behind a request ([AUTH1]). With authentication configured a JSON Web Token says so: `sub` is the listener's
 * external id, `roles` (a list, or a string with spaces) what they may do, LISTENER when absent; a SERVICE acts for the
 * listener that it names. Without, everybody is the demo listener, or whom they name, and may do all.
 * @throws UnauthenticatedError, InvalidInputError, ServiceUnavailableError while the keys cannot be had
 */
export function createIdentify(auth: AuthConfig | null, listeners: Listeners): Identify {
  const ensure = remembering((externalId, name) => listeners.ensure(externalId, name));
  if (auth === null) {
    return async ({ listenerId }) => {
      const listener = await ensure(listenerId ?? DEMO_LISTENER);
      return { viewer: { listener, roles: new Set(ROLES) }, expiresAt: null };
    };
  }
  const verify = verifier(auth);
  return async ({ authorization, listenerId }) => {
    const claims = await verify(bearerToken(authorization));
    if (!claims.sub) throw new UnauthenticatedError('The token names no subject (sub)');
    const roles = rolesOf(claims);
    const own = await ensure(claims.sub, typeof claims.name === 'string' ? claims.name : undefined);
    const viewer: Viewer = { listener: own, roles };
    const listener = listenerId !== null && may(viewer, 'SERVICE') ? await ensure(listenerId) : own;
    return { viewer: { listener, roles }, expiresAt: claims.exp === undefined ? null : new Date(claims.exp * 1000) };
  };
}

function bearerToken(authorization: string | null): string {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new UnauthenticatedError('A token is needed: send Authorization: Bearer TOKEN');
  return token;
}

function verifier(auth: AuthConfig): (token: string) => Promise<JWTPayload> {
  const options = {
    clockTolerance: CLOCK_TOLERANCE,
    ...(auth.issuer !== null && { issuer: auth.issuer }),
    ...(auth.audience !== null && { audience: auth.audience }),
  };
  if (auth.kind === 'secret') {
    const key = new TextEncoder().encode(auth.secret);
    return explained(async (token) => (await jwtVerify(token, key, { ...options, algorithms: ['HS256'] })).payload);
  }
  const keys = createRemoteJWKSet(new URL(auth.url));
  // Public keys only: a shared-secret algorithm would let anyone sign with what the provider publishes.
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
  return explained(async (token) => (await jwtVerify(token, keys, { ...options, algorithms })).payload);
}

/** Faults of the token are told apart from a key server that cannot be reached. */
function explained(verify: (token: string) => Promise<JWTPayload>): (token: string) => Promise<JWTPayload> {
  return async (token) => {
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new UnauthenticatedError('The token has expired');
      if (isTokenFault(error)) throw new UnauthenticatedError('The token is not valid');
      const unavailable = new ServiceUnavailableError('The keys of the tokens cannot be fetched at present');
      unavailable.cause = error;
      throw unavailable;
    }
  };
}

const isTokenFault = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC');

function rolesOf({ roles }: JWTPayload): ReadonlySet<Role> {
  const named: unknown[] = typeof roles === 'string' ? roles.split(/\s+/) : Array.isArray(roles) ? roles : [];
  const known = ROLES.filter((role) => named.includes(role));
  return new Set(known.length > 0 ? known : ['LISTENER']);
}

const REMEMBERED = 10_000;

/** Listeners seen lately, so that a request costs no statement to find out who asks; what fails is not kept. */
function remembering(ensure: (externalId: string, name?: string) => Promise<Listener>) {
  const seen = new Map<string, Listener>();
  return async (externalId: string, name?: string): Promise<Listener> => {
    const known = seen.get(externalId);
    if (known && (name === undefined || known.displayName === name)) return known;
    const listener = await ensure(externalId, name).catch((error: unknown) => {
      if (!(error instanceof InvalidInputError)) throw error;
      throw new InvalidInputError(`The listener's id cannot be taken: ${error.message}`, 'X-Listener-Id');
    });
    const [oldest] = seen.keys();
    if (seen.size >= REMEMBERED && oldest !== undefined) seen.delete(oldest);
    seen.set(externalId, listener);
    return listener;
  };
}
