import { stat } from 'node:fs/promises';
import type { Checkpoint } from './checkpoint.ts';
import { openGgufCheckpoint } from './gguf-checkpoint.ts';
import { openSafetensorsCheckpoint } from './safetensors-checkpoint.ts';

/**
 * @param path a GGUF file, or a folder with safetensors and config.json as written by Hugging Face's `save_pretrained`
 * @throws ModelFileError if it is neither, or of a family that the compiler does not support
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  return (await stat(path)).isDirectory() ? openSafetensorsCheckpoint(path) : openGgufCheckpoint(path);
}
