import * as Y from 'yjs';
import { absolutePosition, type DeltaPiece, updateOf } from './anchors.ts';
import { textOf } from './document-state.ts';

/** Where one client writes: behind what it wrote last or, at first, at a place. */
export interface PeerPlace {
  client: number;
  /** A position as Yjs encodes it. */
  place: Uint8Array;
  /** An update that deletes the passage that is written anew or continued. Null for a place. */
  removal: Uint8Array | null;
}

export interface PeerWriting extends PeerPlace {
  /** Everything that is to be written up to now. What is in the document already is left out. */
  text: string;
  /** What happens beside it: the passage is deleted, or all that was written is taken back. */
  also: 'remove' | 'takeBack' | null;
  /** Whether it is done even if others have deleted the passage, or all that was written. */
  always: boolean;
}

export interface PeerChange {
  /** Null if there is nothing to change. */
  update: Uint8Array | null;
  /** The clock of the client before the change: the number of UTF-16 code units that it has written. */
  from: number;
  /** Whether the passage, or all that was written, has been deleted by others. */
  isGone: boolean;
  /** Behind what it wrote last, as JSON that Yjs makes a position of. Null if that is nowhere. */
  caret: string | null;
}

/** Writes the next words of one client. The document has them afterwards. */
export function writeNext(doc: Y.Doc, { text, also, always, ...peer }: PeerWriting): PeerChange {
  const from = Y.getState(doc.store, peer.client);
  const isGone = !always && isPeerGone(doc, peer);
  const update = isGone ? null : asClient(doc, peer.client, () => change(doc, { text: text.slice(from), also, peer }));
  return { update, from, isGone, caret: isGone ? null : caretOf(doc, peer) };
}

function change(doc: Y.Doc, { text, also, peer }: { text: string; also: PeerWriting['also']; peer: PeerPlace }): void {
  const at = text === '' ? null : absolutePosition(doc, positionOf(doc, peer));
  if (at !== null) textOf(doc).insert(at, text);
  if (also === 'remove' && peer.removal) Y.applyUpdate(doc, peer.removal);
  if (also === 'takeBack') deleteOwn(doc, peer.client);
}

/** Puts a text in the place of a passage, within the caller's transaction. What others typed into it stays. */
export function writeOnce(doc: Y.Doc, { text, place, removal }: Omit<PeerPlace, 'client'> & { text: string }): void {
  const at = absolutePosition(doc, Y.decodeRelativePosition(place));
  if (at !== null) textOf(doc).insert(at, text);
  if (removal) Y.applyUpdate(doc, removal);
}

/** Yjs writes as the document's client. */
function asClient(doc: Y.Doc, client: number, act: () => void): Uint8Array | null {
  const usual = doc.clientID;
  doc.clientID = client;
  try {
    return updateOf(doc, act);
  } finally {
    doc.clientID = usual;
  }
}

function positionOf(doc: Y.Doc, { client, place }: PeerPlace): Y.RelativePosition {
  const written = Y.getState(doc.store, client);
  if (written === 0) return Y.decodeRelativePosition(place);
  return new Y.RelativePosition(null, null, Y.createID(client, written - 1), -1);
}

function caretOf(doc: Y.Doc, peer: PeerPlace): string | null {
  const position = positionOf(doc, peer);
  return absolutePosition(doc, position) === null ? null : JSON.stringify(Y.relativePositionToJSON(position));
}

function isPeerGone(doc: Y.Doc, { client, removal }: PeerPlace): boolean {
  const own = ownItems(doc, client);
  if (own.length > 0 && own.every(({ deleted }) => deleted)) return true;
  return removal !== null && !isAnyLeft(doc, removal);
}

/** Steps that may still be taken where it is looked at what anybody may have put into a document. */
export interface Steps {
  steps: number;
}

/**
 * Whether any character is left of what an update deletes. Each is looked at once, however often the update names it.
 * @throws RangeError if there are no steps left
 */
export function isAnyLeft(doc: Y.Doc, removal: Uint8Array, allowance: Steps = { steps: Infinity }): boolean {
  for (const [client, ranges] of Y.decodeUpdate(removal).ds.clients) {
    const end = Y.getState(doc.store, client);
    let seen = 0;
    for (const { clock, len } of ranges.toSorted((a, b) => a.clock - b.clock)) {
      const from = Math.max(clock, seen);
      seen = Math.max(seen, clock + len);
      step(allowance);
      if (from < Math.min(seen, end) && isAnyAlive(doc, { client, from, to: seen }, allowance)) return true;
    }
  }
  return false;
}

/** Whether a character of a client is left among those with these clocks, the first of which exists. */
function isAnyAlive(
  { store }: Y.Doc,
  { client, from, to }: { client: number; from: number; to: number },
  allowance: Steps,
): boolean {
  const structs = store.clients.get(client) ?? [];
  for (let i = Y.findIndexSS(structs, from); i < structs.length; i++) {
    const struct = structs[i];
    if (!struct || struct.id.clock >= to) return false;
    if (struct instanceof Y.Item && !struct.deleted && struct.countable) return true;
    step(allowance);
  }
  return false;
}

function step(allowance: Steps): void {
  if (allowance.steps-- <= 0) throw new RangeError('It takes too long to see what is left of a passage');
}

/** What a client has written into the text. Not its formatting, nor what it wrote elsewhere. */
function ownItems(doc: Y.Doc, client: number): Y.Item[] {
  const text = textOf(doc);
  const structs = doc.store.clients.get(client) ?? [];
  return structs.filter(
    (struct): struct is Y.Item => struct instanceof Y.Item && struct.parent === text && isCharacters(struct),
  );
}

const isCharacters = ({ content, countable }: Y.Item): boolean => countable || content instanceof Y.ContentDeleted;

function deleteOwn(doc: Y.Doc, client: number): void {
  doc.transact((transaction) => {
    for (const item of ownItems(doc, client)) if (!item.deleted) item.delete(transaction);
  });
}

/**
 * Takes back what a client has written, and puts back the passage that it has deleted, as text of another client. What
 * others have written stays.
 */
export function undoPeer(doc: Y.Doc, client: number, restore: readonly DeltaPiece[]): Uint8Array | null {
  return updateOf(doc, () => {
    const [first] = ownItems(doc, client);
    // Whoever wrote nothing has deleted nothing: a passage goes when there is a text in its place.
    if (!first) return;
    let at = absolutePosition(doc, new Y.RelativePosition(null, null, first.id, 0));
    deleteOwn(doc, client);
    if (at === null) return;
    for (const { insert, attributes = {} } of restore) {
      if (typeof insert === 'string') textOf(doc).insert(at, insert, attributes);
      else textOf(doc).insertEmbed(at, insert, attributes);
      at += typeof insert === 'string' ? insert.length : 1;
    }
  });
}
