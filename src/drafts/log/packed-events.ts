import { StoredDataError } from '../../lib/stored-data.ts';
import { isWritten, type LogEvent, type WrittenEvent } from './log-events.ts';

/**
 * Tokens as they are stored in PostgreSQL: a run of events of one row. The text is a column of its own, which lists and
 * searches read. The bytes are a version (1), the number of tokens (2 bytes, which statements count), the number of
 * events, and for each event the code point before which it is inserted plus 1 (0: at the end) and its tokens: id,
 * length of the text in UTF-16 code units, log-probability, alternatives. Numbers are of variable length (LEB128),
 * log-probabilities of single precision, texts of alternatives UTF-8 with their length before them.
 */
export interface PackedEvents {
  text: string;
  tokens: Buffer;
}

const VERSION = 1;
const HEADER = 3;
/** Maximum number of tokens in a row, below what two bytes count. */
const MOST_TOKENS = 4_096;

/** Null if that would change anything: an event of another kind, or from a build that wrote numbers of double precision. */
export function packEvents(events: readonly LogEvent[]): PackedEvents | null {
  const written = events.filter(isWritten);
  const count = written.reduce((sum, { tokens }) => sum + tokens.length, 0);
  if (written.length < events.length || count > MOST_TOKENS || !written.every(isExact)) return null;
  const bytes = new ByteWriter();
  bytes.raw([VERSION, count & 0xff, count >> 8]);
  bytes.number(written.length);
  for (const event of written) {
    bytes.number(event.type === 'inserted' ? event.at + 1 : 0);
    // What precedes a form was typed by nobody and sampled by no model: a text without tokens.
    bytes.number(event.tokens.length);
    if (event.tokens.length === 0) bytes.number(event.text.length);
    for (const [id, text, logprob, alternatives] of event.tokens) {
      bytes.number(id);
      bytes.number(text.length);
      bytes.float(logprob);
      bytes.number(alternatives.length);
      for (const [other, its] of alternatives) {
        bytes.text(other);
        bytes.float(its);
      }
    }
  }
  return { text: written.map(({ text }) => text).join(''), tokens: bytes.all() };
}

function isExact({ text, tokens }: WrittenEvent): boolean {
  if (LONE_SURROGATE.test(text)) return false;
  if (tokens.length > 0 && tokens.map(([, own]) => own).join('') !== text) return false;
  return tokens.every(
    ([, , logprob, others]) =>
      isSingle(logprob) && others.every(([other, its]) => !LONE_SURROGATE.test(other) && isSingle(its)),
  );
}

/** UTF-8 cannot hold one. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const isSingle = (value: number): boolean => Object.is(Math.fround(value), value);

/** @throws StoredDataError */
export function unpackEvents({ text, tokens }: PackedEvents, what: string): WrittenEvent[] {
  try {
    return readEvents(new ByteReader(tokens), text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StoredDataError(`${what} cannot be read: tokens: ${error.message}`, { cause: error });
  }
}

function readEvents(bytes: ByteReader, text: string): WrittenEvent[] {
  if (bytes.byte() !== VERSION) throw new RangeError('these are of another version');
  bytes.skip(HEADER - 1);
  let from = 0;
  const take = (length: number): string => text.slice(from, (from += length));
  const events = Array.from({ length: bytes.number() }, (): WrittenEvent => {
    const at = bytes.number();
    const count = bytes.number();
    const begin = from;
    if (count === 0) take(bytes.number());
    const own = Array.from({ length: count }, (): WrittenEvent['tokens'][number] => {
      const [id, its, logprob] = [bytes.number(), take(bytes.number()), bytes.float()];
      return [id, its, logprob, Array.from({ length: bytes.number() }, () => [bytes.text(), bytes.float()])];
    });
    const written = { text: text.slice(begin, from), tokens: own };
    return at === 0 ? { type: 'tokens', ...written } : { type: 'inserted', at: at - 1, ...written };
  });
  if (from !== text.length || !bytes.isAtEnd) throw new RangeError('they do not fit their text');
  return events;
}

class ByteWriter {
  #bytes = Buffer.alloc(256);
  #length = 0;

  raw(values: readonly number[]): void {
    this.#reserve(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
  }

  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  float(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.number(length);
    this.#reserve(length);
    this.#length += this.#bytes.write(value, this.#length);
  }

  all(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * this.#bytes.length + more);
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

/** Reading past the end is a RangeError. */
class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  number(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  float(): number {
    const value = this.#bytes.readFloatLE(this.#at);
    this.#at += 4;
    return value;
  }

  text(): string {
    const length = this.number();
    if (this.#at + length > this.#bytes.length) throw new RangeError('a text ends too early');
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }
}
