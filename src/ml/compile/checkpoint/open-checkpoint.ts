import type { Checkpoint } from './checkpoint.ts';
import { openGgufCheckpoint } from './gguf/gguf-checkpoint.ts';
import { findGguf } from './gguf/gguf-parts.ts';
import { openSafetensorsCheckpoint } from './safetensors/safetensors-checkpoint.ts';

/**
 * @param path a GGUF file, a folder with the files that one was split into, or one with safetensors and config.json as written by Hugging Face's `save_pretrained`
 * @throws ModelFileError if it is neither, or of a family that the compiler does not support
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const gguf = await findGguf(path);
  return gguf === null ? openSafetensorsCheckpoint(path) : openGgufCheckpoint(gguf);
}
