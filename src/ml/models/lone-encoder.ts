import { systemClock } from '../../lib/clock.ts';
import { ModelUnavailableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { TextVectors } from '../contract.ts';
import { addedModelsFile, loadModelCatalogue, modelDigest } from '../store/model-catalogue.ts';
import { modelsFolder, openModelStore } from '../store/model-store.ts';
import type { Network } from '../store/network.ts';
import { MemoryBudget } from '../writer/memory-budget.ts';
import { prepareEncoder } from './prepare-encoder.ts';

export interface LoneEncoderOptions {
  dataDir: string;
  catalogueFile: string | null;
  threads: number;
  network: Network;
  log: Pick<Logger, 'info' | 'warn'>;
  signal: AbortSignal;
}

/** An encoder without the rest of an engine, for commands. */
export interface LoneEncoder extends TextVectors, AsyncDisposable {
  /** `digest` identifies its weights. */
  model: { id: string; name: string; digest: string };
}

/** Fetches the default model for EMBEDDING if it is missing, and opens it. @throws ModelUnavailableError */
export async function openEncoder(options: LoneEncoderOptions): Promise<LoneEncoder> {
  const { dataDir, catalogueFile, threads, network, log, signal } = options;
  const entry = loadModelCatalogue({ own: catalogueFile, added: addedModelsFile(dataDir) }).find(
    ({ task }) => task === 'EMBEDDING',
  );
  if (!entry) throw new ModelUnavailableError('the model catalogue has no model with the task EMBEDDING');
  const store = openModelStore(modelsFolder(dataDir), { network });
  await store.fetch(entry, { signal, onStep: (step) => log.info(step) });
  const encoder = await prepareEncoder(entry, {
    ...{ store, device: { type: 'cpu' }, threads, memory: new MemoryBudget(Infinity), sleepAfterMs: 2 ** 31 - 1 },
    ...{ clock: systemClock, signal },
  });
  return {
    model: { id: entry.id, name: entry.name, digest: modelDigest(entry) },
    encode: (texts, asked) => encoder.encode(texts, asked),
    [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose](),
  };
}
