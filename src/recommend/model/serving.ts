import type { Workspace } from '../ranking/workspace.ts';
import type { Neighbours } from './neighbours.ts';
import type { Snapshot } from './snapshot.ts';

/** What rankings are based on. */
export interface Serving {
  snapshot: Snapshot;
  neighbours: Neighbours;
  workspace: Workspace;
}
