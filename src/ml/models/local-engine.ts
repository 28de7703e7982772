import { unwatchFile, watchFile } from 'node:fs';
import { totalmem } from 'node:os';
import type { Backoff } from '../../lib/async/retry.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Engine } from '../contract.ts';
import { loadModelCatalogue, type ModelEntry } from '../store/model-catalogue.ts';
import { modelsFolder, openModelStore } from '../store/model-store.ts';
import type { Network } from '../store/network.ts';
import { MemoryBudget } from '../writer/memory-budget.ts';
import { chooseDevice, type DeviceChoice } from './device.ts';
import { ManagedModel } from './managed-model.ts';
import { ModelRegistry } from './model-registry.ts';

export interface EngineOptions {
  /** Models lie in its folder `models`. */
  dataDir: string;
  /** The operator's own catalogue. */
  catalogueFile?: string | null;
  /** Threads of one inference step. */
  threads: number;
  /** Where models run; `cpu` unless told. `auto`: on the GPU where there is one and all that it needs. */
  device?: DeviceChoice;
  /** Drafts that may wait for a model besides those it is writing; 16 unless told. */
  queue?: number;
  /** Drafts a model writes at a time, memory permitting; 16 unless told. */
  slots?: number;
  /** Tokens a draft may reach, prompt included; 8192 unless told, and never more than the model's context. */
  capacity?: number;
  /** What models in memory may take together, in bytes; half of the machine's unless told. */
  memoryBytes?: number;
  /** What a model keeps of prompts that others may begin with, in bytes; 64 MiB unless told. */
  prefixBytes?: number;
  /** A model that nobody has needed for so long gives its memory back until it is; half an hour unless told. */
  sleepAfterMs?: number;
  /** Checks the schedulers' invariants at every step: for tests. */
  checked?: boolean;
  /** `auto`: each task's default model is fetched when it is missing; `off`: only what is on disk is used. */
  fetch?: 'auto' | 'off';
  /** How they are fetched; straight and without a token unless told. */
  network?: Network;
  /** Waits between failed fetches; half a minute to ten minutes unless told. */
  fetchBackoff?: Backoff;
  log: Pick<Logger, 'info' | 'warn'>;
  clock?: Clock;
}

const MINUTE = 60_000;
const FETCH_BACKOFF = { firstMs: MINUTE / 2, longestMs: 10 * MINUTE };

/** How often the operator's catalogue is looked at. */
const WATCH_MS = 2_000;

/**
 * Starts preparing models in the background and returns at once: each task's default model, then the others that lie
 * on disk, one after the other. When the operator's catalogue changes, so do the models ([MODEL12]).
 *
 * @throws StartupError when a catalogue is not valid
 */
export function createEngine(options: EngineOptions): Engine {
  const { catalogueFile = null, fetch = 'auto', log } = options;
  const closing = new AbortController();
  const entries = loadModelCatalogue(catalogueFile);
  const roster = new ModelRegistry({
    create: createPreparation(options, closing.signal),
    fetch: fetch === 'auto',
    log,
  });
  roster.use(entries);
  const stopWatching = catalogueFile === null ? () => undefined : watchCatalogue(catalogueFile, roster, log);
  return {
    models: () => roster.models.map(({ model }) => model),
    load: () => roster.models.flatMap(({ load }) => load ?? []),
    defaultModel: (task) => roster.defaultOf(task)?.model ?? null,
    admit: (id, request) => roster.find(id).writer().admit(request),
    whenReady: async (id, signal) => roster.find(id).whenReady(signal),
    checkFits: (id, request) => roster.find(id).writer().checkFits(request),
    async [Symbol.asyncDispose]() {
      stopWatching();
      closing.abort();
      await roster[Symbol.asyncDispose]();
    },
  };
}

function createPreparation(options: EngineOptions, signal: AbortSignal): (entry: ModelEntry) => ManagedModel {
  const { dataDir, threads, log, memoryBytes = totalmem() / 2 } = options;
  const { queue = 16, slots = 16, capacity = 8192, prefixBytes = 64 * 2 ** 20, sleepAfterMs = 30 * MINUTE } = options;
  const { fetchBackoff = FETCH_BACKOFF, checked = false, clock = systemClock } = options;
  const store = openModelStore(modelsFolder(dataDir), options.network ? { network: options.network } : {});
  const device = chooseDevice({ choice: options.device ?? 'cpu', dataDir, log });
  const memory = new MemoryBudget(memoryBytes);
  const sizes = { threads, queue, slots, capacity, prefixBytes, sleepAfterMs };
  const shared = { ...sizes, store, device, memory, fetchBackoff, checked, clock, log, signal };
  return (entry) => new ManagedModel(entry, shared);
}

/** By looking at it again and again: it may lie where no event comes from. @returns how to stop */
function watchCatalogue(file: string, roster: ModelRegistry, log: EngineOptions['log']): () => void {
  const reload = (): void => {
    try {
      roster.use(loadModelCatalogue(file));
    } catch (error) {
      log.warn(
        `the models are unchanged because the catalogue cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  watchFile(file, { interval: WATCH_MS, persistent: false }, reload);
  return () => unwatchFile(file, reload);
}
