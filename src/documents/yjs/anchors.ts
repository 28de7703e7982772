import * as Y from 'yjs';
import { countCodePoints, indexOfCodePoint } from '../../lib/text/code-points.ts';
import { openState, type StoredState, textOf } from './document-state.ts';

/** Maximum length of a passage, in code points. */
const LONGEST_PASSAGE = 4_000;
/** With its formatting and what is embedded in it, as JSON. */
const LARGEST_PASSAGE = 65_536;
/** How much of the text before a passage is kept with it, in code points; half as much of what follows. */
const KEPT_AROUND = 2_000;
/** A position names a client, a clock and perhaps a type. */
const LONGEST_POSITION = 100;

/** A part of a document's text by positions that move with what is around them, as Yjs encodes them. */
export interface EncodedRange {
  start: Uint8Array;
  end: Uint8Array;
}

/** A piece of a text with its formatting, or what is embedded in it. */
export interface DeltaPiece {
  insert: string | object;
  attributes?: Record<string, unknown>;
}

/** A part of a document's text, and everything by which it is known again while others write around it. */
export interface AnchoredRange {
  before: string;
  passage: string;
  after: string;
  /** The passage with its formatting, to be put back. */
  delta: DeltaPiece[];
  /** Where something is written behind the passage, as Yjs encodes a position. */
  place: Uint8Array;
  /** An update that deletes the passage, and nothing that comes into it later. Null for a place. */
  removal: Uint8Array | null;
  /** What the document had. */
  stateVector: Uint8Array;
}

/** Why a range is none. The message completes the sentence "the field …". */
export class BadRangeError extends Error {
  readonly end: 'start' | 'end';

  constructor(end: 'start' | 'end', message: string) {
    super(message);
    this.end = end;
  }
}

/** @param range null: the end of the text. @throws BadRangeError */
export function anchoredRange(stored: StoredState, range: EncodedRange | null): AnchoredRange {
  const doc = openState(stored);
  const text = textOf(doc);
  const stateVector = Y.encodeStateVector(doc);
  const start = range ? indexIn(doc, range.start, 'start') : text.length;
  const end = range ? indexIn(doc, range.end, 'end') : text.length;
  if (start > end) throw new BadRangeError('end', 'is before the start');
  const pieces = text.toDelta() as DeltaPiece[];
  const delta = sliced(pieces, start, end);
  const passage = charactersOf(delta);
  checkKeepable(delta);
  if (countCodePoints(passage) > LONGEST_PASSAGE)
    throw new BadRangeError('end', `makes a passage of more than ${LONGEST_PASSAGE} characters`);
  const before = charactersOf(sliced(pieces, 0, start));
  const after = charactersOf(sliced(pieces, end, text.length));
  // Stays behind what is before it, whatever is typed there.
  const place = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, end, -1));
  const removal = start < end ? updateOf(doc, () => text.delete(start, end - start)) : null;
  const from = indexOfCodePoint(before, Math.max(0, countCodePoints(before) - KEPT_AROUND));
  const until = indexOfCodePoint(after, KEPT_AROUND / 2);
  return { before: before.slice(from), passage, after: after.slice(0, until), delta, place, removal, stateVector };
}

/** @throws BadRangeError unless it is a position in the document's text */
function indexIn(doc: Y.Doc, encoded: Uint8Array, end: 'start' | 'end'): number {
  const position = encoded.length <= LONGEST_POSITION ? decodedPosition(encoded) : null;
  if (!position) throw new BadRangeError(end, 'is not a relative position of Yjs');
  const found = absolutePosition(doc, position);
  if (found === null) throw new BadRangeError(end, "is not a position in the document's text");
  return found;
}

/** Null for what is none, or is relative to nothing. */
function decodedPosition(encoded: Uint8Array): Y.RelativePosition | null {
  try {
    const position = Y.decodeRelativePosition(encoded);
    const { type, tname, item } = position;
    return type === null && tname === null && item === null ? null : position;
  } catch {
    return null;
  }
}

/** The index in the document's text; null for a position elsewhere. */
export function absolutePosition(doc: Y.Doc, position: Y.RelativePosition): number | null {
  // First, because what is in a text has another parent before somebody asks for it as a text.
  const text = textOf(doc);
  const known = position.item === null || position.item.clock < Y.getState(doc.store, position.item.client);
  const found = known ? Y.createAbsolutePositionFromRelativePosition(position, doc) : null;
  return found?.type === text ? found.index : null;
}

/**
 * The passage is stored, so that it can be put back. Each piece repeats its formatting, and Yjs embeds any value.
 * @throws BadRangeError
 */
function checkKeepable(delta: readonly DeltaPiece[]): void {
  let length = 0;
  for (const piece of delta) {
    const embedded: unknown = piece.insert;
    if (embedded === null || typeof embedded === 'number' || typeof embedded === 'boolean' || Array.isArray(embedded))
      throw new BadRangeError('end', 'makes a passage with an embedded value that is no object');
    length += JSON.stringify(piece).length;
    if (length > LARGEST_PASSAGE)
      throw new BadRangeError('end', `makes a passage of more than ${LARGEST_PASSAGE} bytes with its formatting`);
  }
}

/** Positions count what is embedded as one. */
function sliced(pieces: readonly DeltaPiece[], start: number, end: number): DeltaPiece[] {
  const found: DeltaPiece[] = [];
  let at = 0;
  for (const { insert, ...rest } of pieces) {
    const length = typeof insert === 'string' ? insert.length : 1;
    const [from, to] = [Math.max(0, start - at), Math.min(length, end - at)];
    at += length;
    if (from < to) found.push({ insert: typeof insert === 'string' ? insert.slice(from, to) : insert, ...rest });
  }
  return found;
}

const charactersOf = (pieces: readonly DeltaPiece[]): string =>
  pieces.map(({ insert }) => (typeof insert === 'string' ? insert : '')).join('');

/** What a change makes of a document, as one update of one transaction. */
export function updateOf(doc: Y.Doc, change: () => void): Uint8Array | null {
  const made: Uint8Array[] = [];
  const take = (update: Uint8Array): void => void made.push(update);
  doc.on('update', take);
  doc.transact(change);
  doc.off('update', take);
  return made.length > 1 ? Y.mergeUpdates(made) : (made[0] ?? null);
}
