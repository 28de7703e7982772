import type { JWTPayload } from 'jose';
import { UnauthenticatedError } from '../../lib/errors.ts';

const LONGEST_ID = 128;

/** Tolerated difference between the clocks of the issuer and this machine, in seconds. */
export const CLOCK_TOLERANCE = 5;

/** The claims that we use. */
export interface Claims {
  /** Exactly as signed. */
  subject: string;
  name: string | undefined;
  /** The roles in the token, known or unknown. Null if the claim is absent. */
  roles: readonly string[] | null;
  expiresAt: Date;
}

/** @param now milliseconds since the epoch @throws UnauthenticatedError that names the claim ([AUTH4], [AUTH5]) */
export function readClaims(payload: JWTPayload, maxHours: number, now: number): Claims {
  const { name } = payload;
  checkIssuedAt(payload.iat, now);
  return {
    subject: readSubject(payload.sub),
    name: typeof name === 'string' && isStorable(name, 200) ? name : undefined,
    roles: readRoles(payload.roles),
    expiresAt: readExpiry(payload.exp, maxHours, now),
  };
}

/** A subject that cannot be stored unchanged could become another listener's. */
function readSubject(subject: unknown): string {
  if (typeof subject !== 'string') throw new UnauthenticatedError('The token has no subject: sub is not a string');
  if (isStorable(subject, LONGEST_ID)) return subject;
  throw new UnauthenticatedError(
    `The token's subject (sub) must have 1 to ${LONGEST_ID} characters and must not contain U+0000 or begin or end with white space`,
  );
}

/** Whether a text is stored unchanged. */
function isStorable(text: string, longest: number): boolean {
  if (text === '' || text.length > 2 * longest || text !== text.trim()) return false;
  return Array.from(text).length <= longest && !/\0|\p{Surrogate}/u.test(text);
}

function readRoles(roles: unknown): readonly string[] | null {
  if (roles === undefined || roles === null) return null;
  if (typeof roles === 'string') return roles.split(/\s+/).filter((role) => role !== '');
  if (Array.isArray(roles) && roles.every((role) => typeof role === 'string')) return roles;
  throw new UnauthenticatedError("The token's roles are neither a list of strings nor a string");
}

function readExpiry(exp: unknown, maxHours: number, now: number): Date {
  if (typeof exp !== 'number') throw new UnauthenticatedError('The token does not expire: exp is required');
  const hours = (exp - CLOCK_TOLERANCE - now / 1000) / 3600;
  if (hours <= maxHours) return new Date(exp * 1000);
  throw new UnauthenticatedError(
    `The token expires too late: exp may be at most ${maxHours} hours from now (CADENZA_JWT_MAX_HOURS)`,
  );
}

function checkIssuedAt(iat: unknown, now: number): void {
  if (iat === undefined) return;
  if (typeof iat === 'number' && iat - CLOCK_TOLERANCE <= now / 1000) return;
  throw new UnauthenticatedError('The token was issued in the future, or its iat is not a time');
}
