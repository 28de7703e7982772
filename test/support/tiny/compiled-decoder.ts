import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { compileModel } from '../../../src/ml/compile/compile.ts';
import type { Decoder } from '../../../src/ml/decoder/decoder.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { temporaryFolder } from '../folder.ts';
import { writeTinyGguf } from './tiny-gguf.ts';

/** A tiny model with one slot, compiled and opened as a writer opens it. */
export async function compiledDecoder(): Promise<Decoder> {
  const folder = await temporaryFolder();
  const source = join(folder, 'tiny.gguf');
  await writeTinyGguf(source, {});
  const model = await compileModel({ source, digest: 'd'.repeat(64), directory: join(folder, 'compiled') });
  const decoder = await openDecoder({ model, threads: 1, slots: 1, capacity: 256 });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}
