import { type CodePoints, complement, union } from '../automaton/characters.ts';
import type { Reader } from './reader.ts';

const DIGITS: CodePoints = [[0x30, 0x39]];
const WORD: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** As `\s` has it: Unicode's spaces, line ends and the byte order mark. */
const SPACES: CodePoints = [
  [9, 13],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const SETS: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 };

/** The characters of a class, whose bracket has been taken. */
export function readClass(reader: Reader): CodePoints {
  const negated = reader.takes('^');
  const found: CodePoints[] = [];
  while (!reader.takes(']')) {
    const from = member(reader);
    if (pointIn(from) === null || !isRange(reader)) {
      found.push(from);
      continue;
    }
    reader.take();
    const to = pointIn(member(reader));
    const first = pointIn(from) ?? 0;
    if (to === null || to < first) throw reader.error('has a range of characters that is none');
    found.push([[first, to]]);
  }
  return negated ? complement(found.flat()) : union(...found);
}

const isRange = (reader: Reader): boolean => reader.next === '-' && reader.text[reader.at + 1] !== ']';

function member(reader: Reader): CodePoints {
  const next = reader.take();
  if (next === '\\') return reader.takes('b') ? point(8) : readEscape(reader);
  return point(next.codePointAt(0) ?? 0);
}

/** The characters of an escape, whose backslash has been taken. */
export function readEscape(reader: Reader): CodePoints {
  const next = reader.take();
  const set = SETS[next] ?? (CONTROLS[next] === undefined ? null : point(CONTROLS[next]));
  if (set) return set;
  if (next === 'c') return point(reader.take().charCodeAt(0) % 32);
  if (next === 'x') return point(hexadecimal(reader, 2));
  if (next === 'u') return point(unicode(reader));
  if (/[a-zA-Z1-9]/.test(next)) throw reader.error(`has "\\${next}", which is not supported`);
  return point(next.codePointAt(0) ?? 0);
}

/** Also two of them that stand for one character together. */
function unicode(reader: Reader): number {
  const braced = reader.match(/\{([0-9a-fA-F]+)\}/y);
  if (braced) return parseInt(braced[1] ?? '', 16);
  const first = hexadecimal(reader, 4);
  if (first < 0xd800 || first > 0xdbff) return first;
  const second = reader.match(/\\u(d[c-f][0-9a-f]{2})/iy);
  return second ? ((first - 0xd800) << 10) + parseInt(second[1] ?? '', 16) - 0xdc00 + 0x10000 : first;
}

function hexadecimal(reader: Reader, digits: number): number {
  const found = reader.match(digits === 2 ? /[0-9a-fA-F]{2}/y : /[0-9a-fA-F]{4}/y);
  if (!found) throw reader.error('has an incomplete escape');
  return parseInt(found[0], 16);
}

const point = (value: number): CodePoints => [[value, value]];
const pointIn = (set: CodePoints): number | null => {
  const [only] = set;
  return set.length === 1 && only && only[0] === only[1] ? only[0] : null;
};
