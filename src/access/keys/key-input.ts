import { InvalidInputError } from '../../lib/errors.ts';
import { checkLength, checkName, checkRange, checkText } from '../../lib/text/check-text.ts';
import { isOrigin } from '../../lib/text/origin.ts';
import { isVisitor, type Role } from '../../listeners/listeners.ts';
import { type Allowance, type NewApiKey, type Quota, type QuotaInput, QUOTAS } from '../contract.ts';

const MOST_ORIGINS = 20;
const MOST_UNITS = 1_000_000_000_000;
const LONGEST_GRACE_SECONDS = 30 * 24 * 3600;
const LONGEST_YEARS = 10;
const YEAR_MS = 366 * 24 * 3_600_000;

/** A key as it is to be created. Its listeners are not looked up yet. */
export interface CheckedKey {
  name: string;
  owner: string;
  actsFor: string | null;
  roles: Role[];
  origins: string[];
  expiresAt: Date | null;
  quota: Quota;
}

/** @throws InvalidInputError */
export function checkNewKey(input: NewApiKey, now: number): CheckedKey {
  return {
    name: checkName(input.name, 'input.name', { max: 100 }),
    owner: checkAccount(input.owner, 'input.owner'),
    actsFor: input.actsFor == null ? null : checkAccount(input.actsFor, 'input.actsFor'),
    roles: checkRoles(input.roles ?? ['LISTENER']),
    origins: checkKeyOrigins(input.origins ?? []),
    expiresAt: checkExpiry(input.expiresAt ?? null, now),
    quota: checkQuota(input.quota ?? {}, 'input.quota'),
  };
}

/** A visitor becomes an account one day and is gone, and a key with it. */
function checkAccount(externalId: string, field: string): string {
  const text = checkText(externalId, field, { max: 128 });
  if (text !== externalId) throw new InvalidInputError(`${field} begins or ends with white space`, field);
  if (isVisitor({ externalId })) throw new InvalidInputError(`${field} is a visitor, who has no account`, field);
  return text;
}

function checkRoles(roles: readonly Role[]): Role[] {
  if (roles.length === 0) throw new InvalidInputError('input.roles must name at least one role', 'input.roles');
  return [...new Set(checkLength(roles, 'input.roles', 10))];
}

function checkKeyOrigins(origins: readonly string[]): string[] {
  const wrong = checkLength(origins, 'input.origins', MOST_ORIGINS).findIndex(
    (one) => one.length > 300 || !isOrigin(one),
  );
  if (wrong === -1) return [...new Set(origins)];
  const field = `input.origins.${wrong}`;
  throw new InvalidInputError(`${field} is not an origin: a scheme, a host and optionally a port`, field);
}

function checkExpiry(expiresAt: Date | null, now: number): Date | null {
  if (expiresAt === null) return null;
  if (expiresAt.getTime() > now && expiresAt.getTime() <= now + LONGEST_YEARS * YEAR_MS) return expiresAt;
  throw new InvalidInputError(
    `input.expiresAt must be in the future, at most ${LONGEST_YEARS} years`,
    'input.expiresAt',
  );
}

/** @param field where it is in the input @throws InvalidInputError */
export function checkQuota(given: QuotaInput, field: string): Quota {
  const stated = QUOTAS.flatMap((name) => {
    const { soft = null, hard = null } = given[name] ?? {};
    return soft === null && hard === null ? [] : [[name, checkAllowance({ soft, hard }, `${field}.${name}`)] as const];
  });
  return Object.fromEntries(stated);
}

function checkAllowance(allowance: Allowance, field: string): Allowance {
  for (const name of ['soft', 'hard'] as const) {
    const limit = allowance[name];
    if (limit === null) continue;
    checkRange(limit, `${field}.${name}`, 0, MOST_UNITS);
    if (!Number.isInteger(limit))
      throw new InvalidInputError(`${field}.${name} is not a whole number`, `${field}.${name}`);
  }
  const { soft, hard } = allowance;
  if (soft === null || hard === null || soft <= hard) return allowance;
  throw new InvalidInputError(`${field}.soft must not be above ${field}.hard`, `${field}.soft`);
}

/** @throws InvalidInputError */
export const checkGrace = (seconds: number): number => checkRange(seconds, 'graceSeconds', 0, LONGEST_GRACE_SECONDS);
