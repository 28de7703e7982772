import { FormatError } from '../automaton/program.ts';

/** Reads a text from left to right. */
export class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character, as a code point. Empty at the end. */
  get next(): string {
    const point = this.text.codePointAt(this.at);
    return point === undefined ? '' : String.fromCodePoint(point);
  }

  take(): string {
    const { next } = this;
    if (next === '') throw this.error('ends too early');
    this.at += next.length;
    return next;
  }

  /** Whether this comes next. It is taken. */
  takes(expected: string): boolean {
    const isNext = this.text.startsWith(expected, this.at);
    if (isNext) this.at += expected.length;
    return isNext;
  }

  /** What matches next, with its groups. It is taken. @param pattern sticky */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found;
  }

  expect(expected: string): void {
    if (!this.takes(expected)) throw this.error(`lacks ${JSON.stringify(expected)}`);
  }

  error(message: string): FormatError {
    const line = this.text.slice(0, this.at).split('\n').length;
    return new FormatError(`${message} at position ${this.at}${line > 1 ? ` (line ${line})` : ''}`);
  }
}

const DEEPEST = 64;

/** Counts how deep groups are in each other. @throws FormatError beyond the bound */
export function checkDepth(depth: number): void {
  if (depth > DEEPEST) throw new FormatError(`has groups more than ${DEEPEST} deep`);
}
