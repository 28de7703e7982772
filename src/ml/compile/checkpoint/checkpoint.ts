import type { Architecture } from './architecture.ts';

/** A model as published, from which the graph is built. Tensors have the names that GGUF gives them. */
export interface Checkpoint extends AsyncDisposable {
  readonly architecture: Architecture;
  readonly names: ReadonlySet<string>;
  /**
   * Outermost dimension first: a matrix of N rows and K columns is [N, K].
   * @throws ModelFileError if it does not exist
   */
  shapeOf(name: string): readonly number[];
  /** Rows [from, to) of a matrix (or a vector as one row), as floats. */
  rows(name: string, from: number, to: number): Promise<Float32Array>;
}
