import { countCodePoints, isWithinPair } from '../../lib/text/code-points.ts';
import type { Replacement } from './passages.ts';

/** The smallest part of a text that has to be replaced to turn it into another. Null if the two are equal. */
export function replacementBetween(before: string, after: string): Replacement | null {
  if (before === after) return null;
  const start = commonStart(before, after);
  const rest = commonEnd(before.slice(start), after.slice(start));
  const [from, to] = [countCodePoints(before.slice(0, start)), before.length - rest];
  const end = from + countCodePoints(before.slice(start, to));
  return { start: from, end, text: after.slice(start, after.length - rest) };
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return isWithinPair(a, length) || isWithinPair(b, length) ? length - 1 : length;
}

function commonEnd(a: string, b: string): number {
  let length = 0;
  const most = Math.min(a.length, b.length);
  while (length < most && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length++;
  return isWithinPair(a, a.length - length) ? length - 1 : length;
}
