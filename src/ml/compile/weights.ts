import type { FileHandle } from 'node:fs/promises';
import type { GgufFile, GgufTensor } from './gguf.ts';
import { ModelFileError } from './model-file-error.ts';
import type { ExternalRange } from './onnx.ts';
import { BLOCK, quantizeRows } from './quantize.ts';

/** A quantised matrix of N rows and K columns in the data file. */
export interface StoredMatrix {
  rows: number;
  columns: number;
  values: ExternalRange;
  scales: ExternalRange;
  zeros: ExternalRange;
}

/** A matrix in the source, or several stacked by rows; `permutedHeads` where the rows of each head are interleaved pairs. */
export interface MatrixSource {
  tensor: string;
  rows: number;
  permutedHeads?: number;
}

/** Elements dequantised at a time: what bounds the compiler's memory, whatever the model's size. */
const CHUNK_ELEMENTS = 1 << 20;
/** Ranges begin on pages, so that ONNX Runtime can map them instead of reading them. */
const ALIGNMENT = 4096;

/** Turns matrices of the source into quantised ranges of the data file, chunk by chunk. */
export class WeightWriter {
  readonly #source: GgufFile;
  readonly #target: FileHandle;
  readonly #onElements: (elements: number) => void;
  #end = 0;

  constructor(source: GgufFile, target: FileHandle, onElements: (elements: number) => void) {
    this.#source = source;
    this.#target = target;
    this.#onElements = onElements;
  }

  async matrix(sources: readonly MatrixSource[], columns: number): Promise<StoredMatrix> {
    const rows = sources.reduce((total, source) => total + source.rows, 0);
    const blocks = (rows * columns) / BLOCK;
    const stored = {
      rows,
      columns,
      values: this.#reserve(rows * columns),
      scales: this.#reserve(blocks * 4),
      zeros: this.#reserve(blocks),
    };
    let row = 0;
    for (const source of sources) {
      await this.#quantize(source, columns, stored, row);
      row += source.rows;
    }
    return stored;
  }

  async vector(name: string, length: number): Promise<Float32Array> {
    const tensor = this.#source.tensor(name);
    if (tensor.shape.length !== 1 || tensor.shape[0] !== length) throw wrongShape(tensor, [length]);
    const values = await this.#source.rows(tensor, 0, 1);
    this.#onElements(length);
    return values;
  }

  async #quantize(
    { tensor: name, rows, permutedHeads }: MatrixSource,
    columns: number,
    stored: StoredMatrix,
    first: number,
  ): Promise<void> {
    const tensor = this.#source.tensor(name);
    if (tensor.shape.length !== 2 || tensor.shape[0] !== columns || tensor.shape[1] !== rows)
      throw wrongShape(tensor, [columns, rows]);
    // Whole heads at a time where rows are permuted within a head.
    const unit = permutedHeads ? rows / permutedHeads : 1;
    const step = Math.max(unit, Math.floor(CHUNK_ELEMENTS / columns / unit) * unit);
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(rows, from + step);
      const read = await this.#source.rows(tensor, from, to);
      const { values, scales, zeros } = quantizeRows(permutedHeads ? unpermute(read, columns, unit) : read);
      const at = ((first + from) * columns) / BLOCK;
      await this.#write(values, stored.values.offset + at * BLOCK);
      await this.#write(new Uint8Array(scales.buffer), stored.scales.offset + at * 4);
      await this.#write(zeros, stored.zeros.offset + at);
      this.#onElements(read.length);
    }
  }

  #reserve(length: number): ExternalRange {
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.#end = offset + length;
    return { offset, length };
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += (await this.#target.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
  }
}

/**
 * GGUF stores the rows of a query or key head as pairs (0, d/2), (1, d/2 + 1), … for interleaved rotation; ONNX Runtime
 * rotates halves. Puts row 2i to i and row 2i + 1 to i + d/2 of each head.
 */
function unpermute(weights: Float32Array, columns: number, headDim: number): Float32Array {
  const out = new Float32Array(weights.length);
  for (let row = 0; row < weights.length / columns; row++) {
    const within = row % headDim;
    const target = row - within + (within >> 1) + (within & 1 ? headDim / 2 : 0);
    out.set(weights.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return out;
}

function wrongShape({ name, shape }: GgufTensor, expected: readonly number[]): ModelFileError {
  return new ModelFileError(`${name} has the shape [${shape.join(', ')}] where [${expected.join(', ')}] is due`);
}
