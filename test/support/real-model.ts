import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadModelCatalogue, modelsFolder, openModelStore } from '../../src/ml/engine.ts';

/** The data folder whose models the tests may use: the one a server started here would use. */
export const realDataDir = resolve(process.env.CADENZA_DATA_DIR ?? '.cadenza');

/** The default model's file, or null when it is not on disk. */
export const realModel = findRealModel();

function findRealModel(): string | null {
  const [entry] = loadModelCatalogue();
  const path = entry && openModelStore(modelsFolder(realDataDir)).path(entry);
  return path !== undefined && existsSync(path) ? path : null;
}
