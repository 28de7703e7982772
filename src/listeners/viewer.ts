export const ROLES = ['LISTENER', 'SERVICE', 'ANALYST', 'ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** The API key that a request was sent with. */
interface UsedKey {
  id: number;
  /** The part of it that is no secret. */
  prefix: string;
}

export interface Listener {
  id: number;
  /** The calling app's own id for the listener. */
  externalId: string;
  displayName: string;
  /** Whether the listener is simulated by the built-in demo. */
  simulated: boolean;
}

/** The caller of a request: the listener that it acts for, and its roles. ADMIN has every permission. */
export interface Viewer {
  listener: Listener;
  roles: ReadonlySet<Role>;
  /** The service that acts for the listener, if it is not the listener itself. */
  agent?: Listener;
  /** Whether a token made the viewer an ANALYST or ADMIN: lists that they ask for are looked at, not served. */
  isStaff?: boolean;
  /** Where the request came from, as it is counted for rates. */
  address?: string;
  /** Absent for a token. */
  key?: UsedKey;
}

const VISITOR = 'visitor:';

/** Whether a listener has not signed in, but has an id that this server issued ([VISIT1]). */
export const isVisitor = ({ externalId }: Pick<Listener, 'externalId'>): boolean => externalId.startsWith(VISITOR);

/** Who answers for what the viewer does: the service, or the owner of the API key, if it acts for somebody else. */
export const accountOf = ({ listener, agent = listener }: Viewer): Listener => agent;

/** Who answers for a draft: null for its listener; and the API key, null for a token. */
export interface Payer {
  payerId: number | null;
  payerKeyId: number | null;
}

export function payerOf(viewer: Viewer): Payer {
  const account = accountOf(viewer).id;
  return { payerId: account === viewer.listener.id ? null : account, payerKeyId: viewer.key?.id ?? null };
}

/** Whether the viewer has the role. ADMIN has all of them. */
export const may = (viewer: Viewer, role: Role): boolean => viewer.roles.has(role) || viewer.roles.has('ADMIN');
