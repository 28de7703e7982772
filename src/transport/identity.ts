import { type ApiKeys, isMeantAsKey } from '../access/access.ts';
import type { AuthConfig } from '../config.ts';
import { ForbiddenError, InvalidInputError, UnauthenticatedError } from '../lib/errors.ts';
import { type Logger, silentLogger } from '../lib/log.ts';
import type { RequestFacts } from '../lib/request-facts.ts';
import { checkText } from '../lib/text/check-text.ts';
import {
  isVisitor,
  type Listener,
  type Listeners,
  may,
  type Role,
  ROLES,
  type Viewer,
} from '../listeners/listeners.ts';
import { claimsToBeVisitor, type VisitorClaims, type VisitorTokens } from '../listeners/listeners.ts';
import { createTokenReader } from './tokens/token.ts';

/** The credentials of a request or a connection. */
export interface Credentials {
  /** `Bearer TOKEN` */
  authorization: string | null;
  /** The calling app's own id of the listener to act for. */
  listenerId: string | null;
  /** The origin of the page that sent it. Null if none did. */
  origin: string | null;
}

export interface Identity {
  viewer: Viewer;
  /** When the token expires, which ends the subscriptions that it opened. Null if it does not expire. */
  expiresAt: Date | null;
  /** Calls back when the API key is not valid any more, as after its revocation. @returns what ends that */
  whenInvalid?: (act: () => void) => () => void;
}

/** What the log tells of the caller. */
export const factsOf = ({ listener, agent, key }: Viewer): Partial<RequestFacts> => ({
  listener: listener.externalId,
  ...(agent && { agent: agent.externalId }),
  ...(key && { key: key.prefix }),
});

/** Why a connection ends whose API key was revoked, replaced or has expired. */
export const KEY_ENDED = 'The API key is not valid any more';

export type Identify = (credentials: Credentials) => Promise<Identity>;

const DEMO_LISTENER = 'demo';
const LISTENER_ID = 'X-Listener-Id';

export interface IdentifyOptions {
  visitors?: VisitorTokens | null;
  keys?: ApiKeys | null;
  log?: Logger;
}

/**
 * Identifies the caller of a request ([AUTH1]). With authentication configured, a JSON Web Token is required: `sub` is
 * the listener's external id, and `roles` (a list, or a string with spaces) grants permissions, LISTENER if absent. A
 * SERVICE acts for the listener that it names. Without authentication the caller is the demo listener, or the listener
 * that it names, and has every permission. A visitor's token, where there are visitors, is that of a listener ([VISIT1]).
 * An API key is accepted in place of a token, also without authentication ([KEY1]).
 * @throws UnauthenticatedError, ForbiddenError, InvalidInputError; ServiceUnavailableError if the keys are not
 * available
 */
export function createIdentify(
  auth: AuthConfig | null,
  listeners: Listeners,
  { keys = null, ...options }: IdentifyOptions = {},
): Identify {
  const byToken = identifyByToken(auth, listeners, options);
  if (keys === null) return byToken;
  return (credentials) => {
    const presented = BEARER.exec(credentials.authorization ?? '')?.[1];
    if (presented === undefined || !isMeantAsKey(presented)) return byToken(credentials);
    return identifyByKey(presented, credentials, { keys, listeners });
  };
}

const BEARER = /^Bearer +(\S+)$/i;

/** The key's owner, or the listener that it is for, or that a SERVICE names ([KEY4]). */
async function identifyByKey(
  presented: string,
  { listenerId, origin }: Credentials,
  { keys, listeners }: { keys: ApiKeys; listeners: Listeners },
): Promise<Identity> {
  const key = await keys.identify(presented, origin);
  const { apiKey, expiresAt } = key;
  const { id, prefix, owner, roles } = apiKey;
  const isStaff = roles.includes('ANALYST') || roles.includes('ADMIN');
  const listener = await listenerOfKey();
  const agent = listener.id === owner.id ? {} : { agent: owner };
  return {
    viewer: { listener, roles: new Set(roles), ...agent, isStaff, key: { id, prefix } },
    expiresAt,
    whenInvalid: (act) => key.whenInvalid(act),
  };

  function listenerOfKey(): Listener | Promise<Listener> {
    const own = apiKey.listener ?? owner;
    if (listenerId === null || listenerId === own.externalId) return own;
    if (apiKey.listener) throw new ForbiddenError(`The API key is for ${own.externalId} only`);
    return roles.includes('SERVICE') || roles.includes('ADMIN') ? named(listeners, listenerId) : own;
  }
}

function identifyByToken(
  auth: AuthConfig | null,
  listeners: Listeners,
  { visitors = null, log = silentLogger }: Omit<IdentifyOptions, 'keys'>,
): Identify {
  if (auth === null) {
    return async ({ listenerId }) => {
      const listener = await named(listeners, listenerId ?? DEMO_LISTENER);
      return { viewer: { listener, roles: new Set(ROLES) }, expiresAt: null };
    };
  }
  const read = createTokenReader(auth);
  const rolesOf = roleReader(log);
  return async ({ authorization, listenerId }) => {
    const token = bearerToken(authorization);
    if (visitors && claimsToBeVisitor(token)) return asVisitor(await visitors.read(token), listeners);
    const { subject, name, roles: claimed, expiresAt } = await read(token);
    const roles = rolesOf(claimed);
    if (visitors && isVisitor({ externalId: subject }))
      throw new UnauthenticatedError('The token’s subject (sub) is a visitor’s');
    const isStaff = roles.has('ANALYST') || roles.has('ADMIN');
    const own = await listeners.ensure(subject, name);
    if (own.externalId !== subject)
      throw new UnauthenticatedError('The token’s subject (sub) cannot be stored unchanged');
    if (listenerId === null || !may({ listener: own, roles }, 'SERVICE'))
      return { viewer: { listener: own, roles, isStaff }, expiresAt };
    return { viewer: { listener: await named(listeners, listenerId), roles, agent: own, isStaff }, expiresAt };
  };
}

async function asVisitor({ subject, expiresAt }: VisitorClaims, listeners: Listeners): Promise<Identity> {
  const listener = await listeners.ensureVisitor(subject);
  return { viewer: { listener, roles: new Set<Role>(['LISTENER']) }, expiresAt };
}

function bearerToken(authorization: string | null): string {
  const token = BEARER.exec(authorization ?? '')?.[1];
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
