import { isUtf8 } from 'node:buffer';
import { u8 } from '../../lib/typed-arrays.ts';

/** A problem of a line, or of the record that begins on it. Lines are counted from 1. */
export interface LineProblem {
  line: number;
  problem: string;
}

/** A line without its line break, or why it cannot be read. */
export type Line = { line: number; text: string } | LineProblem;
export type Encoding = 'utf8' | 'latin1';

/** A longer line is an error (a binary file, missing line breaks), and keeping it would use unbounded memory. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits chunks into lines, one batch per chunk, with bounded memory. Lines end with LF or CRLF; a byte order mark is
 * dropped; a line that is too long or not in the encoding becomes a problem of its own and does not affect the others.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding = 'utf8',
): AsyncGenerator<Line[], void> {
  const cutter = new LineCutter(encoding);
  for await (const chunk of chunks) {
    const lines = cutter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const rest = cutter.end();
  if (rest.length > 0) yield rest;
}

class LineCutter {
  readonly #encoding: Encoding;
  /** The incomplete line. */
  #carry: Buffer[] = [];
  #carried = 0;
  /** Whether the incomplete line is too long, so that its bytes are dropped until it ends. */
  #dropping = false;
  #next = 1;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  push(chunk: Buffer): Line[] {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#keep(chunk);
      return [];
    }
    const lines = this.#cut(chunk.subarray(0, end - 1));
    this.#keep(chunk.subarray(end));
    return lines;
  }

  end(): Line[] {
    return this.#carried > 0 || this.#dropping ? this.#cut(Buffer.alloc(0)) : [];
  }

  #keep(bytes: Buffer): void {
    if (this.#dropping) return;
    if (bytes.length > 0) this.#carry.push(bytes);
    this.#carried += bytes.length;
    if (this.#carried <= MAX_LINE_BYTES) return;
    this.#dropping = true;
    this.#carry = [];
  }

  /** `bytes` ends at the end of a line. Its first line began in the carry. */
  #cut(bytes: Buffer): Line[] {
    const lines: Line[] = [];
    let block = bytes;
    if (this.#dropping) {
      lines.push({ line: this.#next++, problem: tooLong });
      const end = bytes.indexOf(NEWLINE);
      block = end < 0 ? bytes.subarray(bytes.length) : bytes.subarray(end + 1);
      if (end < 0) return this.#reset(lines);
    } else if (this.#carry.length > 0) {
      block = Buffer.concat([...this.#carry, bytes]);
    }
    if (this.#next === 1 && block.subarray(0, BOM.length).equals(BOM)) block = block.subarray(BOM.length);
    for (const line of this.#decode(block)) lines.push(line);
    return this.#reset(lines);
  }

  #reset(lines: Line[]): Line[] {
    this.#carry = [];
    this.#carried = 0;
    this.#dropping = false;
    return lines;
  }

  #decode(block: Buffer): Line[] {
    if (this.#encoding === 'utf8' && !isUtf8(block)) return this.#decodeEach(block);
    return block
      .toString(this.#encoding)
      .split('\n')
      .map((text) => this.#line(text));
  }

  /** The slow way, for a block in which some line is not UTF-8. */
  #decodeEach(block: Buffer): Line[] {
    const lines: Line[] = [];
    for (let start = 0; start <= block.length;) {
      const newline = block.indexOf(NEWLINE, start);
      const bytes = block.subarray(start, newline < 0 ? block.length : newline);
      lines.push(isUtf8(bytes) ? this.#line(bytes.toString()) : { line: this.#next++, problem: notUtf8(bytes) });
      if (newline < 0) break;
      start = newline + 1;
    }
    return lines;
  }

  /** Length in bytes, however the line was divided into chunks. A string's unit has at most three bytes. */
  #isTooLong(text: string): boolean {
    return text.length > MAX_LINE_BYTES / 3 && Buffer.byteLength(text, this.#encoding) > MAX_LINE_BYTES;
  }

  #line(text: string): Line {
    const line = this.#next++;
    if (this.#isTooLong(text)) return { line, problem: tooLong };
    return { line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }
}

const tooLong = `the line is longer than ${MAX_LINE_BYTES.toLocaleString('en')} bytes`;

/** Decoding replaces invalid bytes, so the first byte that differs after a round trip is the first invalid one. */
function notUtf8(bytes: Buffer): string {
  const roundTrip = Buffer.from(bytes.toString());
  const at = bytes.findIndex((byte, i) => byte !== roundTrip[i]);
  const hex = u8(bytes, at).toString(16).padStart(2, '0');
  const remedy = 'convert the file first: iconv -f WINDOWS-1252 -t UTF-8 (what Excel on Windows writes), or -f LATIN1';
  return `byte ${at + 1} of the line (0x${hex}) is not UTF-8; ${remedy}`;
}
