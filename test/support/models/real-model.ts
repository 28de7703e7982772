import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadModelCatalogue, modelsFolder, openModelStore } from '../../../src/ml/engine.ts';

/** The data folder whose models the tests may use: the one a server started here would use. */
export const realDataDir = resolve(process.env.CADENZA_DATA_DIR ?? '.cadenza');

/** The default model's file, or null when it is not on disk. */
export const realModel = findRealModel();

/** The built-in translator's folder and entry, or null when it is not on disk. */
export const realTranslator = findRealTranslator();

function findRealTranslator() {
  const entry = loadModelCatalogue().find(({ task }) => task === 'TRANSLATION');
  const folder = entry && openModelStore(modelsFolder(realDataDir)).path(entry);
  return entry && folder !== undefined && existsSync(folder) ? { folder, entry } : null;
}

function findRealModel(): string | null {
  const [entry] = loadModelCatalogue();
  const path = entry && openModelStore(modelsFolder(realDataDir)).path(entry);
  return path !== undefined && existsSync(path) ? path : null;
}
