import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../lib/digest.ts';
import { startWorker } from '../../lib/worker.ts';
import type { ModelShape } from './architecture.ts';
import { digestedFiles, digestsFile, graphFile, shapeFile } from './compile-model.ts';
import type { CompileMessage, CompileTask } from './compile-worker.ts';
import { ModelFileError } from './model-file-error.ts';

export { ModelFileError } from './model-file-error.ts';
export { readGgufMetadata } from './gguf.ts';
export type { ModelShape } from './architecture.ts';

/** Ends the names of folders that are being written. */
export const TEMPORARY_SUFFIX = '.tmp';
/** Part of the cache's key: raise it when the same source would give another graph. */
const COMPILER_VERSION = 2;

export interface CompiledModel {
  graphPath: string;
  shape: ModelShape;
}

export interface CompileOptions {
  /** A GGUF file. */
  source: string;
  /** The source's digest: what the result is cached under. */
  digest: string;
  /** Folder of the cache. */
  directory: string;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

/** What `compileModel` made of the same source before, or null. */
export function findCompiled(options: Pick<CompileOptions, 'digest' | 'directory'>) {
  return readCompiled(targetOf(options));
}

/** Forgets what `compileModel` made of the source. */
export function removeCompiled(options: Pick<CompileOptions, 'digest' | 'directory'>): Promise<void> {
  return rm(targetOf(options), { recursive: true, force: true });
}

/**
 * GGUF → ONNX, once per source: the result stays in `directory` and later calls find it there. Runs in a worker thread.
 * @throws ModelFileError for a file that is truncated, corrupt or unsupported; the signal's reason when it aborts
 */
export async function compileModel(options: CompileOptions): Promise<CompiledModel> {
  const { source, signal, onProgress } = options;
  const target = targetOf(options);
  const cached = await readCompiled(target);
  if (cached) return cached;
  const temporary = `${target}.${randomUUID()}${TEMPORARY_SUFFIX}`;
  await runWorker({ source, target: { temporary, final: target } }, signal, onProgress);
  const compiled = await readCompiled(target);
  if (!compiled) throw new Error(`the compiler left nothing in ${target}`);
  return compiled;
}

function targetOf({ digest, directory }: Pick<CompileOptions, 'digest' | 'directory'>): string {
  return join(directory, `${digest.slice(0, 16)}-cpu8-v${COMPILER_VERSION}`);
}

/** One that something has happened to since is removed, and counts as not there. */
async function readCompiled(target: string): Promise<CompiledModel | null> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(target, name), 'utf8'));
  try {
    const digests = (await read(digestsFile)) as Partial<Record<string, string>>;
    for (const name of digestedFiles) {
      if ((await digestOf(join(target, name))) !== digests[name]) throw new Error(`${name} is damaged`);
    }
    return { graphPath: join(target, graphFile), shape: (await read(shapeFile)) as ModelShape };
  } catch {
    await rm(target, { recursive: true, force: true });
    return null;
  }
}

function runWorker(
  task: CompileTask,
  signal: AbortSignal | undefined,
  onProgress: CompileOptions['onProgress'],
): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const worker = startWorker(import.meta.url, './compile-worker', { workerData: task });
    const abort = () => {
      const clean = () => rm(task.target.temporary, { recursive: true, force: true });
      void worker
        .terminate()
        .then(clean)
        .finally(() => reject(signal?.reason as Error));
    };
    signal?.addEventListener('abort', abort, { once: true });
    worker.on('message', (message: CompileMessage) => {
      switch (message.type) {
        case 'progress':
          onProgress?.(message.share);
          return;
        case 'done':
          resolve();
          return;
        case 'failed':
          reject(failureOf(message));
      }
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', abort);
      if (!signal?.aborted) reject(new Error(`the compiler stopped with code ${code}`));
    });
  });
}

function failureOf({ message, isModelFile, code }: Extract<CompileMessage, { type: 'failed' }>): Error {
  if (isModelFile) return new ModelFileError(message);
  return Object.assign(new Error(message), code !== null && { code });
}
