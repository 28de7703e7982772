import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { realDataDir } from '../models/real-model.ts';
import { dataFolder } from '../server.ts';
import { writeTirelessCatalogue } from '../tiny/tiny-engine.ts';

/** What a server on an embedded database needs to write with one of the models. */
type Environment = { CADENZA_DATA_DIR: string; DATABASE_URL: '' };

export async function tinyModel(): Promise<Environment> {
  const folder = await dataFolder();
  const CADENZA_MODELS = await writeTirelessCatalogue(await dataFolder());
  return { CADENZA_DATA_DIR: folder, DATABASE_URL: '', ...{ CADENZA_MODELS, CADENZA_FETCH_MODELS: 'auto' } };
}

export async function theRealModel(): Promise<Environment> {
  const folder = await dataFolder();
  await symlink(join(realDataDir, 'models'), join(folder, 'models'));
  return { CADENZA_DATA_DIR: folder, DATABASE_URL: '' };
}
