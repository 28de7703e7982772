import * as Y from 'yjs';

/** What a document was stored as: updates that are applied in this order. Each has a buffer of its own. */
export type StoredState = readonly Uint8Array[];

/** The name of the shared text that is a document's text. */
const TEXT = 'text';

export function openState(stored: StoredState): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of stored) Y.applyUpdate(doc, update);
  });
  return doc;
}

/** The document's text, and what a draft or a person writes into. */
export const textOf = (doc: Y.Doc): Y.Text => doc.getText(TEXT);

/** What a client with this state vector lacks, and what the document has. */
export function differenceFrom(doc: Y.Doc, stateVector: Uint8Array | null) {
  return {
    update: Y.encodeStateAsUpdate(doc, stateVector ?? undefined),
    stateVector: Y.encodeStateVector(doc),
  };
}

/** A new document with this text, as one update. */
export function newState(text: string): Uint8Array {
  const doc = new Y.Doc();
  textOf(doc).insert(0, text);
  return Y.encodeStateAsUpdate(doc);
}

/**
 * The update that makes a document what it was in an earlier state, and undoes nothing that is in both. Others who edit
 * meanwhile keep their changes.
 */
export function restoringUpdate(doc: Y.Doc, version: Uint8Array): Uint8Array {
  const earlier = new Y.Doc();
  Y.applyUpdate(earlier, version);
  const since = new Y.UndoManager(earlier, { trackedOrigins: new Set(['since']), captureTimeout: Infinity });
  // A root of the document has no type before somebody asks for it, and its changes would not be undone.
  for (const name of doc.share.keys()) earlier.get(name);
  Y.applyUpdate(earlier, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(earlier)), 'since');
  since.undo();
  return Y.encodeStateAsUpdate(earlier, Y.encodeStateVector(doc));
}
