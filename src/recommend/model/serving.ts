import type { Workspace } from '../ranking/workspace.ts';
import type { Neighbours } from './neighbours.ts';
import type { Snapshot } from './snapshot.ts';

/** The version before the first training: content, preferences and popularity. */
export const UNTRAINED = 'untrained';

/** What rankings are based on. */
export interface Serving {
  snapshot: Snapshot;
  neighbours: Neighbours;
  workspace: Workspace;
}
