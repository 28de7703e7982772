import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { digestOf, digestOfText } from '../../lib/text/digest.ts';
import { startWorker } from '../../lib/threads/worker.ts';
import { type ModelShape, modelShape } from './checkpoint/architecture.ts';
import { ModelFileError } from './checkpoint/model-file-error.ts';
import { type CompileTask, digestsFile, graphFile, shapeFile } from './compile-model.ts';
import type { CompileMessage } from './compile-worker.ts';
import { type Fineness, finenesses, type GraphTarget } from './graph-target.ts';

export type { ExportedGraph, ModelShape } from './checkpoint/architecture.ts';
export { moreOutputs } from './onnx/graph-builder.ts';
export { readOnnxGraph } from './onnx/onnx-graph.ts';
export { readGgufMetadata } from './checkpoint/gguf/gguf.ts';
export { findGguf } from './checkpoint/gguf/gguf-parts.ts';
export { readShape, shapeNeeds } from './read-shape.ts';
export { readJsonFile } from './checkpoint/safetensors/json-file.ts';
export { ModelFileError } from './checkpoint/model-file-error.ts';
export { type Fineness, finenesses, type GraphTarget } from './graph-target.ts';

/** The end of the names of folders that are being written. */
export const TEMPORARY_SUFFIX = '.tmp';
/** Part of the cache's key. Increase it whenever the same source would yield another graph. */
const COMPILER_VERSION = 5;
const SUFFIX = `-v${COMPILER_VERSION}`;
const DEFAULT_TARGET: GraphTarget = { device: 'cpu', weights: 'int8' };

export interface CompiledModel {
  /** Of everything that the graph computes with. */
  digest: string;
  graphPath: string;
  /** The size of the graph and its data files. */
  weightBytes: number;
  shape: ModelShape;
}

export interface CompileOptions {
  /**
   * A GGUF file, or a folder in Hugging Face's layout with safetensors (or an ONNX export), config.json and tokenizer.
   */
  source: string;
  /** The source's digest. Together with the target it is the key in the cache. */
  digest: string;
  /** 8-bit weights on a CPU by default. */
  target?: GraphTarget;
  /** The cache's folder. */
  directory: string;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

/** The key of a result in the cache. */
export type CacheKey = Pick<CompileOptions, 'source' | 'digest' | 'directory' | 'target'>;

/** The cached result of `compileModel` for this source, or null. */
export function findCompiled(options: CacheKey) {
  return readCompiled(folderOf(options), options);
}

/** The folder of the same source's graph of integers. */
export function folderOfIntegers(key: CacheKey, fine: Fineness): string {
  return folderOf(key).replace(SUFFIX, `-integers-${fine}${SUFFIX}`);
}

/** The graph of integers for this source, or null. */
export function findIntegers(key: CacheKey, fine: Fineness): Promise<CompiledModel | null> {
  return readCompiled(folderOfIntegers(key, fine), key);
}

/** The file that says which graph serves on the processor with this fingerprint. */
export function kernelsFile({ digest, directory }: CacheKey, fingerprint: string): string {
  return join(directory, `kernels${SUFFIX}`, `${digest.slice(0, 16)}-${fingerprint}.json`);
}

/** Whether a folder of the cache was made by this version of the compiler, judged by its name. */
export function isCurrent(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** Removes the cached results for this source. */
export async function removeCompiled(key: CacheKey): Promise<void> {
  const folders = [folderOf(key), ...finenesses.map((fine) => folderOfIntegers(key, fine))];
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

/**
 * Compiles a checkpoint to ONNX, once per source and target. The result stays in `directory`, and later calls use it.
 * Runs in a worker thread.
 * @throws ModelFileError for a file that is truncated, corrupt or unsupported; the signal's reason if it aborts
 */
export async function compileModel(options: CompileOptions): Promise<CompiledModel> {
  const { source, signal, onProgress } = options;
  const final = folderOf(options);
  const cached = await readCompiled(final, options);
  if (cached) return cached;
  const temporary = `${final}.${randomUUID()}${TEMPORARY_SUFFIX}`;
  await runWorker(
    { source, target: options.target ?? DEFAULT_TARGET, folders: { temporary, final } },
    signal,
    onProgress,
  );
  const compiled = await readCompiled(final, options);
  if (!compiled) throw new Error(`the compiler wrote nothing to ${final}`);
  return compiled;
}

function folderOf({ digest, directory, target = DEFAULT_TARGET }: CacheKey): string {
  return join(directory, `${digest.slice(0, 16)}-${target.device}-${target.weights}${SUFFIX}`);
}

/** A result that was damaged since is removed and counts as missing. */
async function readCompiled(folder: string, { source, digest }: CacheKey): Promise<CompiledModel | null> {
  const read = async <Data>(name: string, form: z.ZodType<Data>): Promise<Data> =>
    parseStoredJson(form, await readFile(join(folder, name), 'utf8'), name);
  try {
    const digests = await read(digestsFile, z.record(z.string(), z.string()));
    for (const [name, its] of Object.entries({ [shapeFile]: '', ...digests })) {
      if ((await digestOf(join(folder, name))) !== its) throw new Error(`${name} is damaged`);
    }
    const shape = await read(shapeFile, modelShape);
    const graphPath = shape.exported ? join(source, shape.exported.file) : join(folder, graphFile);
    // An export is run where it is, so that the folder has no more than its shape.
    const computed = shape.exported ? { ...digests, source: digest } : digests;
    const weightBytes = await bytesOfGraph(graphPath);
    return { digest: digestOfText(JSON.stringify(computed)), graphPath, shape, weightBytes };
  } catch {
    await rm(folder, { recursive: true, force: true });
    return null;
  }
}

/** The names of data files begin with the graph's name. */
async function bytesOfGraph(graphPath: string): Promise<number> {
  const [folder, name] = [dirname(graphPath), basename(graphPath)];
  let bytes = 0;
  for (const file of await readdir(folder)) if (file.startsWith(name)) bytes += (await stat(join(folder, file))).size;
  return bytes;
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
      const clean = () => rm(task.folders.temporary, { recursive: true, force: true });
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
