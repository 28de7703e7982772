import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ModelFileError } from '../checkpoint/model-file-error.ts';

/** A range of bytes in the file. */
export interface ByteRange {
  from: number;
  to: number;
}

/** A field of a message: a number, or the range of its content. */
export type WireField = { id: number } & ({ kind: 'number'; value: number } | ({ kind: 'content' } & ByteRange));

const PAGE = 1 << 16;
/** Maximum length of a name. */
const MAX_TEXT = 65_536;

/**
 * Reads Protocol Buffers from a file without loading what is skipped, because an ONNX graph contains its weights among
 * its nodes. Every length is checked against the enclosing range.
 */
export class ProtobufFile implements Disposable {
  readonly all: ByteRange;
  readonly #handle: number;
  readonly #page = Buffer.alloc(PAGE);
  #pageStart = 0;
  #pageEnd = 0;

  /** @throws ModelFileError if the file does not exist */
  constructor(path: string) {
    try {
      this.#handle = openSync(path, 'r');
    } catch (error) {
      throw new ModelFileError(`the graph cannot be opened: ${(error as Error).message}`);
    }
    this.all = { from: 0, to: fstatSync(this.#handle).size };
  }

  /** The fields of the message in this range, in order. */
  *fields({ from, to }: ByteRange): Generator<WireField> {
    for (let at = from; at < to;) {
      const tag = this.#varint(at, to);
      const id = Math.floor(tag.value / 8);
      const { field, end } = this.#field(id, tag.value % 8, tag.end, to);
      if (end > to)
        throw new ModelFileError(`the graph is truncated or corrupt: a field ends at ${end}, its message at ${to}`);
      yield field;
      at = end;
    }
  }

  text({ from, to }: ByteRange): string {
    if (to - from > MAX_TEXT) throw new ModelFileError(`the graph is corrupt: a name has ${to - from} bytes`);
    return Buffer.from(Array.from({ length: to - from }, (_, i) => this.#byte(from + i))).toString();
  }

  [Symbol.dispose](): void {
    closeSync(this.#handle);
  }

  #field(id: number, wire: number, at: number, to: number): { field: WireField; end: number } {
    switch (wire) {
      case 0: {
        const { value, end } = this.#varint(at, to);
        return { field: { id, kind: 'number', value }, end };
      }
      case 1:
        return { field: { id, kind: 'content', from: at, to: at + 8 }, end: at + 8 };
      case 2: {
        const { value: length, end } = this.#varint(at, to);
        return { field: { id, kind: 'content', from: end, to: end + length }, end: end + length };
      }
      case 5:
        return { field: { id, kind: 'content', from: at, to: at + 4 }, end: at + 4 };
      default:
        throw new ModelFileError(`not an ONNX graph: wire type ${wire} at byte ${at}`);
    }
  }

  /** Exact up to 2⁵³, which nothing in a graph exceeds. */
  #varint(at: number, to: number): { value: number; end: number } {
    let value = 0;
    for (let i = 0; i < 10 && at + i < to; i++) {
      const byte = this.#byte(at + i);
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return { value, end: at + i + 1 };
    }
    throw new ModelFileError(`the graph is truncated or corrupt at byte ${at}`);
  }

  #byte(at: number): number {
    if (at < this.#pageStart || at >= this.#pageEnd) {
      this.#pageStart = at;
      this.#pageEnd = at + readSync(this.#handle, this.#page, 0, PAGE, at);
    }
    const byte = this.#page[at - this.#pageStart];
    if (byte === undefined || at >= this.#pageEnd) throw new ModelFileError('the graph shrank while it was read');
    return byte;
  }
}
