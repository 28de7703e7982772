import * as Y from 'yjs';
import { openState, type StoredState } from './document-state.ts';
import { type Inspected, inspectUpdate } from './inspect-update.ts';
import { type PeerChange, type PeerWriting, writeNext } from './peer-changes.ts';

/** Documents that stay open. One more, and that which was used longest ago is opened again when it is needed. */
const MOST_OPEN = 16;

/** A change in a document that stays open, so that a word does not take as long as reading all of it. */
export interface ReplicaJob {
  /** Names the replica. */
  key: string;
  /** What the document was stored as, for one that is opened; otherwise null. */
  stored: StoredState | null;
  /** What has come since. */
  updates: readonly Uint8Array[];
  /** Null: it is closed. */
  writing: PeerWriting | null;
}

/** `unknown`: the replica is not open (any more). */
export type ReplicaResult = { type: 'unknown' } | ({ type: 'written'; inspected: Inspected | null } & PeerChange);

const replicas = new Map<string, Y.Doc>();

export function workOnReplica({ key, stored, updates, writing }: ReplicaJob): ReplicaResult {
  const doc = stored ? openState(stored) : replicas.get(key);
  replicas.delete(key);
  if (!writing || !doc) return { type: 'unknown' };
  for (const update of updates) Y.applyUpdate(doc, update);
  const change = writeNext(doc, writing);
  replicas.set(key, doc);
  const [oldest] = replicas.keys();
  if (oldest !== undefined && replicas.size > MOST_OPEN) replicas.delete(oldest);
  return { type: 'written', ...change, inspected: change.update && inspectUpdate(new Uint8Array(change.update)) };
}
