import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConflictError, DiskFullError, ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { checkRoom, download, type DownloadOptions, type Patience, sizeOf } from './download.ts';
import { takeLock, tryLock } from './file-lock.ts';
import { bytesOf, filesOf, type ModelEntry, type ModelFile } from './model-catalogue.ts';
import { directNetwork, type Network } from './network.ts';
import { describeSource } from './sources.ts';
import { checkFile, type FileState, publishFile, stampFile, verifyFile } from './verified-file.ts';

interface FetchOptions {
  signal: AbortSignal;
  /** Bytes on disk so far, also while another process is the one that fetches. */
  onProgress?: (bytes: number) => void;
  /** One line for each turn that the fetch takes. */
  onStep?: (step: string) => void;
}

/** Model files below one folder, shared by any number of processes (SPEC [MODEL4]–[MODEL7]). */
export interface ModelStore {
  /** The model's own folder, for what is made of its files too. */
  folder(entry: ModelEntry): string;
  /** The model's file, or the folder of its files. */
  path(entry: ModelEntry): string;
  /** Cheap for files that were verified before and have not been touched since. */
  check(entry: ModelEntry, signal?: AbortSignal): Promise<FileState>;
  /** Reads all of them. */
  verify(entry: ModelEntry): Promise<FileState>;
  /** Bytes on disk, of whole files and of beginnings. */
  bytesOnDisk(entry: ModelEntry): Promise<number>;
  /**
   * Makes the verified files be there and returns `path`.
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

interface StoreOptions {
  patience?: Patience;
  network?: Network;
}

/** @param root folder of all models; made when the first is fetched */
export function openModelStore(
  root: string,
  { patience = defaultPatience, network = directNetwork }: StoreOptions = {},
): ModelStore {
  const folder = (entry: ModelEntry) => join(root, entry.id);
  const path = (entry: ModelEntry) => join(folder(entry), 'file' in entry ? entry.file.name : FILES);
  const pathOf = (entry: ModelEntry, file: ModelFile) => ('file' in entry ? path(entry) : join(path(entry), file.name));
  const lockPath = (entry: ModelEntry) => join(root, `${entry.id}.lock`);
  const statesOf = async (entry: ModelEntry, read: typeof checkFile, signal?: AbortSignal) => {
    const states: FileState[] = [];
    for (const file of filesOf(entry)) states.push(await read(pathOf(entry, file), file, signal));
    return combine(states);
  };
  const check = (entry: ModelEntry, signal?: AbortSignal) => statesOf(entry, checkFile, signal);
  const bytesOnDisk = async (entry: ModelEntry) => {
    let bytes = 0;
    for (const file of filesOf(entry)) bytes += await bytesOfFile(pathOf(entry, file));
    return bytes;
  };
  return {
    folder,
    path,
    check,
    bytesOnDisk,
    verify: (entry) => statesOf(entry, verifyFile),
    async fetch(entry, { signal, onProgress = () => undefined, onStep = () => undefined }) {
      if ((await check(entry, signal)) === 'whole') return path(entry);
      await makeFolder(folder(entry));
      const onWait = () => void bytesOnDisk(entry).then(onProgress);
      await using _lock = await takeLock(lockPath(entry), { signal, onWait });
      await checkRoom(entry.name, bytesOf(entry) - (await bytesOnDisk(entry)), folder(entry));
      let before = 0;
      for (const file of filesOf(entry)) {
        const progress = (bytes: number) => onProgress(before + bytes);
        const options = { ...patience, network, model: entry.name, signal, onProgress: progress };
        await fetchFile(entry, file, pathOf(entry, file), options, onStep);
        before += file.bytes;
      }
      return path(entry);
    },
    lock: (entry, signal) => takeLock(lockPath(entry), { signal }),
    async remove(entry) {
      await makeFolder(root);
      await using lock = await tryLock(lockPath(entry));
      if (!lock) throw new ConflictError(`${entry.id} is being fetched or compiled by another process`);
      const bytes = await bytesOnDisk(entry);
      await rm(folder(entry), { recursive: true, force: true });
      return bytes > 0;
    },
  };
}

/** Where several files lie, within the model's folder. */
const FILES = 'files';

const partialOf = (path: string) => `${path}.partial`;

/** Of a whole file, or of its beginning. */
async function bytesOfFile(path: string): Promise<number> {
  return (await sizeOf(path)) || sizeOf(partialOf(path));
}

/** One damaged file makes a model damaged, one absent file makes it absent. */
function combine(states: readonly FileState[]): FileState {
  return (['corrupt', 'absent'] as const).find((state) => states.includes(state)) ?? 'whole';
}

async function fetchFile(
  entry: ModelEntry,
  file: ModelFile,
  path: string,
  options: DownloadOptions,
  onStep: (step: string) => void,
): Promise<void> {
  const state = await checkFile(path, file, options.signal);
  if (state === 'whole') return;
  if (state === 'corrupt') onStep(`${file.name} on disk is damaged: fetching it again`);
  await makeFolder(dirname(path));
  await fillFromSources(entry, file, partialOf(path), options, onStep);
  await publishFile(partialOf(path), path);
  await stampFile(path, file);
}

/** Tries one source after the other until the partial file is the promised one. */
async function fillFromSources(
  entry: ModelEntry,
  file: ModelFile,
  partial: string,
  options: DownloadOptions,
  onStep: (step: string) => void,
): Promise<void> {
  const what = 'file' in entry ? entry.name : `${entry.name} (${file.name})`;
  const failures: string[] = [];
  for (const source of file.sources) {
    const name = describeSource(source);
    onStep(`fetching ${what} from ${name}`);
    try {
      await download(file, source, partial, options);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof DiskFullError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      onStep(`${name}: ${reason}`);
      failures.push(`${name}: ${reason}`);
    }
  }
  throw new ModelUnavailableError(`${what} could not be fetched: ${failures.join('; ')}`, entry.id);
}
