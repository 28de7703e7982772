import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DiskFullError } from '../../lib/errors.ts';
import { digestOf } from '../../lib/text/digest.ts';
import type { ModelFile, ModelSource } from './model-catalogue.ts';
import type { Network } from './network.ts';
import { openModelSource } from './sources.ts';

/** Number of interruptions that are tolerated from one source, provided that each attempt yields more bytes. */
const BREAKS = 5;

export interface Patience {
  /** Time within which a server must start to respond. */
  connectTimeoutMs: number;
  /** Time after which a body without new data counts as stalled. */
  stallTimeoutMs: number;
}

export interface DownloadOptions extends Patience {
  /** The model's name, for messages. */
  model: string;
  network: Network;
  signal: AbortSignal;
  onProgress: (bytes: number) => void;
}

type SizedFile = Pick<ModelFile, 'bytes'>;

/**
 * Fetches a file's bytes from one source into `partial` and resumes what is there ([MODEL4]). When it returns, the file
 * has the expected digest.
 * @throws DiskFullError, the signal's reason, or an Error that says what is wrong with this source
 */
export async function download(file: ModelFile, source: ModelSource, partial: string, options: DownloadOptions) {
  const { resumed } = await downloadAll(file, source, partial, options);
  if (await isPromised(file, partial, options.signal)) return;
  await rm(partial, { force: true });
  // The existing beginning may come from another source. This source is judged by its own bytes only.
  if (resumed) return download(file, source, partial, options);
  throw new Error(`its content is not that of ${file.name} (the SHA-256 differs)`);
}

/**
 * Fetches a file whose digest nobody has told, as `download` does.
 * @returns its SHA-256
 */
export async function downloadUnpinned(
  file: SizedFile,
  source: ModelSource,
  partial: string,
  options: DownloadOptions,
): Promise<string> {
  await downloadAll(file, source, partial, options);
  return digestOf(partial, options.signal);
}

/** Whether all of the file has come, and is what the catalogue promises. */
export async function isPromised(file: ModelFile, path: string, signal: AbortSignal): Promise<boolean> {
  return (await sizeOf(path)) === file.bytes && (await digestOf(path, signal)) === file.sha256;
}

async function downloadAll(file: SizedFile, source: ModelSource, partial: string, options: DownloadOptions) {
  const resumed = (await sizeOf(partial)) > 0;
  for (let breaks = 0; (await sizeOf(partial)) < file.bytes;) {
    const before = await sizeOf(partial);
    try {
      await append(file, source, partial, before, options);
    } catch (error) {
      options.signal.throwIfAborted();
      if (isDiskFull(error)) throw diskFull(options.model, file.bytes, dirname(partial));
      const progressed = (await sizeOf(partial)) > before;
      if (!progressed || ++breaks > BREAKS) throw error;
    }
  }
  return { resumed };
}

/** Sends one request and appends its data from where the source begins. */
async function append(file: SizedFile, source: ModelSource, partial: string, offset: number, options: DownloadOptions) {
  const watchdog = new Watchdog(options.stallTimeoutMs);
  const signal = AbortSignal.any([options.signal, watchdog.signal]);
  const handle = await open(partial, 'a');
  try {
    const {
      start,
      body,
      startsLate = false,
    } = await openModelSource(source, { ...options, offset, signal, folder: dirname(partial) });
    if (start < offset) await handle.truncate(start);
    let written = start;
    if (!startsLate) watchdog.touch();
    for await (const chunk of body) {
      watchdog.touch();
      written += chunk.length;
      if (written > file.bytes) throw new Error(`it sent more than the ${file.bytes} bytes of the file`);
      await handle.writeFile(chunk);
      options.onProgress(written);
    }
    if (written < file.bytes) throw new Error(`it ended after ${written} of ${file.bytes} bytes`);
  } catch (error) {
    if (watchdog.signal.aborted)
      throw new Error(`it sent nothing for ${options.stallTimeoutMs / 1000} s`, { cause: error });
    throw error;
  } finally {
    watchdog[Symbol.dispose]();
    await handle.close();
  }
}

/** Aborts its signal if it has not been touched for too long. It starts with the first touch. */
class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  readonly #patienceMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    this.#timer ??= setTimeout(() => this.#controller.abort(), this.#patienceMs);
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** @throws DiskFullError if it is clear in advance that this many bytes do not fit */
export async function checkRoom(model: string, bytes: number, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) throw diskFull(model, bytes, folder);
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(error.code));
}

export function diskFull(model: string, bytes: number, folder: string): DiskFullError {
  const megabytes = Math.ceil(bytes / 1e6);
  return new DiskFullError(`there is no room for ${model} (${megabytes} MB) in ${folder}: free some disk space`);
}
