import { CHARACTERS, type CodePoints } from '../automaton/characters.ts';
import { either, type Expression, repeated, sequence } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';
import { readClass, readEscape } from './character-class.ts';
import { checkDepth, Reader } from './reader.ts';

/** How a character of a set is written: in UTF-8, or in a JSON string. */
export type WriteCharacter = (set: CodePoints) => Expression;

/** One of the alternatives of an expression, and where it is bound to the ends of the text. */
interface Alternative {
  body: Expression;
  starts: boolean;
  ends: boolean;
}

const LONGEST = 4_096;
const NOT_LINE_ENDS: CodePoints = [
  [1, 9],
  [11, 12],
  [14, 0x2027],
  [0x202a, 0x10ffff],
];

/**
 * The texts that match a regular expression of ECMAScript as a whole (with the flag `u`).
 * @throws FormatError for what is not regular: references, assertions other than at the ends, Unicode properties
 */
export function wholeMatch(source: string, write: WriteCharacter): Expression {
  return either(...alternativesOf(source, write).map(({ body }) => body));
}

/** The texts in which one matches somewhere. @throws FormatError */
export function someMatch(source: string, write: WriteCharacter): Expression {
  const anything = repeated(write(CHARACTERS), 0, null);
  const options = alternativesOf(source, write).map(({ body, starts, ends }) =>
    sequence(...(starts ? [] : [anything]), body, ...(ends ? [] : [anything])),
  );
  return either(...options);
}

function alternativesOf(source: string, write: WriteCharacter): Alternative[] {
  if (source.length > LONGEST) throw new FormatError(`has more than ${LONGEST} characters`);
  try {
    new RegExp(source, 'u');
  } catch {
    throw new FormatError('is not a regular expression of ECMAScript with the flag u');
  }
  return new ExpressionReader(source, write).read();
}

/** Reads what is known to be well-formed. */
class ExpressionReader {
  readonly #reader: Reader;
  readonly #write: WriteCharacter;
  #depth = 0;

  constructor(source: string, write: WriteCharacter) {
    this.#reader = new Reader(source);
    this.#write = write;
  }

  read(): Alternative[] {
    const found: Alternative[] = [];
    do {
      const starts = this.#reader.takes('^');
      const body = this.#sequence();
      found.push({ body, starts, ends: this.#reader.takes('$') });
    } while (this.#reader.takes('|'));
    if (!this.#reader.isAtEnd) throw this.#unsupported('an assertion inside', this.#reader.next);
    return found;
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    while (!['', '|', ')', '$'].includes(this.#reader.next)) parts.push(this.#quantified(this.#atom()));
    return sequence(...parts);
  }

  #atom(): Expression {
    const reader = this.#reader;
    const next = reader.take();
    switch (next) {
      case '(':
        return this.#group();
      case '[':
        return this.#write(readClass(reader));
      case '.':
        return this.#write(NOT_LINE_ENDS);
      case '\\':
        return this.#write(readEscape(reader));
      case '^':
        throw this.#unsupported('an assertion inside', '^');
      default:
        return this.#write([pointOf(next)]);
    }
  }

  #group(): Expression {
    const reader = this.#reader;
    checkDepth(++this.#depth);
    if (reader.match(/\?(?:<?[=!])/y)) throw this.#unsupported('a look-around', '(?');
    if (!reader.match(/\?(?::|<[^>]*>)/y) && reader.next === '?') throw this.#unsupported('a modifier', '(?');
    const options: Expression[] = [];
    do options.push(this.#sequence());
    while (reader.takes('|'));
    if (reader.next === '$') throw this.#unsupported('an assertion inside', '$');
    reader.expect(')');
    this.#depth--;
    return either(...options);
  }

  #quantified(body: Expression): Expression {
    const reader = this.#reader;
    const bounds = reader.match(/([*+?])|\{(\d+)(,(\d*))?\}/y);
    if (!bounds) return body;
    // A lazy one matches the same texts.
    reader.takes('?');
    const [, sign, least, open, most] = bounds;
    if (sign === '?') return repeated(body, 0, 1);
    if (sign !== undefined) return repeated(body, sign === '+' ? 1 : 0, null);
    return repeated(body, Number(least), open === undefined ? Number(least) : most === '' ? null : Number(most));
  }

  #unsupported(what: string, sign: string): FormatError {
    return this.#reader.error(`has ${what} an expression, ${JSON.stringify(sign)}, which is not supported`);
  }
}

const pointOf = (one: string): readonly [number, number] => [one.codePointAt(0) ?? 0, one.codePointAt(0) ?? 0];
