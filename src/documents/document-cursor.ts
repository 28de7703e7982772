import type { LogPlace } from '../db/documents/update-queries.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { decodeCursor, encodeCursor, keyPart } from '../lib/page.ts';

const logOf = (documentId: string): string => `document:${documentId}`;

/** A cursor of a document's log. A reader that has it continues after this update. */
export const placeCursor = (documentId: string, { sequence, mark }: LogPlace): string =>
  encodeCursor(logOf(documentId), [sequence, mark]);

/** The update that a cursor names. @throws InvalidInputError if it is no cursor of this document */
export function placeOfCursor(cursor: string, documentId: string): LogPlace {
  const [sequence, mark] = decodeCursor(cursor, logOf(documentId), [keyPart.integer, keyPart.integer]);
  if (sequence >= 0) return { sequence, mark };
  throw new InvalidInputError('after is not a cursor of this document', 'after');
}
