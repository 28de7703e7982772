import { countCodePoints, indexOfCodePoint } from '../../lib/text/code-points.ts';
import type { Surroundings, TextRange } from '../contract.ts';
import { isWritten, type LogEntry, type LogEvent } from '../log/log-events.ts';
import type { Replacement } from './passages.ts';

/** Without the white space at its ends, which a rewritten passage keeps as it is. */
export function withoutSpace(text: string, { start, end }: TextRange): TextRange {
  const passage = partOf(text, { start, end });
  const lead = countCodePoints(passage) - countCodePoints(passage.trimStart());
  const trail = countCodePoints(passage) - countCodePoints(passage.trimEnd());
  return lead + trail >= end - start ? { start, end: start } : { start: start + lead, end: end - trail };
}

/** @param most of what is before the passage, in code points; half as much of what is after it */
export function aroundPassage(text: string, { start, end }: TextRange, most: number): Surroundings {
  const before = partOf(text, { start: Math.max(0, start - most), end: start });
  return { before, passage: partOf(text, { start, end }), after: partOf(text, { start: end, end: end + most / 2 }) };
}

export const partOf = (text: string, { start, end }: TextRange): string =>
  text.slice(indexOfCodePoint(text, start), indexOfCodePoint(text, Math.floor(end)));

/** A passage as it is put into its place: an inserted one is set off by spaces where words would run together. */
export function fittedPassage(text: string, { before, passage, after }: Surroundings): string {
  const written = text.trim();
  if (passage !== '' || written === '') return written;
  const [left, right] = [joinsWords(before.at(-1), written.at(0)), joinsWords(written.at(-1), after.at(0))];
  return `${left ? ' ' : ''}${written}${right ? ' ' : ''}`;
}

/** Scripts whose words have no spaces between them. */
export const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Whether a space is missing between two characters: punctuation needs one only behind it. */
export const joinsWords = (left = '', right = ''): boolean =>
  /[^\s([{“‘"']/u.test(left) && /[\p{L}\p{N}([{“‘"]/u.test(right) && !SPACELESS.test(left) && !SPACELESS.test(right);

/**
 * Where a stretch of a text is after later events of its log.
 * @returns null if one of them has changed it
 */
export function rangeAfter({ start, end }: TextRange, entries: readonly LogEntry[]): TextRange | null {
  let [from, to] = [start, end];
  for (const { event } of entries) {
    const change = changeOf(event);
    if (!change || change.start >= to) continue;
    if (change.end > from) return null;
    const shift = countCodePoints(change.text) - (change.end - change.start);
    [from, to] = [from + shift, to + shift];
  }
  return { start: from, end: to };
}

/** What an event replaces. Null for what is appended, and for what leaves the text. */
function changeOf(event: LogEvent): Replacement | null {
  if (event.type === 'edit') return event;
  return isWritten(event) && event.type === 'inserted' ? { start: event.at, end: event.at, text: event.text } : null;
}
