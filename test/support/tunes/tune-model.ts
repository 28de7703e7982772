import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createAbcTokenizer } from '../../../src/tunes/abc/tokenizer.ts';
import { checkpointTensors, encodeSafetensors, families } from '../tiny/tiny-checkpoint.ts';
import { entryFor, folderEntryFor, noEncoder } from '../tiny/tiny-engine.ts';
import { writeTinyGguf } from '../tiny/tiny-gguf.ts';
import { abcSymbols } from './abc-symbols.ts';

export const TINY_TUNES = 'tiny-tunes';

/** Writes a tiny model of tunes with arbitrary weights. @returns its entry in a catalogue */
async function writeTuneModel(folder: string): Promise<object> {
  const model = join(folder, 'tune-model');
  await mkdir(model, { recursive: true });
  const symbols = abcSymbols();
  const { config } = families.llama!;
  const shape = { ...config, vocab_size: createAbcTokenizer(symbols).vocab, max_position_embeddings: 1024 };
  await writeFile(join(model, 'config.json'), JSON.stringify(shape));
  await writeFile(join(model, 'vocabulary.json'), JSON.stringify({ symbols }));
  await writeFile(join(model, 'model.safetensors'), encodeSafetensors(checkpointTensors(shape), 'F32'));
  return { ...(await folderEntryFor(model, TINY_TUNES)), name: 'Tiny Tunes', task: 'TUNE_GENERATION', context: 1024 };
}

/** Writes a catalogue that offers a tiny model of tunes and a tiny writer. */
export async function writeTuneCatalogue(folder: string): Promise<string> {
  const entry = await writeTuneModel(folder);
  const texts = join(folder, 'source.gguf');
  await writeTinyGguf(texts);
  const catalogue = join(folder, 'tunes.json');
  await writeFile(catalogue, JSON.stringify({ models: [await entryFor(texts), entry, noEncoder] }));
  return catalogue;
}

/** Adds a tiny model of tunes to a catalogue. @returns the catalogue's path */
export async function withTuneModel(catalogue: string): Promise<string> {
  const { models } = JSON.parse(await readFile(catalogue, 'utf8')) as { models: object[] };
  const entry = await writeTuneModel(dirname(catalogue));
  await writeFile(catalogue, JSON.stringify({ models: [...models, entry] }));
  return catalogue;
}
