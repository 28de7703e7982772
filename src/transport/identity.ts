import type { AuthConfig } from '../config.ts';
import { ForbiddenError, InvalidInputError, UnauthenticatedError } from '../lib/errors.ts';
import { type Logger, silentLogger } from '../lib/log.ts';
import { checkText } from '../lib/text/check-text.ts';
import { type Listener, type Listeners, may, type Role, type Viewer } from '../listeners/listeners.ts';
import { ROLES } from './tokens/claims.ts';
import { createTokenReader } from './tokens/token.ts';

/** The credentials of a request or a connection. */
export interface Credentials {
  /** `Bearer TOKEN` */
  authorization: string | null;
  /** The calling app's own id of the listener to act for. */
  listenerId: string | null;
}

export interface Identity {
  viewer: Viewer;
  /** When the token expires, which ends the subscriptions that it opened. Null if it does not expire. */
  expiresAt: Date | null;
}

export type Identify = (credentials: Credentials) => Promise<Identity>;

const DEMO_LISTENER = 'demo';
const LISTENER_ID = 'X-Listener-Id';

/**
 * Identifies the caller of a request ([AUTH1]). With authentication configured, a JSON Web Token is required: `sub` is
 * the listener's external id, and `roles` (a list, or a string with spaces) grants permissions, LISTENER if absent. A
 * SERVICE acts for the listener that it names. Without authentication the caller is the demo listener, or the listener
 * that it names, and has every permission.
 * @throws UnauthenticatedError, ForbiddenError, InvalidInputError; ServiceUnavailableError if the keys are not
 * available
 */
export function createIdentify(auth: AuthConfig | null, listeners: Listeners, log: Logger = silentLogger): Identify {
  if (auth === null) {
    return async ({ listenerId }) => {
      const listener = await named(listeners, listenerId ?? DEMO_LISTENER);
      return { viewer: { listener, roles: new Set(ROLES) }, expiresAt: null };
    };
  }
  const read = createTokenReader(auth);
  const rolesOf = roleReader(log);
  return async ({ authorization, listenerId }) => {
    const { subject, name, roles: claimed, expiresAt } = await read(bearerToken(authorization));
    const roles = rolesOf(claimed);
    const own = await listeners.ensure(subject, name);
    if (own.externalId !== subject)
      throw new UnauthenticatedError('The token’s subject (sub) cannot be stored unchanged');
    if (listenerId === null || !may({ listener: own, roles }, 'SERVICE'))
      return { viewer: { listener: own, roles }, expiresAt };
    return { viewer: { listener: await named(listeners, listenerId), roles, agent: own }, expiresAt };
  };
}

function bearerToken(authorization: string | null): string {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new UnauthenticatedError('A token is needed: send Authorization: Bearer TOKEN');
  return token;
}

/** The id is used exactly as sent, because a corrected id could be another listener's. @throws InvalidInputError */
async function named(listeners: Listeners, externalId: string): Promise<Listener> {
  try {
    if (checkText(externalId, LISTENER_ID, { max: 128 }) === externalId) return await listeners.ensure(externalId);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(`The listener's id is invalid: ${error.message}`, LISTENER_ID);
  }
  throw new InvalidInputError(
    `The listener's id is invalid: ${LISTENER_ID} begins or ends with white space`,
    LISTENER_ID,
  );
}

/** Limits on the unknown roles that are logged, so that whoever signs tokens cannot fill the log. */
const TOLD = { roles: 20, characters: 64 };

/** The roles of a token ([AUTH6]). @throws ForbiddenError if they grant nothing */
function roleReader(log: Logger): (claimed: readonly string[] | null) => ReadonlySet<Role> {
  const told = new Set<string>();
  const tell = (role: string): void => {
    if (told.size >= TOLD.roles || told.has(role)) return;
    told.add(role);
    log.warn({ role }, `A token contains an unknown role, which grants nothing. The roles are ${ROLES.join(', ')}`);
  };
  return (claimed) => {
    if (claimed === null) return new Set<Role>(['LISTENER']);
    const known = ROLES.filter((role) => claimed.includes(role));
    for (const role of claimed) if (!ROLES.some((one) => one === role)) tell(role.slice(0, TOLD.characters));
    if (known.length > 0) return new Set(known);
    throw new ForbiddenError(`The token's roles grant no permissions; it needs one of ${ROLES.join(', ')}`);
  };
}
