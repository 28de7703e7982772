import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../lib/folders.ts';
import { takeLock } from './file-lock.ts';
import { addedModelsFile, type CatalogueFile, type ModelEntry, readCatalogue } from './model-catalogue.ts';
import { publishFile } from './verified-file.ts';

/** Records a model, in place of an earlier one of this id. A running server notices ([MODEL12]). */
export function recordModel(dataDir: string, entry: ModelEntry, signal: AbortSignal): Promise<void> {
  return change(dataDir, signal, ({ models, ...others }) => ({
    ...others,
    models: [...models.filter(({ id }) => id !== entry.id), entry],
  }));
}

/** Forgets a model. One that was not added stays as it is, and is no longer named as a default. */
export function forgetModel(dataDir: string, id: string, signal: AbortSignal): Promise<void> {
  return change(dataDir, signal, ({ models, defaults }) => ({
    defaults: defaults.filter((one) => one !== id),
    models: models.filter((entry) => entry.id !== id),
  }));
}

/** Puts a model of any catalogue before all others of its task. */
export function preferModel(dataDir: string, id: string, signal: AbortSignal): Promise<void> {
  return change(dataDir, signal, ({ models, defaults }) => ({
    models,
    defaults: [id, ...defaults.filter((one) => one !== id)],
  }));
}

/** Whether a model was added, rather than being in another catalogue. */
export function isAdded(dataDir: string, id: string): boolean {
  return read(addedModelsFile(dataDir)).models.some((entry) => entry.id === id);
}

async function change(
  dataDir: string,
  signal: AbortSignal,
  by: (before: CatalogueFile) => CatalogueFile,
): Promise<void> {
  const path = addedModelsFile(dataDir);
  await makeFolder(dirname(path));
  await using _lock = await takeLock(`${path}.lock`, { signal });
  const before = read(path);
  const after = by(before);
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(after, null, 2)}\n`);
  await publishFile(temporary, path);
}

function read(path: string): CatalogueFile {
  return existsSync(path) ? readCatalogue(path) : { defaults: [], models: [] };
}
