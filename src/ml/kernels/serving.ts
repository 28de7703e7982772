import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../lib/log.ts';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { startWorker } from '../../lib/threads/worker.ts';
import {
  type CacheKey,
  type CompiledModel,
  findCompiled,
  findIntegers,
  type Fineness,
  finenesses,
  folderOfIntegers,
  kernelsFile,
} from '../compile/compile.ts';
import { setRuntimeEnvironment } from '../ort/environment.ts';
import { readProcessor } from '../ort/processor.ts';
import type { ModelText } from '../text/model-text.ts';
import type { KernelsChoice, KernelsTask } from './choose-kernels.ts';
import { specimenTokens } from './specimens.ts';

/** Which products serve: what is faster on this processor and as good, or always the same. */
export type KernelsPreference = 'auto' | 'blocks' | 'integers';

export interface ServingOptions {
  key: CacheKey;
  preference: KernelsPreference;
}

/** Smaller models have products so short that another format gains nothing. */
const SMALLEST = 20e6;

const choiceForm: z.ZodType<KernelsChoice> = z.object({
  products: z.enum(['blocks', ...finenesses]),
  reason: z.string(),
});

/** The graph that was chosen for this processor, or null if none was or it is gone. */
export async function findServing({ key, preference }: ServingOptions): Promise<CompiledModel | null> {
  if (!hasChoice(key, preference)) return findCompiled(key);
  const choice = await readChoice(choiceFile(key, preference));
  if (choice) return choice.products === 'blocks' ? findCompiled(key) : findIntegers(key, choice.products);
  const blocks = await findCompiled(key);
  return blocks && !isWorthAChoice(blocks, preference) ? blocks : null;
}

export interface ChoosingOptions extends ServingOptions {
  blocks: CompiledModel;
  text: ModelText;
  threads: number;
  log: Pick<Logger, 'info' | 'warn'>;
  signal: AbortSignal;
}

/** Chooses what serves on this processor, and keeps the choice beside the graphs. Takes seconds, in a worker thread. */
export async function chooseServing(options: ChoosingOptions): Promise<CompiledModel> {
  const { key, preference, blocks, log, signal } = options;
  if (!hasChoice(key, preference) || !isWorthAChoice(blocks, preference)) return blocks;
  try {
    const choice = await choose(options);
    log.info(`${namesOf[choice.products]} on this processor: ${choice.reason}`);
    await writeChoice(choiceFile(key, preference), choice);
    return choice.products === 'blocks' ? blocks : ((await findIntegers(key, choice.products)) ?? blocks);
  } catch (error) {
    signal.throwIfAborted();
    log.warn(
      `what is fastest on this processor is not known: ${error instanceof Error ? error.message : String(error)}`,
    );
    return blocks;
  }
}

const namesOf: Record<KernelsChoice['products'], string> = {
  blocks: 'Products in blocks',
  unsmoothed: 'Products of integers',
  all: 'Products of integers, with 15 bits throughout,',
};

function hasChoice({ target }: CacheKey, preference: KernelsPreference): boolean {
  return preference !== 'blocks' && (!target || (target.device === 'cpu' && target.weights === 'int8'));
}

function isWorthAChoice({ shape }: CompiledModel, preference: KernelsPreference): boolean {
  return shape.exported === null && (preference === 'integers' || shape.parameters >= SMALLEST);
}

function choiceFile(key: CacheKey, preference: KernelsPreference): string {
  const { fingerprint } = readProcessor();
  return kernelsFile(key, preference === 'auto' ? fingerprint : `${fingerprint}-${preference}`);
}

/** One that cannot be read counts as none. */
async function readChoice(path: string): Promise<KernelsChoice | null> {
  try {
    return parseStoredJson(choiceForm, await readFile(path, 'utf8'), path);
  } catch {
    return null;
  }
}

async function writeChoice(path: string, choice: KernelsChoice): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, JSON.stringify(choice, null, 2), { flush: true });
  await rename(`${path}.partial`, path);
}

async function choose({ key, preference, blocks, text, threads, signal }: ChoosingOptions): Promise<KernelsChoice> {
  const specimens = await specimenTokens(text, blocks.shape.contextTokens);
  const folder = (fine: Fineness) => folderOfIntegers(key, fine);
  const folders = { unsmoothed: folder('unsmoothed'), all: folder('all') };
  const forced = preference === 'integers';
  return runWorker({ source: key.source, blocks, specimens, threads, folders, forced }, signal);
}

function runWorker(task: KernelsTask, signal: AbortSignal): Promise<KernelsChoice> {
  signal.throwIfAborted();
  setRuntimeEnvironment();
  return new Promise((resolve, reject) => {
    const worker = startWorker(import.meta.url, './kernels-worker', { workerData: task });
    const abort = () => void worker.terminate();
    signal.addEventListener('abort', abort, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', abort);
      reject(signal.aborted ? (signal.reason as Error) : new Error(`the thread stopped with code ${code}`));
    });
  });
}
