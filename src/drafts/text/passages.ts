import { indexOfCodePoint } from '../../lib/text/code-points.ts';

/** A stretch of a draft's text by one hand. */
export interface Passage {
  text: string;
  /** The turn in which the model wrote it, counted from 1. Null if a person typed it. */
  turn: number | null;
}

/** How a draft's row keeps its text up to one event. What is written later goes in between, or to the end. */
export interface KeptText {
  texts: readonly string[] | null;
  /** The turn of each of `texts`, 0 for a person. Null if each turn has one, in order. */
  textTurns: readonly number[] | null;
  /** How many of `texts` precede what is written later. Null: all of them. */
  textsBefore: number | null;
  /** The sequence number of the last event that they include. */
  textsUntil: number;
}

/** Of a draft that was begun with nothing. */
export const NO_TEXT: KeptText = { texts: null, textTurns: null, textsBefore: null, textsUntil: 0 };

/** A part of a text to replace, in code points. `start` equals `end` where something is inserted. */
export interface Replacement {
  start: number;
  end: number;
  text: string;
}

export const joined = (passages: readonly Passage[]): string => passages.map(({ text }) => text).join('');

/** The kept passages on either side of what is written later. */
export function keptPassages({ texts, textTurns, textsBefore }: KeptText): { before: Passage[]; after: Passage[] } {
  const passages = (texts ?? []).map((text, i) => ({ text, turn: (textTurns?.[i] ?? i + 1) || null }));
  const middle = textsBefore ?? passages.length;
  return { before: passages.slice(0, middle), after: passages.slice(middle) };
}

/**
 * All passages of a text.
 * @param turn who has written what is not among the kept ones
 */
export function passagesOf({ text, ...kept }: KeptText & { text: string }, turn: number): Passage[] {
  const { before, after } = keptPassages(kept);
  const written = text.slice(joined(before).length, text.length - joined(after).length);
  return merged([...before, { text: written, turn }, ...after]);
}

/** The text as a row keeps it from an event on. */
export const keptAs = (passages: readonly Passage[], textsUntil: number, textsBefore: number | null = null) => ({
  texts: passages.map(({ text }) => text),
  textTurns: passages.map(({ turn }) => turn ?? 0),
  ...{ textsBefore, textsUntil },
});

/** Splits a text before the code point with this number. */
export function splitAt(passages: readonly Passage[], at: number): { before: Passage[]; after: Passage[] } {
  const index = indexOfCodePoint(joined(passages), at);
  return { before: cut(passages, 0, index), after: cut(passages, index, Infinity) };
}

/** What a person has typed takes the place of a part. */
export function replaceIn(passages: readonly Passage[], { start, end, text }: Replacement): Passage[] {
  const [{ before }, { after }] = [splitAt(passages, start), splitAt(passages, end)];
  return merged([...before, { text, turn: null }, ...after]);
}

function cut(passages: readonly Passage[], from: number, to: number): Passage[] {
  let begin = 0;
  return merged(
    passages.map(({ text, turn }) => {
      const own = text.slice(Math.max(0, from - begin), Math.max(0, to - begin));
      begin += text.length;
      return { text: own, turn };
    }),
  );
}

/** Without empty passages, and neighbours by one hand as one. */
function merged(passages: readonly Passage[]): Passage[] {
  const whole: Passage[] = [];
  for (const { text, turn } of passages) {
    const last = whole.at(-1);
    if (text === '') continue;
    if (last?.turn === turn) last.text += text;
    else whole.push({ text, turn });
  }
  return whole;
}
