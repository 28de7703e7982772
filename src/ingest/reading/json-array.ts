import { isUtf8 } from 'node:buffer';
import { InvalidInputError } from '../../lib/errors.ts';
import { u8 } from '../../lib/typed-arrays.ts';
import { type Line, MAX_LINE_BYTES } from './lines.ts';

const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const [QUOTE, BACKSLASH, COMMA, NEWLINE] = [0x22, 0x5c, 0x2c, 0x0a];
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d, NEWLINE, 0xef, 0xbb, 0xbf]);

/**
 * Splits a JSON array into the texts of its elements, each with its first line, one batch per chunk. It only looks for
 * the ends of elements. Their reader decides whether they are valid JSON, so that a bad one does not hide those after
 * it.
 * @throws InvalidInputError if no further element can be valid: the array does not end, or an element does not
 */
export async function* readJsonArray(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Line[], void> {
  const cutter = new ElementCutter(name);
  for await (const chunk of chunks) {
    const elements = cutter.push(chunk);
    if (elements.length > 0) yield elements;
  }
  cutter.end();
}

class ElementCutter {
  readonly #name: string;
  /** `lost`: after an unclosed string, until the next object begins. */
  #state: 'before' | 'within' | 'lost' | 'after' = 'before';
  #lastSeen = 0;
  #line = 1;
  /** The incomplete element: its first line, null while it is blank, and its bytes from earlier chunks. */
  #begun: number | null = null;
  #carry: Buffer[] = [];
  #carried = 0;
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  #cut = 0;

  constructor(name: string) {
    this.#name = name;
  }

  push(chunk: Buffer): Line[] {
    const elements: Line[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = u8(chunk, at);
      if (this.#state !== 'within') {
        this.#outside(byte);
        start = this.#begun === null ? at + 1 : at;
      } else if (byte === NEWLINE && this.#inText) {
        this.#giveUp(elements);
      } else if (this.#endsElement(byte)) {
        this.#keep(chunk.subarray(start, at));
        this.#finish(byte, elements);
        start = at + 1;
      }
      if (byte === NEWLINE) this.#line++;
    }
    if (this.#state === 'within') this.#keep(chunk.subarray(start));
    return elements;
  }

  end(): void {
    if (this.#state === 'after' || (this.#state === 'lost' && this.#lastSeen === CLOSE_LIST)) return;
    throw this.#refusal(this.#begun ?? this.#line, 'the file is truncated here: its JSON array does not end');
  }

  #outside(byte: number): void {
    if (this.#state === 'lost') this.#look(byte);
    else if (this.#state === 'before' && byte === OPEN_LIST) this.#state = 'within';
    else if (!BLANKS.has(byte)) throw this.#refusal(this.#line, 'there is data after the end of the JSON array');
  }

  /** An object begins here, and is read from this byte on. */
  #look(byte: number): void {
    if (!BLANKS.has(byte)) this.#lastSeen = byte;
    if (byte !== OPEN) return;
    this.#state = 'within';
    this.#begun = this.#line;
    this.#depth = 1;
  }

  /** JSON strings do not span lines, so this one was not closed. Its element is bad, and the next must be found. */
  #giveUp(elements: Line[]): void {
    const problem = `a string on line ${this.#line} is not closed; everything up to the next object is skipped`;
    elements.push({ line: this.#begun ?? this.#line, problem });
    this.#reset();
    this.#state = 'lost';
  }

  /** Processes a byte of an element. A comma or closing bracket at the top level ends the element. */
  #endsElement(byte: number): boolean {
    if (this.#depth === 0 && !this.#inText && (byte === COMMA || byte === CLOSE_LIST)) return true;
    if (this.#begun === null && !BLANKS.has(byte)) this.#begun = this.#line;
    if (this.#inText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inText = false;
    } else if (byte === QUOTE) this.#inText = true;
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth++;
    else if ((byte === CLOSE || byte === CLOSE_LIST) && this.#depth > 0) this.#depth--;
    return false;
  }

  #keep(bytes: Buffer): void {
    if (this.#begun === null) return;
    this.#carried += bytes.length;
    this.#carry.push(bytes);
    if (this.#carried <= MAX_LINE_BYTES) return;
    const limit = MAX_LINE_BYTES.toLocaleString('en');
    throw this.#refusal(this.#begun, `the element is longer than ${limit} bytes; is a quote or a bracket not closed?`);
  }

  #finish(byte: number, elements: Line[]): void {
    if (this.#begun !== null) elements.push(elementOf(Buffer.concat(this.#carry), this.#begun));
    else if (byte === COMMA || this.#cut > 0)
      elements.push({ line: this.#line, problem: 'there is no element next to the comma' });
    this.#cut++;
    this.#reset();
    if (byte === CLOSE_LIST) this.#state = 'after';
  }

  #reset(): void {
    this.#begun = null;
    this.#carry = [];
    this.#carried = 0;
    this.#depth = 0;
    this.#inText = false;
    this.#isEscaped = false;
  }

  #refusal(line: number, reason: string): InvalidInputError {
    return new InvalidInputError(`${this.#name}:${line}: ${reason}`, 'path');
  }
}

function elementOf(bytes: Buffer, line: number): Line {
  return isUtf8(bytes) ? { line, text: bytes.toString().trim() } : { line, problem: 'the element is not UTF-8' };
}
