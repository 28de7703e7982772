export type Role = 'LISTENER' | 'SERVICE' | 'ANALYST' | 'ADMIN';

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
}

/** Whether the viewer has the role. ADMIN has all of them. */
export const may = (viewer: Viewer, role: Role): boolean => viewer.roles.has(role) || viewer.roles.has('ADMIN');
