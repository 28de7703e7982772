import { InvalidInputError } from '../../lib/errors.ts';
import { cursorEncoder, decodeCursor, encodeCursor, keyPart } from '../../lib/page.ts';
import type { LogPosition } from './log-events.ts';

const logOf = (draftId: string): string => `draft:${draftId}`;

/** A cursor of a draft's log. A reader that has it continues after this entry. */
export const eventCursor = (draftId: string, { sequence, epoch }: LogPosition): string =>
  encodeCursor(logOf(draftId), [sequence, epoch]);

/** The same for many entries of one draft. */
export function eventCursors(draftId: string): (position: LogPosition) => string {
  const encode = cursorEncoder(logOf(draftId));
  return ({ sequence, epoch }) => encode(sequence, epoch);
}

/**
 * The entry that a cursor names. The log may not have it: a log that was restored from a backup has lost its end.
 * @throws InvalidInputError if it is no cursor of this draft
 */
export function positionOf(cursor: string, draftId: string): LogPosition {
  const [sequence, epoch] = decodeCursor(cursor, logOf(draftId), [keyPart.integer, isEpoch]);
  if (sequence >= 0) return { sequence, epoch };
  throw new InvalidInputError('after is not a cursor of this draft', 'after');
}

const isEpoch = (value: unknown): value is number => Number.isSafeInteger(value);
