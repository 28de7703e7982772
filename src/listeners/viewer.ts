export type Role = 'LISTENER' | 'SERVICE' | 'ANALYST' | 'ADMIN';

export interface Listener {
  id: number;
  /** The calling app's own id for this person. */
  externalId: string;
  displayName: string;
  /** Made by the built-in demo, not a person. */
  simulated: boolean;
}

/** Who asks: the listener behind the request and what they may do. ADMIN may do all. */
export interface Viewer {
  listener: Listener;
  roles: ReadonlySet<Role>;
  /** The service that acts for the listener, where it is not the listener who asks. */
  agent?: Listener;
}

/** Whether the viewer has the role; ADMIN has them all. */
export const may = (viewer: Viewer, role: Role): boolean => viewer.roles.has(role) || viewer.roles.has('ADMIN');
