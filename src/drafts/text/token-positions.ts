import { countCodePoints } from '../../lib/text/code-points.ts';
import type { Token } from '../../ml/engine.ts';
import type { PlacedToken } from '../contract.ts';
import { isWritten, type LogEntry, type LogEvent, tokensOf } from '../log/log-events.ts';

/** A stretch of a text: a token, or what is not known by tokens. */
interface Piece {
  length: number;
  token: Token | null;
}

/** What an event puts in the place of a stretch. `at` is null at the text's end. */
interface Change {
  at: number | null;
  removed: number;
  pieces: Piece[];
}

/**
 * Where the tokens of a text are that its log still has. What was typed, or whose tokens were compacted, has none, and
 * neither has a token that was changed in part.
 * @param entries up to the text's revision, from the first one on that is kept
 */
export function placedTokens(text: string, entries: readonly LogEntry[]): PlacedToken[] {
  const changes = joinedChanges(entries.map(({ event }) => event));
  const grown = changes.reduce((sum, { removed, pieces }) => sum + lengthOf(pieces) - removed, 0);
  let pieces: Piece[] = [{ length: countCodePoints(text) - grown, token: null }];
  for (const change of changes) pieces = changed(pieces, change);
  let end = 0;
  return pieces.flatMap(({ length, token }) => {
    const start = end;
    end += length;
    return token && length > 0 ? [{ ...token, start, end }] : [];
  });
}

/** The changes of a text, those joined that follow one another as a turn is written. */
function joinedChanges(events: readonly LogEvent[]): Change[] {
  const changes: Change[] = [];
  let next: number | null = null;
  for (const event of events) {
    const change = changeOf(event);
    if (!change) continue;
    const last = changes.at(-1);
    const goesOn = last?.removed === 0 && change.removed === 0 && last.at !== null && change.at === next;
    if (last && (goesOn || (last.at === null && change.at === null))) last.pieces.push(...change.pieces);
    else changes.push(change);
    next = change.at === null ? null : change.at + lengthOf(change.pieces);
  }
  return changes;
}

function changeOf(event: LogEvent): Change | null {
  if (event.type === 'edit') {
    const typed = { length: countCodePoints(event.text), token: null };
    return { at: event.start, removed: event.end - event.start, pieces: [typed] };
  }
  if (!isWritten(event)) return null;
  const tokens = tokensOf(event).map((token) => ({ length: countCodePoints(token.text), token }));
  const pieces = tokens.length > 0 ? tokens : [{ length: countCodePoints(event.text), token: null }];
  return { at: event.type === 'inserted' ? event.at : null, removed: 0, pieces };
}

function changed(pieces: Piece[], { at, removed, pieces: added }: Change): Piece[] {
  if (at === null) return [...pieces, ...added];
  return [...part(pieces, 0, at), ...added, ...part(pieces, at + removed, Infinity)];
}

/** The pieces between two positions; one that is cut has no token any more. */
function part(pieces: readonly Piece[], from: number, to: number): Piece[] {
  let start = 0;
  return pieces.flatMap((piece) => {
    const begin = start;
    start += piece.length;
    const length = Math.min(start, to) - Math.max(begin, from);
    if (length <= 0) return [];
    return length === piece.length ? [piece] : [{ length, token: null }];
  });
}

const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
