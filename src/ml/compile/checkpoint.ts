import { stat } from 'node:fs/promises';
import type { Architecture } from './architecture.ts';
import { openGgufCheckpoint } from './gguf-checkpoint.ts';
import { openSafetensorsCheckpoint } from './safetensors-checkpoint.ts';

/** A model as its makers store it: what the graph is built from. Tensors go by the names that GGUF gives them. */
export interface Checkpoint extends AsyncDisposable {
  readonly architecture: Architecture;
  readonly names: ReadonlySet<string>;
  /** Outermost dimension first: a matrix of N rows and K columns is [N, K]. @throws ModelFileError when there is none */
  shapeOf(name: string): readonly number[];
  /** Rows [from, to) of a matrix (or a vector as one row), as floats. */
  rows(name: string, from: number, to: number): Promise<Float32Array>;
}

/**
 * @param path a GGUF file, or a folder with safetensors and config.json as Hugging Face's `save_pretrained` writes it
 * @throws ModelFileError when it is neither, or not of a family that the compiler knows
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  return (await stat(path)).isDirectory() ? openSafetensorsCheckpoint(path) : openGgufCheckpoint(path);
}
