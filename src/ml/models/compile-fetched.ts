import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskFullError, ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { type Logger, silentLogger } from '../../lib/log.ts';
import {
  type CompiledModel,
  compileModel,
  isCurrent,
  ModelFileError,
  removeCompiled,
  TEMPORARY_SUFFIX,
} from '../compile/compile.ts';
import { chooseServing, findServing, type KernelsPreference } from '../kernels/serving.ts';
import { modelDigest, type ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import { type ModelText, openModelText } from '../text/model-text.ts';

export interface CompilationOptions {
  signal: AbortSignal;
  /** Where the graph will run; `cpu` by default. */
  device?: 'cpu' | 'cuda';
  /** The fraction of the parameters that is done. Not called if nothing has to be compiled. */
  onProgress?: (share: number) => void;
  /** Compiles again even if a result exists. */
  anew?: boolean;
  /** Which products serve; `blocks` by default. */
  kernels?: KernelsPreference;
  /** Number of threads of a run; 1 by default. */
  threads?: number;
  log?: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Opens everything that a fetched model needs to write. Tokenizer and chat format are opened first, so that their
 * problems are reported before compiling.
 * @throws ModelUnavailableError that says what is wrong with the file; DiskFullError; the signal's reason
 */
export async function openFetched(store: ModelStore, entry: ModelEntry, options: CompilationOptions) {
  const text: ModelText = await openModelText(store.path(entry)).catch((error: unknown) => {
    throw error instanceof ModelFileError ? unavailable(entry, 'used', error) : error;
  });
  return { text, model: await compile(store, entry, text, options) };
}

/**
 * Compiles a fetched model unless that was done already ([MODEL1]). Of several processes one compiles and the others
 * use its result. Leftovers of a killed process are removed.
 */
async function compile(
  store: ModelStore,
  entry: ModelEntry,
  text: ModelText,
  { signal, device = 'cpu', anew = false, kernels = 'blocks', ...options }: CompilationOptions,
): Promise<CompiledModel> {
  const { onProgress = () => undefined, threads = 1, log = silentLogger } = options;
  const directory = join(store.folder(entry), 'compiled');
  const target = { device, weights: entry.weights };
  const key = { source: store.path(entry), digest: modelDigest(entry), directory, target };
  const serving = { key, preference: kernels };
  // Looked up without the lock, so that a prepared, read-only folder works.
  const found = anew ? null : await findServing(serving);
  if (found) return found;
  await using _lock = await store.lock(entry, signal);
  await makeFolder(directory);
  await sweep(directory);
  if (anew) await removeCompiled(key);
  try {
    const blocks = await compileModel({ ...key, signal, onProgress });
    return await chooseServing({ ...serving, blocks, text, threads, log, signal });
  } catch (error) {
    if (error instanceof ModelFileError) throw unavailable(entry, 'compiled', error);
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new DiskFullError(`there is no room for the compiled ${entry.name} in ${directory}: free some disk space`);
    throw error;
  }
}

function unavailable({ id, name }: ModelEntry, what: string, { message }: ModelFileError): ModelUnavailableError {
  return new ModelUnavailableError(`${name} cannot be ${what}: ${message}`, id);
}

/**
 * Only the holder of the lock writes here, so unfinished files have no living owner, and results of earlier compiler
 * versions are no longer needed.
 */
async function sweep(directory: string): Promise<void> {
  const useless = (await readdir(directory)).filter((name) => name.endsWith(TEMPORARY_SUFFIX) || !isCurrent(name));
  // An older server may still run one of them, and some systems then refuse to delete it.
  for (const name of useless) await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
}
