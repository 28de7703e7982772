import type { Neighbours } from './neighbours.ts';
import type { Snapshot } from './snapshot.ts';

export interface Serving {
  snapshot: Snapshot;
  neighbours: Neighbours;
}
