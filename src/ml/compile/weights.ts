import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { toFloat16 } from './checkpoint/floats.ts';
import { ModelFileError } from './checkpoint/model-file-error.ts';
import { type ColumnRanges, ColumnWriter } from './column-matrix.ts';
import type { DataFile } from './onnx/data-file.ts';
import type { ExternalRange } from './onnx/graph-builder.ts';
import { blockOf, quantizeRows } from './quantize.ts';

/** How a matrix is stored: as floats, or in blocks of 8 or 4 bits. */
export type MatrixFormat = 'float32' | 'float16' | 'int8' | 'int4';

/** A matrix with N rows and K columns in the data file. */
export type StoredMatrix = { rows: number; columns: number } & (
  | { format: 'float32' | 'float16'; values: ExternalRange }
  | { format: 'int8' | 'int4'; block: number; values: ExternalRange; scales: ExternalRange; zeros: ExternalRange }
);
type Blocks = Extract<StoredMatrix, { scales: unknown }>;

/**
 * A matrix or vector of the source, of which several may be stacked. `permutedHeads` is set if a head's rows are
 * interleaved pairs, `factor` if its values are to be multiplied.
 */
export interface TensorSource {
  tensor: string;
  rows: number;
  permutedHeads?: number;
  factor?: number;
}

/** Number of elements dequantised at a time. It limits the compiler's memory, whatever the model's size. */
const CHUNK_ELEMENTS = 1 << 20;

/** Writes tensors of the source into the data file, piece by piece, and records which ones it has used. */
export class WeightWriter {
  readonly #source: Checkpoint;
  readonly #target: DataFile;
  readonly #element: 'float32' | 'float16';
  readonly #onElements: (elements: number) => void;
  readonly #unused: Set<string>;

  /** @param element the type of the activations, and so of the blocks' scales */
  constructor(
    source: Checkpoint,
    target: DataFile,
    element: 'float32' | 'float16',
    onElements: (elements: number) => void,
  ) {
    this.#source = source;
    this.#target = target;
    this.#element = element;
    this.#onElements = onElements;
    this.#unused = new Set(source.names);
  }

  has(tensor: string): boolean {
    return this.#source.names.has(tensor);
  }

  /** Tensors that were not used. The graph does not compute what they are for. */
  get unused(): ReadonlySet<string> {
    return this.#unused;
  }

  async matrix(sources: readonly TensorSource[], columns: number, format: MatrixFormat): Promise<StoredMatrix> {
    const rows = sources.reduce((total, source) => total + source.rows, 0);
    const stored = this.#reserve(rows, columns, format);
    let row = 0;
    for (const source of sources) {
      for await (const chunk of this.#chunks(source, columns)) {
        await this.#store(stored, row, chunk);
        row += chunk.length / columns;
      }
    }
    return stored;
  }

  /**
   * The same turned over, for integer products.
   * @param factors what each column is multiplied by, if anything
   */
  async columns(
    sources: readonly TensorSource[],
    columns: number,
    factors: Float32Array | null,
  ): Promise<ColumnRanges> {
    const rows = sources.reduce((total, source) => total + source.rows, 0);
    const [values, scales] = [this.#target.reserve(rows * columns), this.#target.reserve(rows * 4)];
    const stored = { rows, columns, values, scales };
    const writer = new ColumnWriter(this.#target, stored);
    for (const source of sources)
      for await (const chunk of this.#chunks(source, columns)) await writer.add(chunk, factors);
    await writer.end();
    return stored;
  }

  /** The highest magnitude in each column. */
  async highest(sources: readonly TensorSource[], columns: number): Promise<Float32Array> {
    const highest = new Float32Array(columns);
    for (const source of sources)
      for await (const chunk of this.#chunks(source, columns))
        for (let i = 0; i < chunk.length; i++) {
          const column = i % columns;
          highest[column] = Math.max(highest[column] ?? 0, Math.abs(chunk[i] ?? 0));
        }
    return highest;
  }

  /** A small tensor, read as a whole. */
  async vector(sources: readonly TensorSource[]): Promise<Float32Array> {
    const parts: number[] = [];
    for (const { tensor, rows, permutedHeads, factor } of sources) {
      const values = multiplied(await this.#read(tensor, [rows], 0, 1), factor);
      parts.push(...(permutedHeads ? unpermute(values, 1, rows / permutedHeads) : values));
    }
    return Float32Array.from(parts);
  }

  #reserve(rows: number, columns: number, format: MatrixFormat): StoredMatrix {
    const elements = rows * columns;
    const reserve = (bytes: number) => this.#target.reserve(bytes);
    if (format === 'float32' || format === 'float16')
      return { rows, columns, format, values: reserve(elements * bytesOf(format)) };
    const bits = bitsOf(format);
    const block = blockOf(bits, columns);
    const values = reserve((elements * bits) / 8);
    const scales = reserve((elements / block) * bytesOf(this.#element));
    const zeros = reserve(rows * Math.ceil(((columns / block) * bits) / 8));
    return { rows, columns, format, block, values, scales, zeros };
  }

  async *#chunks({ tensor, rows, permutedHeads, factor }: TensorSource, columns: number): AsyncGenerator<Float32Array> {
    // Whole heads at a time if rows are permuted within a head.
    const unit = permutedHeads ? rows / permutedHeads : 1;
    const step = Math.max(unit, Math.floor(CHUNK_ELEMENTS / columns / unit) * unit);
    for (let from = 0; from < rows; from += step) {
      const values = multiplied(await this.#read(tensor, [rows, columns], from, Math.min(rows, from + step)), factor);
      yield permutedHeads ? unpermute(values, columns, unit) : values;
    }
  }

  async #read(tensor: string, shape: readonly number[], from: number, to: number): Promise<Float32Array> {
    const found = this.#source.shapeOf(tensor);
    if (found.length !== shape.length || found.some((size, i) => size !== shape[i]))
      throw new ModelFileError(`${tensor} has the shape [${found.join(', ')}] instead of [${shape.join(', ')}]`);
    const values = await this.#source.rows(tensor, from, to);
    checkFinite(values, tensor);
    this.#unused.delete(tensor);
    this.#onElements(values.length);
    return values;
  }

  async #store(stored: StoredMatrix, row: number, chunk: Float32Array): Promise<void> {
    const { columns, format, values } = stored;
    const elements = row * columns;
    if (!isBlocks(stored)) {
      const floats = format === 'float16' ? checkedFloat16(chunk) : chunk;
      return this.#target.write(values, elements * floats.BYTES_PER_ELEMENT, floats);
    }
    const { block } = stored;
    const bits = bitsOf(stored.format);
    const quantized = quantizeRows(chunk, columns, bits);
    const scales = this.#element === 'float16' ? toFloat16(quantized.scales) : quantized.scales;
    await this.#target.write(values, (elements * bits) / 8, quantized.values);
    await this.#target.write(stored.scales, (elements / block) * scales.BYTES_PER_ELEMENT, scales);
    await this.#target.write(stored.zeros, row * Math.ceil(((columns / block) * bits) / 8), quantized.zeros);
  }
}

function multiplied(values: Float32Array, factor = 1): Float32Array {
  return factor === 1 ? values : values.map((value) => value * factor);
}

function isBlocks(stored: StoredMatrix): stored is { rows: number; columns: number } & Blocks {
  return 'scales' in stored;
}

function bitsOf(format: Blocks['format']): 8 | 4 {
  return format === 'int8' ? 8 : 4;
}

function bytesOf(element: 'float32' | 'float16'): number {
  return element === 'float32' ? 4 : 2;
}

/**
 * GGUF stores the rows of a Llama's query or key head as pairs (0, d/2), (1, d/2 + 1), … for interleaved rotation, but
 * ONNX Runtime rotates halves. This moves row 2i to i and row 2i + 1 to i + d/2 of each head.
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

/** One damaged scale would make every logit NaN. */
function checkFinite(values: Float32Array, tensor: string): void {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) * 0;
  if (sum !== 0) throw new ModelFileError(`${tensor} contains values that are not numbers`);
}

function checkedFloat16(values: Float32Array): Uint16Array {
  const halves = toFloat16(values);
  if (halves.some((half) => (half & 0x7fff) === 0x7c00)) throw new ModelFileError('a weight is too large for 16 bits');
  return halves;
}
