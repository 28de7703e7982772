import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAbcTokenizer } from '../../src/tunes/abc/tokenizer.ts';
import { abcSymbols } from './abc-symbols.ts';
import { checkpointTensors, encodeSafetensors, families } from './tiny-checkpoint.ts';
import { entryFor, folderEntryFor } from './tiny-engine.ts';
import { writeTinyGguf } from './tiny-gguf.ts';

export const TINY_TUNES = 'tiny-tunes';

/** Writes a tiny model of tunes with arbitrary weights, and a catalogue that offers it and a tiny writer. */
export async function writeTuneCatalogue(folder: string): Promise<string> {
  const model = join(folder, 'tune-model');
  await mkdir(model, { recursive: true });
  const symbols = abcSymbols();
  const { config } = families.llama!;
  const shape = { ...config, vocab_size: createAbcTokenizer(symbols).vocab, max_position_embeddings: 1024 };
  await writeFile(join(model, 'config.json'), JSON.stringify(shape));
  await writeFile(join(model, 'vocabulary.json'), JSON.stringify({ symbols }));
  await writeFile(join(model, 'model.safetensors'), encodeSafetensors(checkpointTensors(shape), 'F32'));
  const entry = { ...(await folderEntryFor(model, TINY_TUNES)), task: 'TUNE_GENERATION', context: 1024 };
  const texts = join(folder, 'source.gguf');
  await writeTinyGguf(texts);
  const catalogue = join(folder, 'tunes.json');
  await writeFile(catalogue, JSON.stringify({ models: [await entryFor(texts), entry] }));
  return catalogue;
}
