import { either, type Expression, NEVER, sequence, type Span, text } from './expression.ts';

/** Code points, in order and apart. */
export type CodePoints = readonly Span[];

const LAST = 0x10ffff;

/** The code points that a text may have: all but U+0000 and surrogates. */
export const CHARACTERS: CodePoints = [
  [1, 0xd7ff],
  [0xe000, LAST],
];

/** What all of these have, in order. */
export function union(...sets: CodePoints[]): CodePoints {
  const found: [number, number][] = [];
  for (const [from, to] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

/** What a text may have besides these. */
export function complement(set: CodePoints): CodePoints {
  const found: Span[] = [];
  let from = 0;
  for (const [first, last] of union(set)) {
    if (first > from) found.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST) found.push([from, LAST]);
  return intersection(found, CHARACTERS);
}

function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return a.flatMap(([from, to]) =>
    b.flatMap(([first, last]): Span[] => {
      const both: Span = [Math.max(from, first), Math.min(to, last)];
      return both[0] <= both[1] ? [both] : [];
    }),
  );
}

/** By the set, which many places of a source may share. */
const written = new WeakMap<CodePoints, Expression>();
const writtenInJson = new WeakMap<CodePoints, Expression>();

/** One character of these, in UTF-8. */
export function character(set: CodePoints): Expression {
  const found = written.get(set) ?? inUtf8(set);
  written.set(set, found);
  return found;
}

function inUtf8(set: CodePoints): Expression {
  const pieces = intersection(union(set), CHARACTERS).flatMap(([from, to]) => bySize(from, to));
  const single = pieces.filter(([from]) => from < 0x80);
  const longer = pieces.filter(([from]) => from >= 0x80).flatMap(([from, to]) => byBytes(encode(from), encode(to)));
  return either(...(single.length > 0 ? [{ type: 'byte', ranges: single } as const] : []), ...longer);
}

/** The characters that stand for themselves in a JSON string. */
const PLAIN = intersection(
  complement([
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ]),
  CHARACTERS,
);
const ESCAPED: readonly (readonly [string, string])[] = [
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\r', '\\r'],
  ['\b', '\\b'],
  ['\f', '\\f'],
];

/** One character of these as it is written in a JSON string. Control characters without a letter of their own are left out. */
export function jsonCharacter(set: CodePoints): Expression {
  const found = writtenInJson.get(set) ?? inJson(set);
  writtenInJson.set(set, found);
  return found;
}

function inJson(set: CodePoints): Expression {
  const escaped = ESCAPED.filter(([one]) => has(set, one.charCodeAt(0))).map(([, written]) => text(written));
  const plain = intersection(union(set), PLAIN);
  return plain.length === 0
    ? escaped.length === 0
      ? NEVER
      : either(...escaped)
    : either(character(plain), ...escaped);
}

const has = (set: CodePoints, point: number): boolean => set.some(([from, to]) => point >= from && point <= to);

/** Parts whose characters have equally many bytes. */
function bySize(from: number, to: number): Span[] {
  return [0x7f, 0x7ff, 0xffff, LAST].flatMap((last, i, lasts): Span[] => {
    const part: Span = [Math.max(from, i === 0 ? 0 : (lasts[i - 1] ?? 0) + 1), Math.min(to, last)];
    return part[0] <= part[1] ? [part] : [];
  });
}

const encode = (point: number): number[] => [...new TextEncoder().encode(String.fromCodePoint(point))];

/** The texts between two of the same length, where each byte after the first differing one is free or at its bound. */
function byBytes(from: readonly number[], to: readonly number[]): Expression[] {
  const [first, ...rest] = from;
  const [last, ...others] = to;
  if (first === undefined || last === undefined) return [sequence()];
  const byte = (a: number, b: number): Expression => ({ type: 'byte', ranges: [[a, b]] });
  if (first === last) return byBytes(rest, others).map((tail) => sequence(byte(first, last), tail));
  const [low, high] = [rest.map(() => 0x80), rest.map(() => 0xbf)];
  const isWholeFrom = rest.every((one) => one === 0x80);
  const isWholeTo = others.every((one) => one === 0xbf);
  const [inner, outer] = [isWholeFrom ? first : first + 1, isWholeTo ? last : last - 1];
  const free = rest.map(() => byte(0x80, 0xbf));
  return [
    ...(isWholeFrom ? [] : byBytes(rest, high).map((tail) => sequence(byte(first, first), tail))),
    ...(inner <= outer ? [sequence(byte(inner, outer), ...free)] : []),
    ...(isWholeTo ? [] : byBytes(low, others).map((tail) => sequence(byte(last, last), tail))),
  ];
}
