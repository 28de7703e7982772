import type { FileHandle } from 'node:fs/promises';
import type { ExternalRange } from './graph-builder.ts';

/** Ranges start at page boundaries, so that ONNX Runtime can map them instead of reading them. */
const ALIGNMENT = 4096;

/** The file next to the graph with its large weights. Ranges are reserved first and filled piece by piece. */
export class DataFile {
  readonly #file: FileHandle;
  #end = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  reserve(length: number): ExternalRange {
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.#end = offset + length;
    return { offset, length };
  }

  /** @param at bytes from the range's start */
  async write({ offset, length }: ExternalRange, at: number, data: ArrayBufferView): Promise<void> {
    if (at + data.byteLength > length) throw new RangeError(`${data.byteLength} bytes at ${at} do not fit ${length}`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let done = 0; done < bytes.length;) {
      done += (await this.#file.write(bytes, done, bytes.length - done, offset + at + done)).bytesWritten;
    }
  }
}
