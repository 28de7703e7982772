import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from '../compile/compile.ts';
import type { ModelEntry } from '../store/model-catalogue.ts';

/** What `trainTunes` writes and the engine reads. */
const FILES = ['model.safetensors', 'config.json', 'vocabulary.json'];
const configSchema = z.looseObject({ max_position_embeddings: z.int().positive() });

/** A folder with a model of tunes as an entry of a catalogue. @throws Error if a file is missing */
export async function describeTuneModel(folder: string): Promise<ModelEntry> {
  const files = await Promise.all(
    FILES.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return { name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
    }),
  );
  const { max_position_embeddings: context } = await readJsonFile(join(folder, 'config.json'), configSchema);
  const version = files[0]?.sha256.slice(0, 8) ?? '';
  return {
    ...{ id: 'tunes', name: 'Tunes', task: 'TUNE_GENERATION', version, license: null, parameters: null, context },
    ...{ weights: 'float', files, sources: [{ file: resolve(folder) }] },
  };
}
