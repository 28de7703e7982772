import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe } from 'vitest';
import { loadModelCatalogue, modelsFolder, openModelStore } from '../../src/ml/engine.ts';

/** The data folder whose models the tests may use: the one a server started here would use. */
export const realDataDir = resolve(process.env.CADENZA_DATA_DIR ?? '.cadenza');

/** The default model's file, or null when it is not on disk. */
export const realModel = findRealModel();

/** A `describe` that needs the real model; left out when it is not there. */
export const describeWithRealModel = describe.skipIf(realModel === null);

function findRealModel(): string | null {
  const [entry] = loadModelCatalogue();
  const path = entry && openModelStore(modelsFolder(realDataDir)).path(entry);
  return path !== undefined && existsSync(path) ? path : null;
}
