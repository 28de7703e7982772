import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConflictError, DiskFullError, ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import {
  checkRoom,
  download,
  type DownloadOptions,
  downloadUnpinned,
  isPromised,
  type Patience,
  sizeOf,
} from './download.ts';
import { takeLock, tryLock } from './file-lock.ts';
import { bytesOf, filesOf, type ModelEntry, type ModelFile, type ModelSource } from './model-catalogue.ts';
import { directNetwork, type Network } from './network.ts';
import { describeSource } from './sources.ts';
import { checkFile, type FileState, publishFile, stampedDigest, stampFile, verifyFile } from './verified-file.ts';

export interface FetchOptions {
  signal: AbortSignal;
  /** Number of bytes on disk, also while another process fetches. */
  onProgress?: (bytes: number) => void;
  /** Called with one line for each step of the fetch. */
  onStep?: (step: string) => void;
}

/** Model files in one folder, shared by any number of processes ([MODEL4]–[MODEL7]). */
export interface ModelStore {
  /** The model's own folder, also for what is derived from its files. */
  folder(entry: { id: string }): string;
  /** The model's file, or the folder with its files. */
  path(entry: ModelEntry): string;
  /** Fast for files that were verified before and have not changed since. */
  check(entry: ModelEntry, signal?: AbortSignal): Promise<FileState>;
  /** Reads all files. */
  verify(entry: ModelEntry): Promise<FileState>;
  /** Number of bytes on disk, of complete and partial files. */
  bytesOnDisk(entry: ModelEntry): Promise<number>;
  /**
   * Fetches and verifies the files if necessary, and returns `path`.
   * @throws DiskFullError; ModelUnavailableError that names the problem of each source; the signal's reason
   */
  fetch(entry: ModelEntry, options: FetchOptions): Promise<string>;
  /**
   * Fetches a file whose digest is unknown to where `fetch` will find it, and resumes what is there.
   * @returns its SHA-256
   * @throws DiskFullError; ModelUnavailableError that names the problem of each source; the signal's reason
   */
  fetchUnpinned(place: Place, file: UnpinnedFile, options: FetchOptions): Promise<string>;
  /** Required for changing anything in the model's folder. `fetch` and `remove` take it themselves. */
  lock(entry: ModelEntry, signal: AbortSignal): Promise<AsyncDisposable>;
  /**
   * Removes the model and everything derived from it. False if there was nothing.
   * @throws ConflictError while it is locked
   */
  remove(entry: ModelEntry): Promise<boolean>;
}

/** A model that has no entry yet. */
interface Place {
  id: string;
  /** For messages. */
  name: string;
  isFolder: boolean;
}

type UnpinnedFile = Omit<ModelFile, 'sha256'>;

/** The folder of the models in a data folder. */
export function modelsFolder(dataDir: string): string {
  return join(dataDir, 'models');
}

export const defaultPatience: Patience = { connectTimeoutMs: 5_000, stallTimeoutMs: 30_000 };

interface StoreOptions {
  patience?: Patience;
  network?: Network;
}

/** @param root the folder of all models, created when the first is fetched */
export function openModelStore(
  root: string,
  { patience = defaultPatience, network = directNetwork }: StoreOptions = {},
): ModelStore {
  const folder = ({ id }: { id: string }) => join(root, id);
  const path = (entry: ModelEntry) => join(folder(entry), 'file' in entry ? entry.file.name : FILES);
  const pathOf = (entry: ModelEntry, file: ModelFile) => ('file' in entry ? path(entry) : join(path(entry), file.name));
  const lockPath = ({ id }: { id: string }) => join(root, `${id}.lock`);
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
        const what = 'file' in entry ? entry.name : `${entry.name} (${file.name})`;
        await fetchFile({ id: entry.id, what }, file, pathOf(entry, file), options, onStep);
        before += file.bytes;
      }
      return path(entry);
    },
    async fetchUnpinned(place, file, { signal, onProgress = () => undefined, onStep = () => undefined }) {
      const path = place.isFolder ? join(folder(place), FILES, file.name) : join(folder(place), file.name);
      const [partial, known] = [partialOf(path), await stampedDigest(path)];
      if (known !== null && (await sizeOf(path)) === file.bytes) return known;
      await makeFolder(dirname(path));
      await using _lock = await takeLock(lockPath(place), { signal });
      await checkRoom(place.name, file.bytes - (await sizeOf(partial)), folder(place));
      const options = { ...patience, network, model: place.name, signal, onProgress };
      return await fillFromSources(
        { id: place.id, what: `${place.name} (${file.name})` },
        file.sources,
        onStep,
        signal,
        (source) => downloadUnpinned(file, source, partial, options),
      );
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

/** The subfolder for models with several files. */
const FILES = 'files';

const partialOf = (path: string) => `${path}.partial`;

/** The size of a file, complete or partial. */
async function bytesOfFile(path: string): Promise<number> {
  return (await sizeOf(path)) || sizeOf(partialOf(path));
}

/** One damaged file makes the model damaged, and one absent file makes it absent. */
function combine(states: readonly FileState[]): FileState {
  return (['corrupt', 'absent'] as const).find((state) => states.includes(state)) ?? 'whole';
}

/** The model that a file is of, for messages. */
interface Wanted {
  id: string;
  what: string;
}

async function fetchFile(
  wanted: Wanted,
  file: ModelFile,
  path: string,
  options: DownloadOptions,
  onStep: (step: string) => void,
): Promise<void> {
  const state = await checkFile(path, file, options.signal);
  if (state === 'whole') return;
  if (state === 'corrupt') onStep(`${file.name} on disk is damaged: fetching it again`);
  await makeFolder(dirname(path));
  // What has come whole, and is only to be checked, is not fetched again.
  const partial = partialOf(path);
  if (!(await isPromised(file, partial, options.signal)))
    await fillFromSources(wanted, file.sources, onStep, options.signal, (source) =>
      download(file, source, partial, options),
    );
  await publishFile(partial, path);
  await stampFile(path, file);
}

/** Tries the sources in order until one has filled the partial file. */
async function fillFromSources<Result>(
  { id, what }: Wanted,
  sources: readonly ModelSource[],
  onStep: (step: string) => void,
  signal: AbortSignal,
  fill: (source: ModelSource) => Promise<Result>,
): Promise<Result> {
  const failures: string[] = [];
  for (const source of sources) {
    const name = describeSource(source);
    onStep(`fetching ${what} from ${name}`);
    try {
      return await fill(source);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DiskFullError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      onStep(`${name}: ${reason}`);
      failures.push(`${name}: ${reason}`);
    }
  }
  throw new ModelUnavailableError(`${what} could not be fetched: ${failures.join('; ')}`, id);
}
