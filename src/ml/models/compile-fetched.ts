import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskFullError, ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import {
  type CompiledModel,
  compileModel,
  findCompiled,
  isCurrent,
  ModelFileError,
  removeCompiled,
  TEMPORARY_SUFFIX,
} from '../compile/compile.ts';
import { modelDigest, type ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import { type ModelText, openModelText } from '../text/model-text.ts';

export interface CompilationOptions {
  signal: AbortSignal;
  /** Where the graph will run: `cpu` unless told. */
  device?: 'cpu' | 'cuda';
  /** Share of the parameters done; not called when there is nothing to do. */
  onProgress?: (share: number) => void;
  /** Whatever is there is of no use. */
  anew?: boolean;
}

/**
 * All that a fetched model is written with. Tokenizer and chat format come first: what is wrong with them is told before the
 * compiler begins.
 *
 * @throws ModelUnavailableError that says what is wrong with the file, DiskFullError, the signal's reason
 */
export async function openFetched(store: ModelStore, entry: ModelEntry, options: CompilationOptions) {
  const text: ModelText = await openModelText(store.path(entry)).catch((error: unknown) => {
    throw error instanceof ModelFileError ? unavailable(entry, 'used', error) : error;
  });
  return { text, model: await compile(store, entry, options) };
}

/**
 * Makes of a fetched model what the decoder runs, unless that is there already (SPEC [MODEL1]). Of any number of processes
 * one compiles and the others find the result; what a killed one left behind is swept away.
 */
async function compile(
  store: ModelStore,
  entry: ModelEntry,
  { signal, device = 'cpu', onProgress = () => undefined, anew = false }: CompilationOptions,
): Promise<CompiledModel> {
  const directory = join(store.folder(entry), 'compiled');
  const target = { device, weights: entry.weights };
  const key = { source: store.path(entry), digest: modelDigest(entry), directory, target };
  // Without the lock, so that a folder that is prepared and read-only will do.
  const found = anew ? null : await findCompiled(key);
  if (found) return found;
  await using _lock = await store.lock(entry, signal);
  await makeFolder(directory);
  await sweep(directory);
  if (anew) await removeCompiled(key);
  try {
    return await compileModel({ ...key, signal, onProgress });
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
 * Whoever holds the lock is the only one who writes here: what is unfinished belongs to nobody alive, and what an earlier
 * compiler made is of no use any more.
 */
async function sweep(directory: string): Promise<void> {
  const useless = (await readdir(directory)).filter((name) => name.endsWith(TEMPORARY_SUFFIX) || !isCurrent(name));
  // An older server may still run one of them, which some systems do not let go of then.
  for (const name of useless) await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
}
