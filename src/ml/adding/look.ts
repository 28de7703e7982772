import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelUnavailableError } from '../../lib/errors.ts';
import {
  findGguf,
  ModelFileError,
  type ModelShape,
  readGgufMetadata,
  readJsonFile,
  readShape,
  shapeNeeds,
} from '../compile/compile.ts';
import { kvCacheBytes } from '../decoder/kv-cache.ts';
import { openModelText } from '../text/model-text.ts';
import type { ListingContext } from './listing.ts';
import { fillShadow, type NamedFile, writeShadow } from './shadow.ts';

/** What a model's headers tell. */
export interface Sight {
  /** Null for an ONNX export, whose graph is read only when it is there. */
  shape: ModelShape | null;
  /** Length of the context in tokens. */
  context: number;
  /** As the file says. */
  license: string | null;
}

export interface LookOptions extends ListingContext {
  /** For messages. */
  title: string;
  isFolder: boolean;
}

/**
 * Reads the beginnings of a model's files and tries everything that does not need the weights: family, sizes, tokenizer
 * and chat template ([MODEL14]).
 * @throws ModelUnavailableError that says what is wrong with it
 */
export async function look(files: readonly NamedFile[], options: LookOptions): Promise<Sight> {
  const { title, isFolder, folder } = options;
  const shadow = join(folder, 'shadow');
  try {
    await writeShadow(files, shadow, options);
    const path = isFolder ? shadow : join(shadow, files[0]?.name ?? '');
    await openModelText(path);
    for (const { name, range } of await shapeNeeds(path)) {
      const file = files.find((one) => one.name === name);
      if (file) await fillShadow(file, shadow, range, options);
    }
    const isExport = files.some(({ name }) => name.endsWith('.onnx'));
    const shape = isExport ? null : await readShape(path);
    const context = shape?.contextTokens ?? (await contextOf(path));
    return { shape, context, license: await licenseOf(path) };
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelUnavailableError(`${title} cannot be used: ${error.message}`);
    throw error;
  } finally {
    await rm(shadow, { recursive: true, force: true });
  }
}

const configSchema = z.looseObject({
  max_position_embeddings: z.int().positive().optional(),
  n_positions: z.int().positive().optional(),
});

/** Of an export. */
async function contextOf(folder: string): Promise<number> {
  const config = await readJsonFile(join(folder, 'config.json'), configSchema);
  const context = config.max_position_embeddings ?? config.n_positions;
  if (context !== undefined) return context;
  throw new ModelFileError('config.json does not say how many tokens the model takes');
}

async function licenseOf(path: string): Promise<string | null> {
  const gguf = await findGguf(path);
  if (gguf === null) return null;
  const metadata = await readGgufMetadata(gguf);
  return metadata.has('general.license') ? metadata.string('general.license') : null;
}

type Weights = 'int8' | 'int4' | 'float';

/** Bytes per weight, scales and zeros included. */
const BYTES_PER_WEIGHT: Readonly<Record<Weights, number>> = { int8: 1 + 5 / 64, int4: 0.5 + 4.5 / 32, float: 4 };

/** Memory that a model takes: its weights, and the cache of one draft of so many tokens. */
export function expectedBytes(shape: ModelShape, weights: Weights, tokens: number) {
  const { parameters, vocabulary, hidden } = shape;
  const embedding = vocabulary * hidden;
  const inBlocks = (parameters - embedding) * BYTES_PER_WEIGHT[weights];
  // With 4 bits the embedding stays in 8.
  const bytes = inBlocks + embedding * BYTES_PER_WEIGHT[weights === 'int4' ? 'int8' : weights];
  return { weights: Math.round(bytes), draft: kvCacheBytes(shape, 1, Math.min(tokens, shape.contextTokens)) };
}
