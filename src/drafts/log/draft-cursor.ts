import { InvalidInputError } from '../../lib/errors.ts';
import { cursorEncoder, decodeCursor, encodeCursor, keyPart } from '../../lib/page.ts';

const logOf = (draftId: string): string => `draft:${draftId}`;

/** A cursor of a draft's log. A reader that has it continues after this entry. */
export const eventCursor = (draftId: string, sequence: number): string => encodeCursor(logOf(draftId), [sequence]);

/** The same for many entries of one draft. */
export const eventCursors = (draftId: string): ((sequence: number) => string) => cursorEncoder(logOf(draftId));

/** The entry that a cursor names. @throws InvalidInputError if it is not of this draft, or after its last entry */
export function positionOf(cursor: string, draftId: string, last: number): number {
  const [sequence] = decodeCursor(cursor, logOf(draftId), [keyPart.integer]);
  if (sequence >= 0 && sequence <= last) return sequence;
  throw new InvalidInputError('after is not a cursor of this draft', 'after');
}
