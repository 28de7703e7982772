import type { DataFile } from './onnx/data-file.ts';
import type { ExternalRange } from './onnx/graph-builder.ts';

/** The largest value of a weight or an activation in 8 bits; −128 is not used. */
export const MOST = 127;
/** Number of weights that are turned over at a time. */
const TILE_ELEMENTS = 8 << 20;

/** A matrix that is stored as the integer products read it: turned over, with one scale for each of its rows. */
export interface ColumnRanges {
  rows: number;
  columns: number;
  /** int8 [columns, rows] */
  values: ExternalRange;
  /** float32 [rows] */
  scales: ExternalRange;
}

/** Quantises rows of floats to 8 bits and writes them as columns, a tile at a time, whatever the matrix's size. */
export class ColumnWriter {
  readonly #data: DataFile;
  readonly #to: ColumnRanges;
  readonly #tile: Int8Array; // [columns, tile rows]
  readonly #tileRows: number;
  readonly #scales: Float32Array; // [rows]
  /** Rows that are in the file, and after those the ones in the tile. */
  #written = 0;
  #held = 0;

  constructor(data: DataFile, to: ColumnRanges) {
    this.#data = data;
    this.#to = to;
    this.#tileRows = Math.min(to.rows, Math.max(1, Math.floor(TILE_ELEMENTS / to.columns)));
    this.#tile = new Int8Array(this.#tileRows * to.columns);
    this.#scales = new Float32Array(to.rows);
  }

  /** @param factors what each column is multiplied by first, if anything */
  async add(chunk: Float32Array, factors: Float32Array | null): Promise<void> {
    const { columns } = this.#to;
    for (let from = 0; from < chunk.length; from += columns) {
      if (this.#held === this.#tileRows) await this.#flush();
      this.#quantise(chunk.subarray(from, from + columns), factors);
    }
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#data.write(this.#to.scales, 0, this.#scales);
  }

  #quantise(row: Float32Array, factors: Float32Array | null): void {
    if (factors) for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) * (factors[i] ?? 1);
    let highest = 0;
    for (let i = 0; i < row.length; i++) highest = Math.max(highest, Math.abs(row[i] ?? 0));
    const scale = highest / MOST || 1e-12;
    let at = this.#held++;
    for (let i = 0; i < row.length; i++, at += this.#tileRows) this.#tile[at] = Math.round((row[i] ?? 0) / scale);
    this.#scales[this.#written + this.#held - 1] = scale;
  }

  async #flush(): Promise<void> {
    const { rows, columns, values } = this.#to;
    if (this.#tileRows === rows) await this.#data.write(values, 0, this.#tile);
    else
      for (let column = 0; column < columns; column++) {
        const from = column * this.#tileRows;
        await this.#data.write(values, column * rows + this.#written, this.#tile.subarray(from, from + this.#held));
      }
    this.#written += this.#held;
    this.#held = 0;
  }
}
