import { unwatchFile, watchFile } from 'node:fs';
import { totalmem } from 'node:os';
import type { Backoff } from '../../lib/async/retry.ts';
import { Semaphore } from '../../lib/async/semaphore.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { InvalidInputError, ModelUnavailableError, NotFoundError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Engine, LanguagePair, TextVectors, Translation } from '../contract.ts';
import { Encoder } from '../encoder/encoder.ts';
import type { KernelsPreference } from '../kernels/serving.ts';
import { addedModelsFile, type CatalogueFiles, loadModelCatalogue, type ModelEntry } from '../store/model-catalogue.ts';
import { modelsFolder, openModelStore } from '../store/model-store.ts';
import type { Network } from '../store/network.ts';
import { Translator } from '../translator/translator.ts';
import { MemoryBudget } from '../writer/memory-budget.ts';
import { Writer } from '../writer/writer.ts';
import { chooseDevice, type DeviceChoice } from './device.ts';
import { ManagedModel, type ManagedModelOptions, type ModelService } from './managed-model.ts';
import { ModelRegistry } from './model-registry.ts';
import { prepareEncoder } from './prepare-encoder.ts';
import { prepareTranslator } from './prepare-translator.ts';
import { prepareWriter } from './prepare-writer.ts';

export interface EngineOptions {
  /** Its subfolder `models` contains the models. */
  dataDir: string;
  /** The operator's model catalogue. */
  catalogueFile?: string | null;
  /** Number of threads of one inference step. */
  threads: number;
  /** Where models run; `cpu` by default. `auto` uses the GPU if everything that it needs is present. */
  device?: DeviceChoice;
  /** Which products serve on a CPU; `blocks` by default. */
  kernels?: KernelsPreference;
  /** Number of drafts that may wait for a model; 16 by default. */
  queue?: number;
  /** Number of drafts that a model writes at the same time, memory permitting; 16 by default. */
  slots?: number;
  /** Maximum number of tokens of a draft, prompt included; 8192 by default, and at most the model's context. */
  capacity?: number;
  /** Memory for all loaded models together, in bytes; half of the machine's memory by default. */
  memoryBytes?: number;
  /** Memory per model for cached beginnings of prompts, in bytes; 64 MiB by default. */
  prefixBytes?: number;
  /** Time after which an idle model is unloaded; half an hour by default. */
  sleepAfterMs?: number;
  /** Checks the schedulers' invariants at every step, for tests. */
  checked?: boolean;
  /** `auto` fetches each task's default model if it is missing. `off` uses only what is on disk or built in. */
  fetch?: 'auto' | 'off';
  /** How models are fetched; directly and without a token by default. */
  network?: Network;
  /** Waits between failed fetches; half a minute to ten minutes by default. */
  fetchBackoff?: Backoff;
  log: Pick<Logger, 'info' | 'warn'>;
  clock?: Clock;
}

const MINUTE = 60_000;
const FETCH_BACKOFF = { firstMs: MINUTE / 2, longestMs: 10 * MINUTE };

/** Interval for checking the operator's catalogue for changes. */
const WATCH_MS = 2_000;

/**
 * Starts preparing models in the background and returns at once: each task's default model first, then the others on
 * disk, one after the other. When the operator's catalogue changes, the models change with it ([MODEL12]).
 * @throws StartupError if a catalogue is invalid
 */
export function createEngine(options: EngineOptions): Engine & TextVectors & Translation {
  const { catalogueFile = null, fetch = 'auto', log } = options;
  const closing = new AbortController();
  const files = { own: catalogueFile, added: addedModelsFile(options.dataDir) };
  const entries = loadModelCatalogue(files);
  const roster = new ModelRegistry({
    create: createPreparation(options, closing.signal),
    fetch: fetch === 'auto',
    log,
  });
  roster.use(entries);
  const stopWatching = watchCatalogues(files, roster, log);
  return {
    models: () => roster.models.map(({ model }) => model),
    load: () => roster.models.flatMap(({ load }) => load ?? []),
    defaultModel: (task) => roster.defaultOf(task)?.model ?? null,
    admit: (id, request) => writerOf(roster.find(id)).admit(request),
    whenReady: async (id, signal) => roster.find(id).whenReady(signal),
    checkFits: (id, request) => writerOf(roster.find(id)).checkFits(request),
    encode: async (texts, encodeOptions) => encoderOf(roster).encode(texts, encodeOptions),
    pairs: () => roster.models.flatMap(({ entry }) => entry.languages ?? []),
    translate: async (texts, { glossary, signal, ...pair }) =>
      translatorOf(roster, pair).translate(texts, { glossary }, signal),
    async [Symbol.asyncDispose]() {
      stopWatching();
      closing.abort();
      await roster[Symbol.asyncDispose]();
    },
  };
}

/** @throws ModelUnavailableError; InvalidInputError for a model of another task */
function writerOf(managed: ManagedModel): Writer {
  const service = managed.service();
  if (service instanceof Writer) return service;
  throw new InvalidInputError(`${managed.entry.name} writes no texts: its task is ${managed.entry.task}`, 'modelId');
}

/** @throws ModelUnavailableError if there is none, or it is not ready */
function encoderOf(roster: ModelRegistry): Encoder {
  const service = roster.defaultOf('EMBEDDING')?.service();
  if (service instanceof Encoder) return service;
  throw new ModelUnavailableError('the model catalogue has no model with the task EMBEDDING');
}

/** @throws NotFoundError; ModelUnavailableError if it is not ready */
function translatorOf(roster: ModelRegistry, { from, to }: LanguagePair): Translator {
  const managed = roster.models.find(({ entry }) => entry.languages?.from === from && entry.languages.to === to);
  const service = managed && roster.need(managed).service();
  if (service instanceof Translator) return service;
  throw new NotFoundError(`no model translates from ${from} to ${to}`, `${from}-${to}`);
}

function createPreparation(options: EngineOptions, signal: AbortSignal): (entry: ModelEntry) => ManagedModel {
  const { dataDir, threads, log, memoryBytes = totalmem() / 2 } = options;
  const { queue = 16, slots = 16, capacity = 8192, prefixBytes = 64 * 2 ** 20, sleepAfterMs = 30 * MINUTE } = options;
  const { fetchBackoff = FETCH_BACKOFF, checked = false, clock = systemClock, kernels = 'blocks' } = options;
  const store = openModelStore(modelsFolder(dataDir), options.network ? { network: options.network } : {});
  const device = chooseDevice({ choice: options.device ?? 'cpu', dataDir, log });
  const memory = new MemoryBudget(memoryBytes);
  const sizes = { threads, queue, slots, capacity, prefixBytes, sleepAfterMs };
  const shared = { ...sizes, store, device, kernels, memory, checked, clock, log, signal };
  // One at a time, because compiling takes memory and all processors.
  const turns = new Semaphore(1);
  const prepare: ManagedModelOptions['prepare'] = (entry, onProgress) =>
    turns.run<ModelService>(async () => {
      if (entry.task === 'EMBEDDING') return prepareEncoder(entry, shared);
      if (entry.task === 'TRANSLATION') return prepareTranslator(entry, shared);
      return prepareWriter(entry, shared, onProgress);
    });
  return (entry) => new ManagedModel(entry, { store, device: device.type, prepare, fetchBackoff, log, signal });
}

/** Polls the files, because they may be on a file system without change events. @returns a function that stops watching */
function watchCatalogues(
  files: Required<CatalogueFiles>,
  roster: ModelRegistry,
  log: EngineOptions['log'],
): () => void {
  const reload = (): void => {
    try {
      roster.use(loadModelCatalogue(files));
    } catch (error) {
      log.warn(
        `the models are unchanged because the catalogue cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  const watched = [files.own, files.added].filter((file) => file !== null);
  for (const file of watched) watchFile(file, { interval: WATCH_MS, persistent: false }, reload);
  return () => {
    for (const file of watched) unwatchFile(file, reload);
  };
}
