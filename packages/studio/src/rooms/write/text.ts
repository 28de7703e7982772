import type { DraftEvent } from '../../../../client/src/follow-draft.ts';

/** Positions count characters, which are code points: indices of a JavaScript string count halves of some. */
export function spliced(text: string, start: number, end: number, replacement: string): string {
  const characters = Array.from(text);
  return characters.slice(0, start).join('') + replacement + characters.slice(end).join('');
}

/** The position of an index of a JavaScript string. */
export const positionAt = (text: string, index: number): number => Array.from(text.slice(0, index)).length;

/** The index in a JavaScript string of a position. */
export const indexAt = (text: string, position: number): number => Array.from(text).slice(0, position).join('').length;

/** The text after an event. */
export function textAfter(text: string, event: DraftEvent): string {
  switch (event.__typename) {
    case 'DraftSnapshot':
      return event.draft.text;
    case 'TokensAppended':
      return text + event.text;
    case 'TokensInserted':
      return spliced(text, event.at, event.at, event.text);
    case 'TextReplaced':
      return spliced(text, event.start, event.end, event.text);
    case 'DraftStatusChanged':
      return text;
  }
}

export interface Range {
  start: number;
  end: number;
}

/** A piece of a text that is all by one hand, and all marked or not at all. */
export interface Piece {
  start: number;
  text: string;
  isTyped: boolean;
  isMarked: boolean;
}

/** A text in pieces: who wrote them, and whether the marked range has them. */
export function piecesOf(text: string, typed: readonly Range[], marked: Range | null): Piece[] {
  const characters = Array.from(text);
  const ranges = marked ? [...typed, marked] : typed;
  const borders = [0, ...ranges.flatMap(({ start, end }) => [start, end]), characters.length];
  const places = [...new Set(borders.filter((place) => place <= characters.length))].sort((a, b) => a - b);
  const has = ({ start, end }: Range, place: number): boolean => start <= place && place < end;
  return places.slice(0, -1).map((start, index) => ({
    start,
    text: characters.slice(start, places[index + 1]).join(''),
    isTyped: typed.some((range) => has(range, start)),
    isMarked: marked !== null && has(marked, start),
  }));
}
