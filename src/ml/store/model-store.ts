import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError, DiskFullError, ModelUnavailableError } from '../../lib/errors.ts';
import { checkRoom, download, sizeOf, type DownloadOptions, type Patience } from './download.ts';
import { takeLock, tryLock } from './file-lock.ts';
import type { ModelEntry } from './model-catalogue.ts';
import { describeSource } from './sources.ts';
import { checkFile, publishFile, stampFile, verifyFile, type FileState } from './verified-file.ts';

interface FetchOptions {
  signal: AbortSignal;
  /** Bytes on disk so far, also while another process is the one that fetches. */
  onProgress?: (bytes: number) => void;
  /** One line for each turn that the fetch takes. */
  onStep?: (step: string) => void;
}

/** Model files below one folder, shared by any number of processes (SPEC [MODEL4]–[MODEL7]). */
export interface ModelStore {
  /** The model's own folder, for what is made of the file too. */
  folder(entry: ModelEntry): string;
  path(entry: ModelEntry): string;
  /** Cheap for a file that was verified before and has not been touched since. */
  check(entry: ModelEntry, signal?: AbortSignal): Promise<FileState>;
  /** Reads the whole file. */
  verify(entry: ModelEntry): Promise<FileState>;
  /** Bytes on disk, of the file or of its beginning. */
  bytesOnDisk(entry: ModelEntry): Promise<number>;
  /**
   * Makes the verified file be there and returns its path.
   * @throws DiskFullError, ModelUnavailableError that tells of each source why it was of no use, the signal's reason
   */
  fetch(entry: ModelEntry, options: FetchOptions): Promise<string>;
  /** For whoever changes anything below the model's folder; `fetch` and `remove` take it themselves. */
  lock(entry: ModelEntry, signal: AbortSignal): Promise<AsyncDisposable>;
  /** Removes the model and all that was made of it; false when there was nothing. @throws ConflictError while it is locked */
  remove(entry: ModelEntry): Promise<boolean>;
}

/** Where a data folder keeps its models. */
export function modelsFolder(dataDir: string): string {
  return join(dataDir, 'models');
}

const defaultPatience: Patience = { connectTimeoutMs: 5_000, stallTimeoutMs: 30_000 };

/** @param root folder of all models; made when the first is fetched */
export function openModelStore(root: string, patience: Patience = defaultPatience): ModelStore {
  const folder = (entry: ModelEntry) => join(root, entry.id);
  const path = (entry: ModelEntry) => join(folder(entry), entry.file.name);
  const partial = (entry: ModelEntry) => `${path(entry)}.partial`;
  const lockPath = (entry: ModelEntry) => join(root, `${entry.id}.lock`);
  const check = (entry: ModelEntry, signal?: AbortSignal) => checkFile(path(entry), entry.file, signal);
  return {
    folder,
    path,
    check,
    verify: (entry) => verifyFile(path(entry), entry.file),
    bytesOnDisk: async (entry) => (await sizeOf(path(entry))) || sizeOf(partial(entry)),
    async fetch(entry, { signal, onProgress = () => undefined, onStep = () => undefined }) {
      if ((await check(entry, signal)) === 'whole') return path(entry);
      await mkdir(folder(entry), { recursive: true });
      const lock = await takeLock(lockPath(entry), {
        signal,
        onWait: () => void sizeOf(partial(entry)).then(onProgress),
      });
      try {
        const state = await check(entry, signal);
        if (state === 'whole') return path(entry);
        if (state === 'corrupt') onStep(`${entry.file.name} on disk is damaged: fetching it again`);
        await fillFromSources(entry, partial(entry), { ...patience, signal, onProgress }, onStep);
        await publishFile(partial(entry), path(entry));
        await stampFile(path(entry), entry.file);
        return path(entry);
      } finally {
        await lock[Symbol.asyncDispose]();
      }
    },
    lock: (entry, signal) => takeLock(lockPath(entry), { signal }),
    async remove(entry) {
      await mkdir(root, { recursive: true });
      const lock = await tryLock(lockPath(entry));
      if (!lock) throw new ConflictError(`${entry.id} is being fetched or compiled by another process`);
      try {
        const bytes = (await sizeOf(path(entry))) + (await sizeOf(partial(entry)));
        await rm(folder(entry), { recursive: true, force: true });
        return bytes > 0;
      } finally {
        await lock[Symbol.asyncDispose]();
      }
    },
  };
}

/** Tries one source after the other until the partial file is the promised one. */
async function fillFromSources(
  entry: ModelEntry,
  partial: string,
  options: DownloadOptions,
  onStep: (step: string) => void,
): Promise<void> {
  await checkRoom(entry, partial);
  const failures: string[] = [];
  for (const source of entry.sources) {
    const name = describeSource(source);
    onStep(`fetching ${entry.name} from ${name}`);
    try {
      await download(entry, source, partial, options);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof DiskFullError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      onStep(`${name}: ${reason}`);
      failures.push(`${name}: ${reason}`);
    }
  }
  throw new ModelUnavailableError(`${entry.name} could not be fetched: ${failures.join('; ')}`, entry.id);
}
